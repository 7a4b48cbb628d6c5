"""Once is enough: a creation repeated under the same Idempotency-Key is not repeated.

A key counts for KEEPS, for one caller, and for one request: its row is written in the
transaction of the creation itself, so that of two equal requests at the same moment the
second waits for the first one's answer.
"""

import hashlib
import json
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from charging.booking import retried
from charging.models import IdempotencyKey
from config.errors import Invalid, problem

KEEPS = timedelta(hours=24)
KEY_LENGTH = 255


@retried
def once(key, caller, request, action):
    """Return what action() returns, or what it returned under this key before.

    `request` is what the key was sent with, in JSON's types; under the same key another
    one raises Invalid. What action() raises leaves the key unused.
    """
    if not 1 <= len(key) <= KEY_LENGTH or not key.isprintable():
        raise bad_key(_("At most 255 printable characters."))
    text = json.dumps(request, sort_keys=True)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    with transaction.atomic():
        IdempotencyKey.objects.filter(
            caller=caller, key=key, created_at__lt=timezone.now() - KEEPS
        ).delete()
        try:
            with transaction.atomic():
                row = IdempotencyKey.objects.create(
                    caller=caller, key=key, fingerprint=fingerprint
                )
        except IntegrityError:
            row = IdempotencyKey.objects.get(caller=caller, key=key)
            if row.fingerprint != fingerprint:
                raise bad_key(_("This key was used for another request.")) from None
            return row.answer
        row.answer = action()
        row.save(update_fields=["answer"])
        return row.answer


def bad_key(text):
    return Invalid(problem(["header", "Idempotency-Key"], text))


def sweep():
    """Forget the keys that count no longer."""
    IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEEPS).delete()
