"""The bays: the first four, and what makes one unfit for a booking."""

from django.apps import apps as installed
from django.conf import settings

SEEDED = range(1, 5)


def seed(*, apps=installed, **kwargs):
    """Make the bays 1 to 4 that clients know, where they are missing.

    Runs after each `migrate`, when AUTO_SEED_SESSIONS wants it.
    """
    bay = apps.all_models["charging"].get("chargingsession")
    if bay is None or not settings.AUTO_SEED_SESSIONS:
        return  # the migrations went back to before there were bays
    bay.objects.bulk_create(
        [bay(id=number, name=f"세션 {number}") for number in SEEDED],
        ignore_conflicts=True,
    )
