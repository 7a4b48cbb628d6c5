from importlib import import_module

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

NAME = import_module("roadblock.migrations.0002_operators").NAME
PERMISSIONS = ["view_zone", "add_zone", "change_zone", "delete_zone", "view_alert"]


def _permissions(apps):
    return apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="roadblock", codename__in=PERMISSIONS
    )


def let_draw(apps, schema_editor):
    create_permissions(installed.get_app_config("roadblock"), verbosity=0, apps=apps)
    for group in apps.get_model("auth", "Group").objects.filter(name=NAME):
        group.permissions.add(*_permissions(apps))


def let_draw_no_more(apps, schema_editor):
    for group in apps.get_model("auth", "Group").objects.filter(name=NAME):
        group.permissions.remove(*_permissions(apps))


class Migration(migrations.Migration):
    dependencies = [("roadblock", "0005_zones_and_alerts")]
    operations = [migrations.RunPython(let_draw, let_draw_no_more)]
