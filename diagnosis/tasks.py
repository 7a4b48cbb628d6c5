"""End sessions whose time is over; forget old sign-ins."""

from celery import shared_task

from diagnosis import accounts, sessions


@shared_task
def expire_sessions():
    return sessions.expire_due()


@shared_task
def sweep_sign_ins():
    return accounts.sweep()
