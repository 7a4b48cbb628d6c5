"""Refresh tokens: rotation, reuse, races, the end of a sign-in."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import jwt
import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone

from tests import factories
from workspace import people, tokens
from workspace.models import RefreshToken, TokenFamily
from workspace.tasks import sweep_refresh_tokens


@pytest.fixture
def refresh(api):
    """Refresh over HTTP; return the answer."""

    def post(token):
        return api().post("/workspace/auth/refresh", {"refresh_token": token})

    return post


@pytest.fixture
def pair(kim):
    """What Kim holds after signing in."""
    return tokens.open_family(kim)


def let_grace_pass():
    past = timezone.now() - timedelta(seconds=31)
    RefreshToken.objects.exclude(replaced_at=None).update(replaced_at=past)


def test_only_a_hash_is_stored(pair):
    row = RefreshToken.objects.values().get()

    assert len(row["sha256"]) == 64
    assert pair.refresh not in str(row)
    assert row["expires_at"] > timezone.now() + timedelta(days=29)


def test_refresh_gives_a_new_pair(refresh, pair, api, kim):
    response = refresh(pair.refresh)

    body = response.json()
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {body['access_token']}")
    assert response.status_code == 200
    assert body["refresh_token"] != pair.refresh
    assert body["token_type"] == "bearer"
    assert client.get("/workspace/users/me").json()["uid"] == str(kim.pk)
    assert refresh(body["refresh_token"]).status_code == 200


def test_a_replaced_token_stays_good_for_a_while(refresh, pair):
    refresh(pair.refresh)

    again = refresh(pair.refresh)

    assert again.status_code == 200
    assert refresh(again.json()["refresh_token"]).status_code == 200


def test_reuse_after_that_ends_the_whole_family(refresh, pair, kim):
    other = tokens.open_family(kim)
    newest = refresh(pair.refresh).json()["refresh_token"]
    let_grace_pass()

    reused = refresh(pair.refresh)

    assert reused.status_code == 401
    assert reused["WWW-Authenticate"] == "Bearer"
    assert refresh(newest).status_code == 401
    assert refresh(other.refresh).status_code == 200


def test_grace_counts_from_the_replacement(refresh, pair):
    refresh(pair.refresh)
    replaced_at = RefreshToken.objects.exclude(replaced_at=None).get().replaced_at

    refresh(pair.refresh)

    row = RefreshToken.objects.exclude(replaced_at=None).get()
    assert row.replaced_at == replaced_at


def test_pages_that_refresh_at_once_all_go_on(pair):
    def work(_number):
        try:
            return tokens.refresh(pair.refresh).refresh
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        fresh = list(threads.map(work, range(8)))

    assert len(set(fresh)) == 8
    assert RefreshToken.objects.exclude(replaced_at=None).count() == 1
    assert TokenFamily.objects.get().revoked_at is None


def test_reuse_at_once_with_a_refresh_leaves_nothing_alive(pair):
    newest = tokens.refresh(pair.refresh).refresh
    let_grace_pass()

    def work(token):
        try:
            return tokens.refresh(token).refresh
        except tokens.BadRefreshToken:
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        fresh = [*threads.map(work, [pair.refresh, newest])]

    for token in filter(None, fresh):
        with pytest.raises(tokens.BadRefreshToken):
            tokens.refresh(token)
    assert TokenFamily.objects.get().revoked_at is not None


@pytest.mark.parametrize("shut", [people.block, people.delete])
def test_the_blocked_and_the_deleted_get_none(refresh, pair, kim, shut):
    shut(kim)

    response = refresh(pair.refresh)

    assert response.status_code == 401
    assert TokenFamily.objects.get().revoked_at is not None


def test_being_unblocked_does_not_bring_a_sign_in_back(refresh, pair, kim):
    people.block(kim)
    people.unblock(kim)

    assert refresh(pair.refresh).status_code == 401


def test_someone_not_active_gets_none_even_from_a_family_left_open(refresh, pair, kim):
    kim.uactive = False
    kim.save()

    assert refresh(pair.refresh).status_code == 401


def test_an_expired_token_is_refused(refresh, pair):
    claims = jwt.decode(pair.refresh, settings.SECRET_KEY, algorithms=["HS256"])
    claims["exp"] = claims["iat"] - 1
    expired = jwt.encode(claims, settings.SECRET_KEY, "HS256")
    row = RefreshToken.objects.get()
    row.sha256 = tokens._sha256(expired)
    row.save()

    assert refresh(expired).status_code == 401


def test_a_signed_token_without_its_row_is_refused(refresh, pair):
    RefreshToken.objects.all().delete()

    assert refresh(pair.refresh).status_code == 401


def test_what_is_no_refresh_token_is_refused(refresh, pair):
    for token in ("", "x", "a.b.c", pair.access, pair.refresh + "x", "가"):
        assert refresh(token).status_code == 401, token


@pytest.mark.parametrize(
    "body", [{}, [], {"refresh_token": 7}, {"refresh_token": None}]
)
def test_a_malformed_refresh_is_422(api, body):
    response = api().post("/workspace/auth/refresh", body)

    assert response.status_code == 422


def test_a_refresh_token_is_no_access_token(api, pair):
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.refresh}")

    response = client.get("/workspace/users/me")

    assert response.status_code == 401


def test_logout_ends_this_sign_in_alone(api, refresh, pair, kim):
    other = tokens.open_family(kim)

    response = api(kim).post("/workspace/auth/logout", {"refresh_token": pair.refresh})

    assert (response.status_code, response.json()) == (200, {"success": True})
    assert refresh(pair.refresh).status_code == 401
    assert refresh(other.refresh).status_code == 200


def test_logout_of_all(api, refresh, pair, kim, outsider):
    other = tokens.open_family(kim)
    stranger = tokens.open_family(outsider)

    response = api(kim).post("/workspace/auth/logout", {"all": True})

    assert response.status_code == 200
    assert refresh(pair.refresh).status_code == 401
    assert refresh(other.refresh).status_code == 401
    assert refresh(stranger.refresh).status_code == 200


def test_a_refresh_token_ends_its_sign_in_without_an_access_token(api, refresh, pair):
    response = api().post("/workspace/auth/logout", {"refresh_token": pair.refresh})

    assert response.status_code == 200
    assert refresh(pair.refresh).status_code == 401


def test_logout_needs_a_token_and_to_know_what_to_end(api, kim):
    unsigned = api().post("/workspace/auth/logout", {"all": True})
    unclear = api(kim).post("/workspace/auth/logout", {})

    assert unsigned.status_code == 401
    assert unclear.status_code == 422


def test_the_sweep_forgets_what_expired(pair, kim, refresh):
    dead = tokens.open_family(kim)
    half = tokens.open_family(kim)
    newest = tokens.refresh(half.refresh)
    past = timezone.now() - timedelta(seconds=1)
    old = [tokens._sha256(dead.refresh), tokens._sha256(half.refresh)]
    RefreshToken.objects.filter(sha256__in=old).update(expires_at=past)

    swept = sweep_refresh_tokens()

    assert swept == 1
    assert TokenFamily.objects.count() == 2
    assert RefreshToken.objects.count() == 2
    assert refresh(newest.refresh).status_code == 200
    assert refresh(pair.refresh).status_code == 200


def test_long_and_odd_headers_are_cut(kim):
    tokens.open_family(kim, address="x" * 500, user_agent="\0" + "y" * 500)

    family = TokenFamily.objects.get()
    assert (len(family.address), len(family.user_agent)) == (64, 300)


def test_a_changed_password_ends_sign_ins_made_with_the_old(client, refresh, boss):
    pair = tokens.open_family(boss)
    client.force_login(boss)
    form = {
        "old_password": factories.PASSWORD,
        "new_password1": "another horse battery",
        "new_password2": "another horse battery",
    }

    response = client.post("/admin/password_change/", form)

    assert response.status_code == 302
    assert refresh(pair.refresh).status_code == 401
    assert client.get("/admin/").status_code == 200
