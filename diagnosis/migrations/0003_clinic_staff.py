from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

NAME = "Clinic staff"
PERMISSIONS = [
    "view_account",
    "view_patient",
    "read_patient_names",
    "view_testsession",
    "change_testsession",
    "view_headsettoken",
    "add_headsettoken",
    "change_headsettoken",
    "view_recording",
    "change_recording",
    "view_result",
    "view_recordread",
]


def make_group(apps, schema_editor):
    # Permissions are usually made after all migrations; the group needs them now.
    create_permissions(installed.get_app_config("diagnosis"), verbosity=0, apps=apps)
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=NAME)
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="diagnosis", codename__in=PERMISSIONS
    )
    group.permissions.add(*permissions)


def remove_group(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("diagnosis", "0002_recordings_and_results"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(make_group, remove_group)]
