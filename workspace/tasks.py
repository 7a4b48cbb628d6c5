import logging

from celery import shared_task
from django.db import DatabaseError

from config.errors import Unavailable
from workspace import people, tokens
from workspace.chat import history

log = logging.getLogger(__name__)


@shared_task
def sweep_refresh_tokens():
    """Forget expired refresh tokens and the sign-ins that had them."""
    return tokens.sweep()


@shared_task
def forget_login_failures():
    """Forget old failures to sign in."""
    return people.forget_failures()


@shared_task
def store_chat_messages():
    """Move the messages of groups from Valkey into the database."""
    try:
        return history.store()
    except (DatabaseError, Unavailable) as error:
        log.warning("Chat messages wait: %s", error)  # for the next round
        return 0


@shared_task
def sweep_chat_messages():
    """Forget messages of groups that are too old."""
    return history.sweep()
