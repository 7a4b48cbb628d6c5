"""Loaded before the settings: tests have servers and data of their own."""

import os

os.environ.setdefault("DATA_DIR", ".data/test")
os.environ.setdefault("WORKSPACE_BACKUP_DIR", ".data/test/dbBackup")
os.environ.setdefault("SECRET_KEY", "a key for tests alone, long enough for HS256")
os.environ.setdefault("HMAC_SECRET_KEY", "test-secret")
os.environ.setdefault("EMBEDDED_DURABLE", "false")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings

from config import embedded

embedded.hold(
    settings.DATA_DIR,
    postgres=settings.EMBEDDED_POSTGRES,
    valkey=settings.EMBEDDED_VALKEY,
    durable=settings.EMBEDDED_DURABLE,
)
