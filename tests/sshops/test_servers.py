"""Servers: who sees which, and what the database says of their secrets."""

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection

from roadblock.models import VehicleKey
from sshops.models import Server
from tests import factories

pytestmark = pytest.mark.django_db


def raw(server, column):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM sshops_server WHERE id = %s", [server.pk])
        return bytes(cursor.fetchone()[0])


def test_a_server_that_names_nobody_is_everybodys():
    server = factories.server()

    assert [*Server.objects.visible_to(factories.user())] == [server]


def test_a_server_that_names_somebody_is_theirs_alone():
    mine, ours, theirs = (factories.server() for _ in range(3))
    me, other, boss = (
        factories.user("me@example.com"),
        factories.user("other@example.com"),
        factories.user("boss@example.com", is_superuser=True),
    )
    group = Group.objects.create(name="night shift")
    me.groups.add(group)
    mine.allowed_users.add(me)
    ours.allowed_groups.add(group)
    theirs.allowed_users.add(other)

    assert {*Server.objects.visible_to(me)} == {mine, ours}
    assert {*Server.objects.visible_to(other)} == {theirs}
    assert Server.objects.visible_to(boss).count() == 3


@pytest.mark.parametrize("name", ["", "UPPER", "-x", "a b", "a\n"])
def test_a_name_has_a_form(name):
    with pytest.raises(IntegrityError):
        factories.server(name=name)


def test_a_way_of_jumps_does_not_come_back():
    first = factories.server()
    second = factories.server(jump=first)
    first.jump = second

    with pytest.raises(ValidationError):
        first.clean()


def test_the_database_has_no_secret_in_clear():
    server = factories.server(private_key="the key")

    assert factories.PASSWORD.encode() not in raw(server, "password")
    assert b"the key" not in raw(server, "private_key")
    assert Server.objects.get().password == factories.PASSWORD


def test_secrets_move_to_a_new_key(settings, capsys):
    server = factories.server()
    VehicleKey.objects.create(vehicle_id=7, secret="of a car")
    settings.SECRETS_KEYS = ["a new key", "an older one"]

    call_command("rotate_secrets")

    assert "2 rows" in capsys.readouterr().out
    settings.SECRETS_KEYS, settings.SECRET_KEY = ["a new key"], "another"
    assert Server.objects.get().password == factories.PASSWORD
    assert VehicleKey.objects.get().secret == "of a car"
    settings.SECRETS_KEYS = ["some other key"]
    server.refresh_from_db()
    assert (server.password, server.has_password) == (None, False)
