"""Who somebody is while the database is away, and copies of what they read."""

import pickle

import pytest
from django.core.cache import cache
from django.db import OperationalError

from config import copies, known_users, outages
from workspace import people
from workspace.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_person_is_recalled_as_seen(outsider):
    known_users.find(outsider.pk)

    recalled = known_users.recall(outsider.pk)

    assert recalled == outsider
    assert recalled.email == outsider.email
    assert recalled.is_active
    assert recalled.get_session_auth_hash() == outsider.get_session_auth_hash()


def test_who_is_recalled_cannot_be_stored(outsider):
    known_users.find(outsider.pk)

    with pytest.raises(OperationalError) as refused:
        known_users.recall(outsider.pk).save()

    assert outages.is_outage(refused.value)


def test_no_hash_of_a_password_lies_in_the_cache(outsider):
    known_users.find(outsider.pk)

    kept = cache.get(f"known-user:{outsider.pk}")

    assert kept is not None
    assert outsider.password.encode() not in pickle.dumps(kept)


@pytest.mark.parametrize("act", [people.block, people.delete, User.save])
def test_who_changes_is_forgotten(outsider, act):
    known_users.find(outsider.pk)

    act(outsider)

    assert known_users.recall(outsider.pk) is None


@pytest.mark.parametrize("pk", ["", "x", "2ce595b4-86fe-495e-b3cd-3cd3ed6a405d"])
def test_nobody_is_found_by_a_key_that_nobody_has(pk):
    assert known_users.find(pk) is None
    assert known_users.recall(pk) is None


def test_a_change_drops_the_copies_of_people(outsider, rf):
    request = rf.get("/workspace/users/")
    request.user = outsider
    before = copies.key_of("people", request)

    people.block(outsider)

    assert copies.key_of("people", request) != before


def test_a_copy_is_of_one_person_and_one_address(outsider, boss, rf):
    def key(user, address):
        request = rf.get(address)
        request.user = user
        return copies.key_of("people", request)

    keys = {
        key(outsider, "/workspace/users/"),
        key(boss, "/workspace/users/"),
        key(outsider, "/workspace/users/?skip=1"),
    }

    assert len(keys) == 3
