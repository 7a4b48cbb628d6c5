"""Transfers and runs over HTTP, and the servers that settings make."""

import pytest
from django.core.files.base import ContentFile

from sshops import seeding, tasks, transfer_runs
from sshops.models import Server, Transfer, TransferRun
from tests import factories
from tests.sshops.conftest import allow
from tests.sshops.test_history import code_of
from workspace import files

pytestmark = pytest.mark.django_db(transaction=True)

TRANSFERS, RUNS = "/sshops/transfers", "/sshops/transfer-runs"


@pytest.fixture(autouse=True)
def nudged(monkeypatch):
    """The runs that a worker was told of."""
    runs = []
    monkeypatch.setattr(tasks, "nudge", runs.append)
    return runs


@pytest.fixture
def body(sshd, other_sshd, tmp_path):
    (tmp_path / "a").write_text("x")
    return {
        "name": "nightly",
        "source_server": factories.server(sshd).name,
        "source_path": str(tmp_path / "a"),
        "target_server": factories.server(other_sshd).name,
        "target_path": str(tmp_path / "b"),
    }


def test_a_transfer_from_beginning_to_end(api, boss, body):
    rest = api(boss)

    made = rest.post(TRANSFERS, body)

    assert made.status_code == 201
    assert made.json() == {**body, "description": "", "rate_limit": None}
    assert code_of(rest.post(TRANSFERS, body)) == (409, 13001)
    changed = rest.patch(f"{TRANSFERS}/NIGHTLY", {"rate_limit": 5, "name": None})
    assert (changed.json()["rate_limit"], changed.json()["name"]) == (5, "nightly")
    assert rest.get(TRANSFERS).json()["total"] == 1
    server = body["source_server"]
    assert code_of(rest.delete(f"/sshops/servers/{server}")) == (423, 13002)
    assert rest.delete(f"{TRANSFERS}/nightly").status_code == 204
    assert code_of(rest.get(f"{TRANSFERS}/nightly")) == (404, 13000)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "A b"},
        {"source_server": "none"},
        {"source_server": None},
        {"target_server": 5},
        {"source_path": ""},
        {"target_path": "a\0b"},
        {"rate_limit": 0},
    ],
)
def test_a_field_that_does_not_fit(api, boss, body, wrong):
    assert code_of(api(boss).post(TRANSFERS, {**body, **wrong})) == (422, 12000)


def test_a_run_from_beginning_to_end(api, boss, operator, body, nudged, tmp_path):
    api(boss).post(TRANSFERS, body)

    asked = api(operator).post(RUNS, {"transfer_name": "Nightly"})

    assert asked.status_code == 201
    run = asked.json()
    assert (run["state"], run["user"], run["started_at"]) == (
        *("queued", operator.email),
        None,
    )
    assert [str(id) for id in nudged] == [run["id"]]
    transfer_runs.run(run["id"])
    done = api(operator).get(f"{RUNS}/{run['id']}").json()
    assert (done["state"], done["files_done"], done["bytes_done"]) == ("complete", 1, 1)
    assert done["bytes_a_second"] > 0
    assert (tmp_path / "b").read_text() == "x"
    [file] = done.pop("files")
    assert (file["size"], len(file["sha256"]), file["is_done"]) == (1, 64, True)
    assert api(operator).get(RUNS).json()["items"] == [done]
    way = ("kind", "source_server", "source_path", "target_server", "target_path")
    assert [done[name] for name in way] == ["copy", *(body[n] for n in way[1:])]


def test_a_run_is_cancelled(api, boss, operator, body):
    api(boss).post(TRANSFERS, body)
    run = api(operator).post(RUNS, {"transfer_name": "nightly"}).json()

    answer = api(operator).delete(f"{RUNS}/{run['id']}")

    assert answer.json()["state"] == "cancelled"


def test_runs_of_others_are_not_there(api, boss, operator, body):
    api(boss).post(TRANSFERS, body)
    run = api(boss).post(RUNS, {"transfer_name": "nightly"}).json()

    assert api(operator).get(RUNS).json()["total"] == 0
    assert code_of(api(operator).get(f"{RUNS}/{run['id']}")) == (404, 13000)
    assert code_of(api(operator).delete(f"{RUNS}/{run['id']}")) == (404, 13000)
    assert code_of(api(operator).post(RUNS, {"transfer_name": "x"})) == (404, 24001)
    assert code_of(api(operator).post(RUNS, {})) == (422, 12000)


def test_strangers_and_nobody(api, outsider, operator, body):
    allow(outsider, "use_terminal")
    for path in (TRANSFERS, RUNS):
        assert code_of(api().get(path)) == (401, 11000)
        assert code_of(api(outsider).get(path)) == (403, 11001)
    assert code_of(api(outsider).post(RUNS, {"transfer_name": "x"})) == (403, 11001)
    assert code_of(api(operator).post(TRANSFERS, body)) == (403, 11001)
    assert not TransferRun.objects.exists()


# Shared files


SHARED = "/sshops/shared-files"


@pytest.fixture
def upload(operator, disk):
    return files.accept(owner=operator, content=ContentFile(b"hello"), name="Á.txt")


def test_a_shared_file_to_a_server_and_back(
    api, operator, sshd, upload, nudged, tmp_path
):
    server = factories.server(sshd)
    rest = api(operator)

    [shown] = rest.get(SHARED).json()["items"]

    assert (shown["id"], shown["name"], shown["size"]) == (
        *(upload.filename, upload.original_filename, 5),
    )
    assert rest.get(f"{SHARED}?search=á.T").json()["items"] == [shown]
    assert rest.get(f"{SHARED}?search=b").json()["items"] == []
    sent = rest.post(
        f"/sshops/servers/{server.name.upper()}/send",
        {"shared_file": upload.filename, "path": f"{tmp_path}/b", "rate_limit": 99},
    )
    assert sent.status_code == 201
    run = sent.json()
    assert (run["kind"], run["source_server"], run["source_path"]) == (
        *("send", None, upload.original_filename),
    )
    assert (run["target_server"], run["rate_limit"]) == (server.name, 99)
    transfer_runs.run(run["id"])
    assert (tmp_path / "b").read_bytes() == b"hello"
    fetched = rest.post(
        f"/sshops/servers/{server.name}/fetch", {"path": f"{tmp_path}/b"}
    )
    assert fetched.status_code == 201
    assert [str(id) for id in nudged] == [run["id"], fetched.json()["id"]]
    transfer_runs.run(fetched.json()["id"])
    done = rest.get(f"{RUNS}/{fetched.json()['id']}").json()
    assert (done["state"], done["kind"], done["target_path"]) == (
        *("complete", "fetch", "b"),
    )
    assert done["shared_file"] == rest.get(SHARED).json()["items"][0]["id"]


@pytest.mark.parametrize(
    ("what", "body", "expected"),
    [
        ("send", {"path": "/tmp/"}, (422, 12000)),
        ("send", {"shared_file": "none", "path": "/tmp/"}, (404, 13000)),
        ("send", {"shared_file": "a", "path": ""}, (422, 12000)),
        ("send", {"shared_file": 5, "path": "/tmp/"}, (422, 12000)),
        ("fetch", {}, (422, 12000)),
        ("fetch", {"path": "a\0b"}, (422, 12000)),
        ("fetch", {"path": "/tmp/"}, (422, 12000)),
        ("fetch", {"path": "/tmp/a", "rate_limit": 0}, (422, 12000)),
        ("fetch", [], (422, 12000)),
    ],
)
def test_what_does_not_fit_is_not_queued(api, operator, what, body, expected):
    server = factories.server()

    answer = api(operator).post(f"/sshops/servers/{server.name}/{what}", body)

    assert code_of(answer) == expected
    assert not TransferRun.objects.exists()


def test_strangers_and_nobody_move_no_shared_files(api, outsider, operator, upload):
    server = factories.server()
    allow(outsider, "use_terminal")
    for path in (f"/sshops/servers/{server.name}/{what}" for what in ("send", "fetch")):
        body = {"path": "/tmp/a", "shared_file": upload.filename}
        assert code_of(api().post(path, body)) == (401, 11000)
        assert code_of(api(outsider).post(path, body)) == (403, 11001)
        server.allowed_users.set([outsider])
        assert code_of(api(operator).post(path, body)) == (404, 23002)
        server.allowed_users.clear()
    assert code_of(api().get(SHARED)) == (401, 11000)
    assert code_of(api(outsider).get(SHARED)) == (403, 11001)
    assert not TransferRun.objects.exists()


def test_settings_make_the_two_servers_once(settings):
    settings.SSHOPS_SEEDED_SERVERS = {
        "mdwap1p": ("10.0.0.1", 22),
        "mypap1d": ("10.0.0.2", 2222),
    }
    settings.SSHOPS_SEEDED_USERNAME = "kim"
    settings.SSHOPS_SEEDED_PASSWORD = "a secret"

    seeding.seed()
    Server.objects.filter(name="mypap1d").update(host="10.0.0.3")
    seeding.seed()

    rows = Server.objects.values_list("name", "host", "port", "username")
    assert [*rows] == [
        ("mdwap1p", "10.0.0.1", 22, "kim"),
        ("mypap1d", "10.0.0.3", 2222, "kim"),
    ]
    assert {server.password for server in Server.objects.all()} == {"a secret"}
    transfer = Transfer.objects.get()
    assert (transfer.name, transfer.source_server.name) == (
        *("stub_data_transfer", "mdwap1p"),
    )
