"""Plan roadblocks, deliver alerts; forget old positions, alerts and trials."""

import logging

from celery import shared_task
from kombu.exceptions import OperationalError

from roadblock import alerts, plans, reports, tracks, webhooks

log = logging.getLogger(__name__)


@shared_task
def replan_chases():
    return plans.review_all()


@shared_task
def make_plan(plan_id):
    plans.make(plan_id)


def nudge(plan_id):
    """Have a plan made now; without a broker nobody makes it, and its row says so."""
    try:
        make_plan.apply_async([plan_id], retry=False)
    except OperationalError as error:
        log.warning("Plan %s is not made: %s", plan_id, error)


@shared_task
def sweep_positions():
    reports.keep_figures()
    tracks.sweep()
    alerts.sweep()
    plans.sweep()


@shared_task
def deliver_alerts():
    return webhooks.deliver_due()
