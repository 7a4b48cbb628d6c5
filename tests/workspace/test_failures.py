"""Failed sign-ins as rows: what is noted, what never, and for how long."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests import factories
from workspace import people
from workspace.models import LoginFailure
from workspace.tasks import forget_login_failures

pytestmark = pytest.mark.django_db


def test_a_failure_is_noted_with_address_and_moment(login, kim):
    login(" Kim@example.com ", "wrong secret", REMOTE_ADDR="192.0.2.7")

    row = LoginFailure.objects.values().get()
    assert (row["email"], row["address"]) == ("Kim@example.com", "192.0.2.7")
    assert timezone.now() - row["failed_at"] < timedelta(seconds=5)
    assert "wrong secret" not in str(row)


def test_a_success_is_no_failure(login, kim):
    login()

    assert not LoginFailure.objects.exists()


def test_the_unknown_and_the_blocked_are_noted_alike(login, kim):
    people.block(kim)
    for email in (kim.email, "nobody@example.com"):
        login(email)

    assert set(LoginFailure.objects.values_list("email", flat=True)) == {
        "kim@example.com",
        "nobody@example.com",
    }


def test_a_password_in_the_wrong_box_is_not_kept(login, client):
    login(factories.PASSWORD, "x")
    client.post("/sign-in/", {"username": factories.PASSWORD, "password": "x"})

    assert set(LoginFailure.objects.values_list("email", flat=True)) == {""}
    assert LoginFailure.objects.count() == 2


def test_what_is_too_long_is_cut(client):
    client.post("/sign-in/", {"username": "@" + "a" * 250, "password": "x"})

    assert len(LoginFailure.objects.get().email) == 150


def test_those_refused_for_their_number_are_not_noted(login, kim):
    for _ in range(12):
        login(password="wrong")

    assert LoginFailure.objects.count() == 10


def test_old_failures_are_forgotten():
    for days in (0, 29, 31):
        moment = timezone.now() - timedelta(days=days)
        LoginFailure.objects.create(email=f"{days}@x.kr", failed_at=moment)

    forgotten = forget_login_failures()

    assert forgotten == 1
    assert not LoginFailure.objects.filter(email="31@x.kr").exists()
