"""Who somebody is, as the database last told: for as long as it is away.

Kept in the cache for KEPT, without the password's hash: in its place stands what Django
compares a session with.
"""

import time
from contextlib import suppress

import psycopg
import redis
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import OperationalError

from config import outages

KEPT = 30 * 60
FRESH = 60  # how long this process does not write the same person down again
LIMIT = 10_000

_noted = {}  # key of a person -> when this process wrote them down


def find(pk):
    """Return the user of this key, or None; in an outage as last seen.

    Raises OperationalError in an outage when the user was not seen lately.
    """
    User = get_user_model()
    try:
        user = User.objects.filter(pk=pk).first()
    except ValidationError:  # not even of a key's form
        return None
    except OperationalError as error:
        if not outages.noticed(error):
            raise
        if (user := recall(pk)) is None:
            raise
        return user
    if user is not None:
        note(user)
    return user


def note(user):
    """Write down who this is."""
    now = time.monotonic()
    if _noted.get(user.pk, -FRESH) > now - FRESH:
        return
    fields = {field.attname: getattr(user, field.attname) for field in _fields()}
    fields["password"] = ""
    with suppress(redis.RedisError):
        cache.set(_key(user.pk), (fields, user.get_session_auth_hash()), KEPT)
        while len(_noted) >= LIMIT:
            del _noted[next(iter(_noted))]
        _noted[user.pk] = now


def recall(pk):
    """Return the user as written down, or None."""
    try:
        known = cache.get(_key(pk))
    except redis.RedisError:
        return None
    if known is None:
        return None
    fields, session_auth_hash = known
    user = get_user_model().from_db("default", list(fields), list(fields.values()))
    user.get_session_auth_hash = lambda: session_auth_hash
    user.is_recalled = True
    user.save = _refuse  # it would store an empty password
    return user


def forget(pk):
    """Drop what is written down: the person has changed, or is gone."""
    _noted.pop(pk, None)
    with suppress(redis.RedisError):
        cache.delete(_key(pk))


def _refuse(*args, **kwargs):
    cause = psycopg.OperationalError("this person is known from the cache alone")
    raise OperationalError(str(cause)) from cause


def _fields():
    return get_user_model()._meta.concrete_fields


def _key(pk):
    return f"known-user:{pk}"
