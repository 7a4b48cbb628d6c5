"""The Celery application; finds every tasks.py."""

import os
from contextlib import suppress

from celery import Celery
from celery.signals import heartbeat_sent
from redis import RedisError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("madang")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@heartbeat_sent.connect
def tell_that_a_worker_lives(**kwargs):
    from config.health import worker_lives

    with suppress(RedisError):  # Valkey is away; the next heartbeat comes soon
        worker_lives()
