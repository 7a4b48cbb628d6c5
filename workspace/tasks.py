"""The beat's doors, and the workers': workflows, and what is forgotten in time."""

import logging

from celery import shared_task
from django.db import DatabaseError, OperationalError
from kombu.exceptions import OperationalError as BrokerAway

from config import outages
from config.errors import Unavailable
from workspace import outbox, people, routines, tokens, workflows
from workspace.chat import history

log = logging.getLogger(__name__)


@shared_task(
    autoretry_for=[OperationalError],
    retry_backoff=5,
    retry_backoff_max=300,
    max_retries=50,
)
def start_workflow(name):
    """Start a workflow by its name; in an outage, as soon as it is over."""
    start(name)


def start(name, *, asked_by=""):
    """Start a workflow, or find the run that is open already; return the run."""
    if name not in routines.NAMES:
        raise LookupError(name)
    return workflows.start(name, nudge=nudge, asked_by=asked_by)


def nudge(run_id):
    """Have a worker go on with a run; without a broker the beat finds it."""
    try:
        run_workflow.apply_async([str(run_id)], retry=False)
    except BrokerAway as error:
        log.warning("The run %s waits for the beat: %s", run_id, error)


@shared_task
def run_workflow(run_id):
    workflows.execute(run_id)


@shared_task
def tend_workflows():
    """Empty the outbox if something waits there, and go on with abandoned runs."""
    try:
        if outbox.size():
            start("outbox_flush")
        for run_id in workflows.abandoned():
            nudge(run_id)
    except OperationalError as error:
        if not outages.noticed(error):
            raise


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
