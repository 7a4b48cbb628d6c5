"""The worker's doors: health rounds and what is done on the beat."""

import logging

from celery import shared_task
from kombu.exceptions import OperationalError

from sshops import health, recordings, transfer_runs, transfers, upload_parts

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
def run_transfer(run_id):
    transfer_runs.run(run_id)


def nudge(run_id):
    """Have a transfer worked on; without a broker the beat finds it."""
    try:
        run_transfer.apply_async([str(run_id)], retry=False)
    except OperationalError as error:
        log.warning("Transfer %s waits for the beat: %s", run_id, error)


@shared_task
def clear_away(run_id):
    transfer_runs.clear_away(run_id)


def cancel_transfer(run_id):
    """Have a transfer end; what a lost worker has left goes by another."""
    if not transfers.cancel(run_id):
        return
    try:
        clear_away.apply_async([str(run_id)], retry=False)
    except OperationalError as error:
        log.warning("What came of transfer %s stays there: %s", run_id, error)


@shared_task
def find_transfers():
    for run_id in transfers.unattended():
        # Not beyond the next look, or a long outage would end in a flood.
        run_transfer.apply_async([str(run_id)], expires=5)


@shared_task
def sweep():
    health.sweep()
    recordings.sweep()
    upload_parts.sweep()
