"""Terminals, recordings and the audit log over HTTP, and who may what."""

import json
import uuid

import pytest

from sshops import audit, recordings, terminals
from sshops.models import Terminal
from tests import factories
from tests.sshops.conftest import allow

pytestmark = pytest.mark.django_db(transaction=True)

NOBODY_KNOWS = "7c1f0000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.SSHOPS_RECORDINGS_DIR = tmp_path


@pytest.fixture
def server(transactional_db):
    return factories.server(name="db1")


@pytest.fixture
def colleague(transactional_db):
    return allow(factories.user("colleague@example.com"), "use_terminal")


def error_of(response, status, path):
    """Return an error's code, in the form that every one has."""
    assert response.status_code == status
    body = response.json()
    assert body["success"] is False
    assert body["path"] == path
    assert body["error"]["message"]
    return body["error"]["code"]


def test_a_terminal_is_made_listed_and_ended(api, operator, server):
    client = api(operator)

    made = client.post("/sshops/terminals", {"server": "DB1", "cols": 100})
    listed = client.get("/sshops/terminals/")
    gone = client.delete(f"/sshops/terminals/{made.json()['id']}")

    assert made.status_code == 201
    row = made.json()
    assert (row["user"], row["server"]) == ("operator@example.com", "db1")
    assert (row["cols"], row["rows"], row["state"]) == (100, 24, "new")
    assert listed.json() == {"total": 1, "items": [row]}
    assert gone.status_code == 204
    assert client.get("/sshops/terminals").json() == {"total": 0, "items": []}


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, "server"),
        ({"server": None}, "server"),
        ({"server": "db1", "cols": 0}, "cols"),
        ({"server": "db1", "rows": 501}, "rows"),
        ({"server": "db1", "rows": "many"}, "rows"),
    ],
)
def test_a_malformed_terminal_is_told(api, operator, server, body, loc):
    response = api(operator).post("/sshops/terminals", body)

    assert error_of(response, 422, "/sshops/terminals") == 12000
    [entry] = response.json()["error"]["validation_errors"]
    assert entry["loc"] == ["body", loc]
    assert set(entry) == {"type", "loc", "msg"}


def test_broken_json_is_told(api, operator):
    response = api(operator).post(
        "/sshops/terminals", "{", content_type="application/json"
    )

    assert error_of(response, 422, "/sshops/terminals") == 12000


def test_who_may_make_a_terminal(api, operator, outsider, boss, server):
    body = {"server": "db1"}
    path = "/sshops/terminals"

    assert error_of(api().post(path, body), 401, path) == 11000
    assert error_of(api(outsider).post(path, body), 403, path) == 11001
    server.allowed_users.add(boss)
    assert error_of(api(operator).post(path, body), 403, path) == 11001
    assert api(boss).post(path, body).status_code == 201


def test_unknown_and_unused_servers_are_told(api, operator, server):
    path = "/sshops/terminals"
    assert error_of(api(operator).post(path, {"server": "x"}), 404, path) == 23002

    server.is_active = False
    server.save()

    assert error_of(api(operator).post(path, {"server": "db1"}), 404, path) == 23002


def test_there_are_no_more_than_may_be(api, operator, server, settings):
    settings.SSHOPS_MAX_TERMINALS = 1
    path = "/sshops/terminals"
    assert api(operator).post(path, {"server": "db1"}).status_code == 201

    assert error_of(api(operator).post(path, {"server": "db1"}), 429, path) == 60001


def test_a_list_asks_the_same_few_times(
    api, supervisor, operator, server, django_assert_num_queries
):
    client = api(supervisor)
    for count in (1, 3):
        while Terminal.objects.count() < count:
            terminals.create(operator, "db1")
        # The user, her rights twice, the rows, how many.
        with django_assert_num_queries(5):
            assert client.get("/sshops/terminals").json()["total"] == count


def test_whose_terminals_one_sees_and_ends(
    api, operator, colleague, supervisor, outsider, server
):
    terminal = terminals.create(operator, "db1")
    path = f"/sshops/terminals/{terminal.pk}"

    totals = {
        user.email: api(user).get("/sshops/terminals").json()["total"]
        for user in (operator, colleague, supervisor, outsider)
    }
    refused = [error_of(api(user).delete(path), 403, path) for user in (colleague,)]
    unknown = f"/sshops/terminals/{NOBODY_KNOWS}"

    assert totals == {
        "operator@example.com": 1,
        "colleague@example.com": 0,
        "supervisor@example.com": 1,
        "outsider@example.com": 0,
    }
    assert refused == [11001]
    assert error_of(api().delete(path), 401, path) == 11000
    assert error_of(api(operator).delete(unknown), 404, unknown) == 13000
    assert error_of(api(operator).put(path), 405, path) == 14000
    assert api(supervisor).delete(path).status_code == 204


# Recordings


def recorded(user, server, text="df -h"):
    recorder = recordings.begin(kind="command", user=user, server=server, text=text)
    recorder.output(b"shown")
    recorder.finish()
    return recorder.recording


def test_a_recording_is_listed_and_played(api, operator, server):
    recording = recorded(operator, server)
    client = api(operator)

    [row] = client.get("/sshops/recordings").json()["items"]
    cast = client.get(f"/sshops/recordings/{recording.pk}.cast")

    assert (row["id"], row["user"]) == (str(recording.pk), "operator@example.com")
    assert (row["server_name"], row["text"]) == ("db1", "df -h")
    assert row["is_complete"] is True
    assert cast["Content-Type"] == "application/x-asciicast"
    lines = b"".join(cast.streaming_content).splitlines()
    assert json.loads(lines[1])[1:] == ["o", "shown"]


def test_whose_recordings_one_sees(api, operator, colleague, supervisor, server):
    recording = recorded(operator, server)
    path = f"/sshops/recordings/{recording.pk}.cast"

    assert api(colleague).get("/sshops/recordings").json()["total"] == 0
    assert error_of(api(colleague).get(path), 404, path) == 13000
    assert error_of(api().get(path), 401, path) == 11000
    assert error_of(api().get("/sshops/recordings"), 401, "/sshops/recordings") == 11000
    assert api(supervisor).get("/sshops/recordings").json()["total"] == 1
    assert api(supervisor).get(path).status_code == 200


# The audit log


def test_the_audit_log_tells_one_row_each(api, supervisor):
    connection = str(uuid.uuid4())
    first = audit.record(
        kind="command",
        user="kim@example.com",
        connection_id=connection,
        server_name="db1",
        text="df -h",
    )
    audit.record(kind="session", user="lee@example.com", outcome="complete")
    audit.finish(first, "error", exit_status=1, error_code=22000)

    body = api(supervisor).get("/sshops/audit").json()

    assert body["total"] == 2
    assert [item["kind"] for item in body["items"]] == ["session", "command"]
    moments = {
        name: body["items"][1].pop(name) for name in ("started_at", "finished_at")
    }
    assert moments["started_at"] <= moments["finished_at"]
    assert body["items"][1] == {
        "id": first.pk,
        "kind": "command",
        "user": "kim@example.com",
        "connection_id": connection,
        "server_name": "db1",
        "text": "df -h",
        "outcome": "error",
        "exit_status": 1,
        "error_code": 22000,
    }
    assert body["items"][0]["finished_at"] == body["items"][0]["started_at"]


def test_what_goes_on_has_no_end(api, supervisor):
    audit.record(kind="command", user="kim@example.com")

    [item] = api(supervisor).get("/sshops/audit").json()["items"]

    assert (item["outcome"], item["finished_at"]) == ("running", None)


def test_the_audit_log_is_searched(api, supervisor):
    for number in range(3):
        audit.record(
            kind="command",
            user=f"{number}@example.com",
            connection_id=f"c{number}",
            server_name=f"db{number}",
        )
    client = api(supervisor)

    def ids(query):
        return [
            item["id"] for item in client.get(f"/sshops/audit?{query}").json()["items"]
        ]

    [newest, *_] = client.get("/sshops/audit").json()["items"]
    assert ids("user=1@example.com") == [2]
    assert ids("connection_id=c0") == [1]
    assert ids("server_name=db2") == [3]
    assert ids("since=2000-01-01") == ids("") == [3, 2, 1]
    assert ids("since=2999-01-01T00:00:00Z") == []
    assert ids(f"since={newest['started_at']}") == [3]
    assert ids("limit=1&offset=1") == [2]
    assert client.get("/sshops/audit?limit=1").json()["total"] == 3


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "offset=-1", "since=soon", "since=2025-13-01"],
)
def test_a_malformed_search_is_told(api, supervisor, query):
    response = api(supervisor).get(f"/sshops/audit?{query}")

    assert error_of(response, 422, "/sshops/audit") == 12000


def test_who_may_read_the_audit_log(api, operator, outsider, boss):
    path = "/sshops/audit"

    assert error_of(api().get(path), 401, path) == 11000
    for user in (operator, outsider):
        assert error_of(api(user).get(path), 403, path) == 11001
    assert api(boss).get(path).status_code == 200
