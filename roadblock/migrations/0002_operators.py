from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

NAME = "Roadblock operators"
PERMISSIONS = [
    "view_vehicle",
    "change_vehicle",
    "delete_vehicle",
    "view_policecar",
    "change_policecar",
    "view_chase",
    "change_chase",
    "view_event",
    "view_position",
]


def make_group(apps, schema_editor):
    # Permissions are usually made after all migrations; the group needs them now.
    create_permissions(installed.get_app_config("roadblock"), verbosity=0, apps=apps)
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=NAME)
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="roadblock", codename__in=PERMISSIONS
    )
    group.permissions.add(*permissions)


def remove_group(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("roadblock", "0001_vehicles_and_chases"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(make_group, remove_group)]
