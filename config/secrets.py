"""Columns that hold secrets: encrypted in the database, with a key from SECRET_KEY."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import models


def _fernet():
    key = hashlib.sha256(b"columns:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


class SecretField(models.BinaryField):
    """A text that is readable in Python and ciphertext in the database.

    Under another SECRET_KEY it reads as None: it is lost, not a crash.
    """

    def __init__(self, *args, **kwargs):
        kwargs["editable"] = False  # no form shows it
        super().__init__(*args, **kwargs)

    def get_db_prep_value(self, value, connection, prepared=False):
        if value is not None:
            value = _fernet().encrypt(value.encode())
        return super().get_db_prep_value(value, connection, prepared)

    def from_db_value(self, value, expression, connection):
        if value is None:
            return None
        try:
            return _fernet().decrypt(bytes(value)).decode()
        except InvalidToken:
            return None
