"""Valkey itself, for what the cache and the channel layer have no word for."""

from functools import cache

import redis
from django.conf import settings


@cache
def valkey():
    """Return the process' client; it gives up soon, so that nobody waits long."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1
    )
