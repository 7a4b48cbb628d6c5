from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

NAME = "Charging staff"
PERMISSIONS = [
    "view_chargingsession",
    "view_reservation",
    "cancel_reservation",
    "view_platesighting",
    "view_waitingentry",
    *(
        f"{verb}_{model}"
        for model in ("businesshours", "closure", "outage")
        for verb in ("view", "add", "change", "delete")
    ),
]


def make_group(apps, schema_editor):
    # Permissions are usually made after all migrations; the group needs them now.
    create_permissions(installed.get_app_config("charging"), verbosity=0, apps=apps)
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=NAME)
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="charging", codename__in=PERMISSIONS
    )
    group.permissions.add(*permissions)


def remove_group(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("charging", "0001_bays_and_reservations"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(make_group, remove_group)]
