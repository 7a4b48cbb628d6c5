from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ChargingConfig(AppConfig):
    name = "charging"

    def ready(self):
        from charging import bays

        post_migrate.connect(bays.seed, sender=self)
