from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SSHOpsConfig(AppConfig):
    name = "sshops"
    verbose_name = "SSH operations"

    def ready(self):
        from sshops import seeding

        post_migrate.connect(seeding.seed, sender=self)
