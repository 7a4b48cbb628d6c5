"""Forget old positions."""

from celery import shared_task

from roadblock import tracks


@shared_task
def sweep_positions():
    tracks.sweep()
