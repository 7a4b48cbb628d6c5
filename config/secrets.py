"""Columns that hold secrets: encrypted in the database, with keys from the environment.

The first of SECRETS_KEYS encrypts, or SECRET_KEY where there is none; all of them
decrypt. So a key is replaced in three steps: put the new one first, run `manage.py
rotate_secrets`, take the old one away.
"""

import base64
import hashlib
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.db import models, transaction


@cache
def _fernet(*keys):
    return MultiFernet([_one(key) for key in keys])


def _one(key):
    digest = hashlib.sha256(b"columns:" + key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def _keys():
    return _fernet(*settings.SECRETS_KEYS, settings.SECRET_KEY)


class SecretField(models.BinaryField):
    """A text that is readable in Python and ciphertext in the database.

    Without the key it was written with it reads as None: it is lost, not a crash.
    """

    def __init__(self, *args, **kwargs):
        kwargs["editable"] = False  # no form shows it
        super().__init__(*args, **kwargs)

    def get_db_prep_value(self, value, connection, prepared=False):
        if value is not None:
            value = _keys().encrypt(value.encode())
        return super().get_db_prep_value(value, connection, prepared)

    def from_db_value(self, value, expression, connection):
        if value is None:
            return None
        try:
            return _keys().decrypt(bytes(value)).decode()
        except InvalidToken:
            return None


def rotate():
    """Encrypt every secret of the project by the first key; return how many rows.

    What no key can read stays as it is.
    """
    return sum(map(_rotate_table, apps.get_models()))


def _rotate_table(model):
    fields = model._meta.concrete_fields
    names = [field.name for field in fields if isinstance(field, SecretField)]
    if not names:
        return 0
    rotated = 0
    for pk in model._base_manager.values_list("pk", flat=True).iterator():
        rows = model._base_manager.filter(pk=pk)
        with transaction.atomic():
            row = rows.select_for_update().values(*names).first() or {}
            readable = {name: text for name, text in row.items() if text is not None}
            rotated += bool(readable) and rows.update(**readable)
    return rotated
