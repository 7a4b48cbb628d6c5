"""The worker's doors: health rounds and what is done on the beat."""

from celery import shared_task

from sshops import health


@shared_task
def check_health():
    health.check_all()


@shared_task
def check_servers(server_ids):
    health.check(server_ids)


@shared_task
def sweep():
    health.sweep()
