"""The two servers and the transfer that the replaced service had built in.

Its environment variables make them at the first start, where they are missing.
"""

from django.apps import apps as installed
from django.conf import settings

from sshops.transfers import DEFAULT_NAME

SOURCE, TARGET = "mdwap1p", "mypap1d"
SOURCE_PATH = "/nbsftp/myd/myp/snd/postgresql_unload/*.dat"
TARGET_PATH = "/shbftp/myd/myp/rcv/mock/"


def seed(*, apps=installed, **kwargs):
    """Make what is missing; runs after each `migrate`."""
    models = apps.all_models["sshops"]
    if "transfer" not in models:
        return  # the migrations went back to before there were transfers
    found = {}
    for name, (host, port) in settings.SSHOPS_SEEDED_SERVERS.items():
        if host:
            found[name], _made = models["server"].objects.get_or_create(
                name=name,
                defaults={
                    "host": host,
                    "port": port,
                    "username": settings.SSHOPS_SEEDED_USERNAME,
                    "password": settings.SSHOPS_SEEDED_PASSWORD or None,
                },
            )
    if {SOURCE, TARGET} <= set(found):
        models["transfer"].objects.get_or_create(
            name=DEFAULT_NAME,
            defaults={
                "source_server": found[SOURCE],
                "source_path": SOURCE_PATH,
                "target_server": found[TARGET],
                "target_path": TARGET_PATH,
            },
        )
