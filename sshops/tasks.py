"""The worker's doors: health rounds and what is done on the beat."""

import logging

from celery import shared_task
from kombu.exceptions import OperationalError

from sshops import health

log = logging.getLogger(__name__)


@shared_task
def check_health():
    health.check_all()


@shared_task
def check_servers(server_ids):
    health.check(server_ids)


def look_at(server_ids):
    """Have servers checked now; without a broker the next round finds them."""
    try:
        check_servers.apply_async([server_ids], retry=False)
    except OperationalError as error:
        log.warning("New servers wait for the next round: %s", error)


@shared_task
def sweep():
    health.sweep()
