from importlib import import_module

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

NAME = import_module("roadblock.migrations.0002_operators").NAME
PERMISSIONS = ["view_plan", "view_roadblock"]


def _permissions(apps):
    return apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="roadblock", codename__in=PERMISSIONS
    )


def let_see(apps, schema_editor):
    create_permissions(installed.get_app_config("roadblock"), verbosity=0, apps=apps)
    for group in apps.get_model("auth", "Group").objects.filter(name=NAME):
        group.permissions.add(*_permissions(apps))


def let_see_no_more(apps, schema_editor):
    for group in apps.get_model("auth", "Group").objects.filter(name=NAME):
        group.permissions.remove(*_permissions(apps))


class Migration(migrations.Migration):
    dependencies = [("roadblock", "0003_plans_and_roadblocks")]
    operations = [migrations.RunPython(let_see, let_see_no_more)]
