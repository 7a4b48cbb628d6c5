from importlib import import_module

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Madang"

    def ready(self):
        # Whoever sends a task, a web process too, needs the application and its broker.
        import_module("config.celery")
