"""Runs that were asked for before they knew their way take it from their transfer."""

from django.db import migrations
from django.db.models import OuterRef, Subquery

WAY = [
    *("source_server_id", "source_path", "target_server_id", "target_path"),
    "rate_limit",
]


def fill(apps, schema_editor):
    Transfer = apps.get_model("sshops", "Transfer")
    TransferRun = apps.get_model("sshops", "TransferRun")
    of_run = Transfer.objects.filter(pk=OuterRef("transfer"))
    TransferRun.objects.exclude(transfer=None).update(
        **{name: Subquery(of_run.values(name)[:1]) for name in WAY}
    )


class Migration(migrations.Migration):
    dependencies = [("sshops", "0008_runs_of_shared_files")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
