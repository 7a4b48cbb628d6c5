"""Deliver alerts; forget old positions and alerts."""

from celery import shared_task

from roadblock import alerts, tracks, webhooks


@shared_task
def sweep_positions():
    tracks.sweep()
    alerts.sweep()


@shared_task
def deliver_alerts():
    return webhooks.deliver_due()
