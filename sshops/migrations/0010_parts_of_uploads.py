import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sshops", "0009_fill_ways_of_runs"),
    ]

    operations = [
        migrations.CreateModel(
            name="UploadPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("path", models.TextField(verbose_name="path")),
                (
                    "touched_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="touched"
                    ),
                ),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="sshops.server",
                        verbose_name="server",
                    ),
                ),
            ],
            options={
                "verbose_name": "part of an upload",
                "verbose_name_plural": "parts of uploads",
                "ordering": ["server_id", "id"],
            },
        ),
    ]
