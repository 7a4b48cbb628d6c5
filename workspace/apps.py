from django.apps import AppConfig
from django.db.models.signals import post_migrate

from config import shared_files


class WorkspaceConfig(AppConfig):
    name = "workspace"

    def ready(self):
        from workspace import sharing  # needs the models

        shared_files.kept_by(sharing)
        post_migrate.connect(prepare_explorer, sender=self)


def prepare_explorer(using, **kwargs):
    """Let the SQL explorer read what a migration brought, but for what is hidden."""
    from workspace.explorer import role  # needs the models

    if using == "default":
        role.prepare(using)
