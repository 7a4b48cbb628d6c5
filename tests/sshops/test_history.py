"""Load history and patch notes: the contract's table of requests, and who may."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from sshops.models import LoadHistory, PatchNote
from tests import factories

pytestmark = pytest.mark.django_db

LOADS = "/sshops/api/v1/stub/histories"
NOTES = "/sshops/api/v1/patchnotes"
LOAD = {
    "batch_id": "b-1",
    "customer_numbers": ["123456789", "0987654321"],
    "client_ip": "10.1.2.3",
    "execution_time_seconds": 45.5,
    "started_at": "2026-01-01T12:00:00",
    "completed_at": "2026-01-01T03:00:45.5Z",
}
NOTE = {"title": "  v1  ", "content": " c ", "patch_date": "2025-12-09"}


@pytest.fixture
def clerk():
    """May do everything with loads and patch notes."""
    user = factories.user("clerk@example.com")
    user.user_permissions.set(
        Permission.objects.filter(
            content_type__app_label="sshops",
            content_type__model__in=["loadhistory", "patchnote"],
        )
    )
    return user


@pytest.fixture
def rest(api, clerk):
    return api(clerk)


def code_of(response, path=None):
    body = response.json()
    assert body["success"] is False
    assert body["path"] == (path or response.wsgi_request.path)
    assert body["error"]["message"]
    return response.status_code, body["error"]["code"]


def test_loads_are_stored_and_listed(rest):
    answer = rest.post(LOADS, LOAD)

    assert answer.status_code == 201
    body = answer.json()
    assert (body["success"], body["batch_id"], body["inserted_count"]) == (
        *(True, "b-1"),
        2,
    )
    listed = rest.get(LOADS).json()
    assert listed["total"] == 2
    newest = listed["items"][0]
    assert newest == {
        "id": newest["id"],
        "batch_id": "b-1",
        "customer_number": "0987654321",
        "client_ip": "10.1.2.3",
        "connection_id": None,
        "execution_time_seconds": 45.5,
        "started_at": "2026-01-01T12:00:00+09:00",
        "completed_at": "2026-01-01T12:00:45.500000+09:00",
        "created_at": newest["created_at"],
        "updated_at": None,
        "note": None,
    }
    assert newest["created_at"].endswith("+09:00")
    assert rest.get(f"{LOADS}/{newest['id']}/").json() == newest


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        ("Asia/Seoul", "9999-12-31T23:59:59+00:00"),
        ("America/New_York", "0001-01-01T00:00:00+00:00"),
    ],
)
def test_a_moment_beyond_the_calendar_is_listed(rest, boss, settings, zone, moment):
    settings.SSHOPS_TIME_ZONE = settings.BUSINESS_TIMEZONE = ZoneInfo(zone)
    load = {**LOAD, "started_at": "0001-01-01T00:00:00Z", "completed_at": moment}
    assert rest.post(LOADS, load).status_code == 201

    listed = rest.get(LOADS).json()["items"]
    assert {row["completed_at"] for row in listed} == {moment}
    desk = Client()
    desk.force_login(boss)
    assert desk.get("/admin/sshops/loadhistory/").status_code == 200


@pytest.mark.parametrize("unknown", ["", "unknown"])
def test_an_address_that_a_client_does_not_know(rest, unknown):
    rest.post(LOADS, {**LOAD, "client_ip": unknown})

    assert {row.client_ip for row in LoadHistory.objects.all()} == {"127.0.0.1"}


def test_what_is_there_already_is_a_conflict(rest):
    rest.post(LOADS, LOAD)

    again = rest.post(LOADS, {**LOAD, "customer_numbers": ["111111111", "123456789"]})
    twice = rest.post(
        LOADS, {**LOAD, "batch_id": "b-2", "customer_numbers": ["123456789"] * 2}
    )

    assert code_of(again) == code_of(twice) == (409, 50022)
    assert LoadHistory.objects.count() == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"customer_numbers": []},
        {"customer_numbers": ["12345678"]},
        {"customer_numbers": ["12345678a"]},
        {"customer_numbers": ["１２３４５６７８９"]},
        {"customer_numbers": ["123456789\n"]},
        {"customer_numbers": [123456789]},
        {"customer_numbers": "123456789"},
        {"execution_time_seconds": 0},
        {"execution_time_seconds": 86400.5},
        {"execution_time_seconds": "45"},
        {"execution_time_seconds": True},
        {"execution_time_seconds": 10**400},
        {"started_at": "zzz"},
        {"started_at": "0001-01-01T00:00:00+09:00"},
        {"completed_at": 5},
        {"client_ip": None},
        {"client_ip": "1" * 51},
        {"batch_id": ""},
        {"batch_id": "b" * 37},
        {"batch_id": "a\0b"},
        {"connection_id": "c" * 37},
    ],
)
def test_a_field_that_does_not_fit(rest, wrong):
    answer = rest.post(LOADS, {**LOAD, **wrong})

    assert code_of(answer) == (422, 12000)
    entry = answer.json()["error"]["validation_errors"][0]
    assert set(entry) == {"type", "loc", "msg"}
    assert entry["loc"][:2] == ["body", next(iter(wrong))]
    assert not LoadHistory.objects.exists()


def test_a_field_that_is_missing_and_json_that_is_none(rest):
    body = {name: value for name, value in LOAD.items() if name != "client_ip"}

    assert code_of(rest.post(LOADS, body)) == (422, 12000)
    broken = rest.generic("POST", LOADS, "{", content_type="application/json")
    assert code_of(broken) == (422, 12000)


def test_the_longest_run(rest):
    answer = rest.post(LOADS, {**LOAD, "execution_time_seconds": 86400})

    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("customer_number=123456789", 1),
        ("client_ip=10.1.2.3", 2),
        ("client_ip=10.1.2", 0),
        ("note=SO", 1),
        ("note=%25", 1),
        ("note=_", 0),
        ("note=%00", 0),
        ("limit=1", 2),
        ("offset=99999999999999999999999", 2),
    ],
)
def test_a_list_is_narrowed(rest, query, found):
    rest.post(LOADS, LOAD)
    row = LoadHistory.objects.first()
    row.note = "100% so"
    row.save()

    assert rest.get(f"{LOADS}?{query}").json()["total"] == found


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "offset=-1", "limit=", "offset=1.5"]
)
def test_a_part_that_is_none(rest, query):
    assert code_of(rest.get(f"{LOADS}?{query}")) == (422, 12000)


def test_a_note(rest):
    rest.post(LOADS, LOAD)
    row = LoadHistory.objects.first()

    answer = rest.patch(f"{LOADS}/{row.pk}/note", {"note": "한글"})

    assert answer.json() == {
        "success": True,
        "message": answer.json()["message"],
        "history_id": row.pk,
    }
    row.refresh_from_db()
    assert row.note == "한글"
    assert row.updated_at is not None
    for note in ({}, {"note": None}, {"note": "x" * 1001}, {"note": 5}):
        assert code_of(rest.patch(f"{LOADS}/{row.pk}/note", note)) == (422, 12000)


@pytest.mark.parametrize("id", ["999999", "0", "-1", "99999999999999999999"])
def test_a_load_that_is_not_there(rest, id):
    assert code_of(rest.get(f"{LOADS}/{id}")) == (404, 13000)
    assert code_of(rest.patch(f"{LOADS}/{id}/note", {"note": ""})) == (404, 13000)


def test_a_batch_and_a_customer(rest):
    rest.post(LOADS, LOAD)
    rest.post(LOADS, {**LOAD, "batch_id": "b-2"})

    batch = rest.get("/sshops/api/v1/stub/batches/b-1").json()
    rows = rest.get("/sshops/api/v1/stub/customers/123456789/histories?limit=1").json()

    assert batch == {
        "batch_id": "b-1",
        "total_customers": 2,
        "client_ip": "10.1.2.3",
        "execution_time_seconds": 45.5,
        "started_at": "2026-01-01T12:00:00+09:00",
        "completed_at": "2026-01-01T12:00:45.500000+09:00",
        "created_at": batch["created_at"],
    }
    assert [row["batch_id"] for row in rows] == ["b-2"]
    assert rest.get("/sshops/api/v1/stub/customers/x/histories").json() == []
    none = rest.get("/sshops/api/v1/stub/batches/none")
    assert code_of(none) == (404, 50018)
    over = rest.get("/sshops/api/v1/stub/customers/x/histories?limit=101")
    assert code_of(over) == (422, 12000)


def test_what_is_old_is_forgotten(rest):
    rest.post(LOADS, LOAD)
    LoadHistory.objects.filter(customer_number="123456789").update(
        created_at=timezone.now() - timedelta(days=31)
    )

    answer = rest.delete(f"{LOADS}?days=30").json()

    assert (answer["deleted_count"], answer["retention_days"]) == (1, 30)
    assert rest.delete(LOADS).json()["retention_days"] == 90
    for days in (29, 366, "x"):
        assert code_of(rest.delete(f"{LOADS}?days={days}")) == (422, 12000)


# Patch notes


def test_a_patch_note_from_beginning_to_end(rest):
    made = rest.post(NOTES, NOTE)
    assert made.status_code == 201
    id = made.json()["patch_note_id"]

    row = rest.get(f"{NOTES}/{id}").json()
    assert (row["title"], row["content"], row["patch_date"], row["updated_at"]) == (
        *("v1", "c", "2025-12-09"),
        None,
    )
    changed = rest.patch(f"{NOTES}/{id}", {"title": "v2", "content": None}).json()
    assert (changed["title"], changed["content"]) == ("v2", "c")
    assert changed["updated_at"].endswith("+09:00")
    assert rest.delete(f"{NOTES}/{id}").json()["patch_note_id"] == id
    for gone in (rest.get, rest.delete):
        assert code_of(gone(f"{NOTES}/{id}")) == (404, 54002)
    assert code_of(rest.patch(f"{NOTES}/{10**20}", {})) == (404, 54002)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"title": ""}, (422, 12000)),
        ({"title": "   "}, (400, 54004)),
        ({"title": "x" * 201}, (422, 12000)),
        ({"title": None}, (422, 12000)),
        ({"content": ""}, (422, 12000)),
        ({"content": " \n"}, (400, 54004)),
        ({"patch_date": "2025-13-09"}, (422, 12000)),
        ({"patch_date": "20251209"}, (422, 12000)),
    ],
)
def test_a_patch_note_that_is_none(rest, wrong, code):
    assert code_of(rest.post(NOTES, {**NOTE, **wrong})) == code
    assert not PatchNote.objects.exists()


def test_patch_notes_of_some_days(rest):
    for day in ("2025-12-07", "2025-12-08", "2025-12-09"):
        rest.post(NOTES, {**NOTE, "patch_date": day})

    def days(query):
        listed = rest.get(f"{NOTES}?{query}").json()["items"]
        return [row["patch_date"][-1] for row in listed]

    assert days("") == ["9", "8", "7"]
    assert days("start_date=2025-12-08&end_date=2025-12-08") == ["8"]
    assert days("start_date=2025-12-09&end_date=2025-12-07") == []
    assert code_of(rest.get(f"{NOTES}?start_date=x")) == (422, 12000)


# Who may


@pytest.mark.parametrize("path", [LOADS, NOTES])
def test_strangers_and_nobody(api, path, outsider):
    assert code_of(api().get(path)) == (401, 11000)
    assert code_of(api(outsider).get(path)) == (403, 11001)
    assert code_of(api(outsider).post(path, {})) == (403, 11001)


def test_each_method_has_a_right_of_its_own(api, outsider):
    outsider.user_permissions.add(Permission.objects.get(codename="view_loadhistory"))

    assert api(outsider).get(LOADS).status_code == 200
    assert code_of(api(outsider).post(LOADS, LOAD)) == (403, 11001)
    assert code_of(api(outsider).delete(LOADS)) == (403, 11001)


def test_a_method_that_is_none_and_a_path_that_is_none(rest, api):
    assert code_of(rest.put(LOADS, {})) == (405, 14000)
    assert code_of(rest.get("/sshops/no/such/path")) == (404, 13000)
    assert code_of(api().post("/sshops/no/such/path", {})) == (404, 13000)


def test_the_number_of_queries_does_not_grow(rest, django_assert_num_queries):
    rest.post(LOADS, LOAD)
    rest.get(LOADS)

    with django_assert_num_queries(5):
        rest.get(LOADS)
    rest.post(LOADS, {**LOAD, "batch_id": "b-2"})
    with django_assert_num_queries(5):
        rest.get(LOADS)
