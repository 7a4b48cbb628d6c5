"""Which patients' headsets are connected, known to every server process by Valkey.

A connection has a number that is higher than those before it: the highest is the
patient's headset, and older ones give way. An entry that is not renewed ends by
itself, so that a process that was killed leaves nobody present for long.
"""

from functools import cache

import redis
from django.conf import settings

from config.errors import Unavailable

RENEWAL_SECONDS = 10
KEPT_MS = 30_000

# The time as a number survives a Valkey that starts empty.
ARRIVE = """
local time = redis.call('TIME')
local number = time[1] * 1000000 + time[2]
local newest = tonumber(redis.call('GET', KEYS[1]) or '0')
if number <= newest then
  number = newest + 1
end
local text = string.format('%.0f', number)
redis.call('SET', KEYS[1], text, 'PX', ARGV[1])
return text
"""
RENEW = """
if tonumber(redis.call('GET', KEYS[1]) or '0') > tonumber(ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
LEAVE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 0
"""


def headset_group(patient_id):
    """Return the group that the sockets of a patient's headset listen to."""
    return f"diagnosis.headset.{patient_id}"


def arrive(patient_id):
    """Note a new connection and return its number; it is the newest."""
    return int(_run(ARRIVE, patient_id, KEPT_MS))


def renew(patient_id, number):
    """Keep a connection present; tell whether it is still the newest."""
    return bool(_run(RENEW, patient_id, number, KEPT_MS))


def leave(patient_id, number):
    """End the presence of a connection, unless a newer one has taken over."""
    _run(LEAVE, patient_id, number)


def connected(patient_ids):
    """Return those of the patients whose headset is connected."""
    ids = list(patient_ids)
    if not ids:
        return []
    try:
        found = _client().mget([_key(id) for id in ids])
    except redis.RedisError as error:
        raise Unavailable from error
    return [id for id, number in zip(ids, found, strict=True) if number]


def _run(script, patient_id, *arguments):
    try:
        return _script(script)([_key(patient_id)], arguments)
    except redis.RedisError as error:
        raise Unavailable from error


def _key(patient_id):
    return f"madang:diagnosis:headset:{patient_id}"


@cache
def _client():
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2
    )


@cache
def _script(text):
    return _client().register_script(text)
