"""Files of a server over HTTP: looked at, sent and fetched, by whom, and what not."""

import hashlib
import http.client
import os
import time
from urllib.parse import quote

import pytest

from sshops import remote_files, uploads
from sshops.commands import Caller
from sshops.models import AuditEntry
from tests import factories
from tests.conftest import token
from tests.sshops.conftest import allow
from tests.sshops.test_history import code_of

pytestmark = pytest.mark.django_db(transaction=True)


def url(server, what, path):
    return f"/sshops/servers/{server.name}/{what}?path={quote(str(path))}"


def put(rest, server, path, content, more=""):
    return rest.generic(
        *("PUT", url(server, "file", path) + more, content),
        content_type="application/octet-stream",
    )


def noted():
    entry = AuditEntry.objects.begun().get()
    return entry.text, entry.end.outcome, entry.end.text


def test_a_folder_is_listed(api, operator, server, tmp_path):
    (tmp_path / "b 한글.txt").write_text("12345")
    os.utime(tmp_path / "b 한글.txt", (1_600_000_000, 1_600_000_000))
    (tmp_path / "z").mkdir()
    (tmp_path / "to-z").symlink_to("z")
    (tmp_path / "to-nothing").symlink_to("nothing")
    with open(os.fsencode(tmp_path) + b"/\xff.txt", "w"):
        pass

    answer = api(operator).get(url(server, "folder", tmp_path / "z/.."))

    body = answer.json()
    assert (body["path"], body["has_more"]) == (str(tmp_path), False)
    assert [(item["name"], item["kind"]) for item in body["items"]] == [
        ("to-z", "folder"),
        ("z", "folder"),
        ("b 한글.txt", "file"),
        ("to-nothing", "other"),
        ("\ufffd.txt", "other"),
    ]
    file = body["items"][2]
    assert (file["size"], file["modified_at"]) == (5, "2020-09-13T21:26:40+09:00")
    assert noted() == (f"list {tmp_path}/z/..", "complete", "")


def test_a_long_folder_is_cut(api, operator, server, tmp_path, monkeypatch):
    monkeypatch.setattr(remote_files, "MOST_ENTRIES", 2)
    for number in range(3):
        (tmp_path / str(number)).touch()

    body = api(operator).get(url(server, "folder", tmp_path)).json()

    assert (len(body["items"]), body["has_more"]) == (2, True)


def test_a_file_is_sent_and_fetched(api, operator, server, tmp_path):
    content = os.urandom(3_000_000)
    digest = hashlib.sha256(content).hexdigest()
    path = tmp_path / "a 한글.bin"

    made = put(api(operator), server, path, content)

    told = {"path": str(path), "size": len(content), "sha256": digest}
    assert (made.status_code, made.json()) == (201, told)
    assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    sent = f"upload {path}: 3000000 bytes"
    assert noted() == (sent, "complete", f"sha256:{digest}")
    answer = api(operator).get(url(server, "file", path))
    assert b"".join(answer.streaming_content) == content
    assert answer["Content-Length"] == "3000000"
    assert answer["Content-Disposition"] == (
        "attachment; filename*=UTF-8''a%20%ED%95%9C%EA%B8%80.bin"
    )
    newest = AuditEntry.objects.begun().first()
    assert newest.text == f"download {path}"
    assert newest.end.text == f"3000000 bytes sha256:{digest}"


def test_a_file_takes_the_place_of_another(api, operator, server, tmp_path):
    path = tmp_path / "a"
    path.write_text("longer than before")
    path.chmod(0o640)
    (tmp_path / "link").symlink_to("a")

    answer = put(api(operator), server, tmp_path / "link", b"new")

    assert answer.status_code == 200
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "link").is_symlink()


def test_an_empty_file(api, operator, server, tmp_path):
    assert put(api(operator), server, tmp_path / "a", b"").status_code == 201

    answer = api(operator).get(url(server, "file", tmp_path / "a"))

    assert b"".join(answer.streaming_content) == b""


def test_a_download_goes_on_where_it_was(api, operator, server, tmp_path):
    (tmp_path / "a").write_bytes(b"0123456789")
    rest = api(operator)
    etag = rest.head(url(server, "file", tmp_path / "a"))["ETag"]

    rest.credentials(**rest._credentials, HTTP_RANGE="bytes=4-", HTTP_IF_RANGE=etag)
    part = rest.get(url(server, "file", tmp_path / "a"))

    assert (part.status_code, b"".join(part.streaming_content)) == (206, b"456789")
    assert part["Content-Range"] == "bytes 4-9/10"
    (tmp_path / "a").write_bytes(b"changed meanwhile")
    whole = rest.get(url(server, "file", tmp_path / "a"))
    assert (whole.status_code, b"".join(whole.streaming_content)) == (
        *(200, b"changed meanwhile"),
    )
    rest.credentials(
        HTTP_AUTHORIZATION=f"Bearer {token(operator)}", HTTP_RANGE="bytes=99-"
    )
    outside = rest.get(url(server, "file", tmp_path / "a"))
    assert code_of(outside) == (416, 60006)
    assert outside["Content-Range"].startswith("bytes */")


def test_a_rate_is_kept(api, operator, server, tmp_path):
    begun = time.monotonic()

    put(api(operator), server, tmp_path / "a", bytes(600_000), "&rate_limit=300000")

    assert time.monotonic() - begun > 1
    begun = time.monotonic()
    answer = api(operator).get(
        url(server, "file", tmp_path / "a") + "&rate_limit=300000"
    )
    assert len(b"".join(answer.streaming_content)) == 600_000
    assert time.monotonic() - begun > 1


@pytest.mark.parametrize(
    ("method", "what", "path", "expected"),
    [
        ("get", "folder", "none", (404, 13000)),
        ("get", "folder", "a", (400, 12001)),
        ("get", "file", "none", (404, 13000)),
        ("get", "file", "", (400, 12001)),
        ("get", "file", "a/b", (404, 13000)),
        ("put", "file", "", (400, 12001)),
        ("put", "file", "new/", (400, 12001)),
        ("put", "file", "none/a", (404, 13000)),
        ("put", "file", "a/b", (404, 13000)),
        ("put", "file", "x" * 300, (409, 60002)),
    ],
)
def test_a_path_that_does_not_fit(
    api, operator, server, tmp_path, method, what, path, expected
):
    (tmp_path / "a").write_text("x")

    answer = getattr(api(operator), method)(
        url(server, what, f"{tmp_path}/{path}"), content_type="text/plain"
    )

    assert code_of(answer) == expected
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert noted()[1] == "error"


def test_what_is_no_file_is_not_read(api, operator, server, tmp_path):
    os.mkfifo(tmp_path / "pipe")

    for path in (tmp_path / "pipe", "/dev/zero"):
        assert code_of(api(operator).get(url(server, "file", path))) == (400, 12001)


def test_where_the_server_lets_nobody_write(api, operator, server):
    for path in ("/proc/a", "/sys/kernel/a"):
        status, code = code_of(put(api(operator), server, path, b"x"))
        assert (status, code) in ((403, 24003), (404, 13000))


def test_a_full_disk(operator, server, tmp_path):
    room = os.statvfs(tmp_path)
    free = room.f_bavail * room.f_frsize
    caller = Caller(operator, "", "10.1.2.3")

    with pytest.raises(uploads.NoRoom):
        uploads.keep(caller, server.name, f"{tmp_path}/a", [], size=free * 2)

    assert not any(tmp_path.iterdir())
    assert noted()[1] == "error"


@pytest.mark.parametrize(
    "query",
    ["", "?path=", "?path=a%00b", f"?path={'a' * 4097}", "?path=/&rate_limit=0"],
)
def test_a_query_that_does_not_fit(api, operator, server, query):
    answer = api(operator).get(f"/sshops/servers/{server.name}/file{query}")

    assert code_of(answer) == (422, 12000)


def test_a_server_that_is_not_there(api, operator):
    away = factories.server(port=1)

    answer = api(operator).get(url(away, "folder", "/"))

    assert code_of(answer) == (503, 20002)
    assert noted()[1] == "error"


def test_too_many_at_once(api, operator, server, tmp_path, monkeypatch):
    monkeypatch.setattr(
        remote_files, "_streams", remote_files.threading.BoundedSemaphore(1)
    )
    (tmp_path / "a").write_text("x")
    answer = api(operator).get(url(server, "file", tmp_path / "a"))

    assert code_of(api(operator).get(url(server, "folder", "/"))) == (429, 14001)
    answer.close()  # whoever leaves makes room
    assert api(operator).get(url(server, "folder", "/")).status_code == 200
    outcomes = {e.text: e.end.outcome for e in AuditEntry.objects.begun()}
    assert outcomes[f"download {tmp_path / 'a'}"] == "disconnected"


def test_strangers_and_nobody(api, outsider, operator, server, tmp_path):
    (tmp_path / "a").write_text("x")
    allow(outsider, "use_terminal")
    paths = (url(server, "folder", tmp_path), url(server, "file", tmp_path / "a"))
    for path in paths:
        assert code_of(api().get(path)) == (401, 11000)
        assert code_of(api(outsider).get(path)) == (403, 11001)
    assert code_of(put(api(), server, tmp_path / "b", b"x")) == (401, 11000)
    assert code_of(put(api(outsider), server, tmp_path / "b", b"x")) == (403, 11001)
    server.allowed_users.add(outsider)
    for path in paths:
        assert code_of(api(operator).get(path)) == (404, 23002)
    assert code_of(put(api(operator), server, tmp_path / "b", b"x")) == (404, 23002)
    assert not (tmp_path / "b").exists()
    assert not AuditEntry.objects.exists()


# Over the wire


def wait_until(condition):
    deadline = time.monotonic() + 30
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def test_a_sender_who_leaves_leaves_nothing(site, operator, server, tmp_path):
    line = http.client.HTTPConnection("127.0.0.1", site.port)
    line.putrequest("PUT", url(server, "file", tmp_path / "a"))
    line.putheader("Authorization", f"Bearer {token(operator)}")
    line.putheader("Content-Length", "5000000")
    line.endheaders(b"x" * 3_000_000)
    wait_until(lambda: any(p.stat().st_size for p in tmp_path.iterdir()))

    line.close()

    wait_until(lambda: not any(tmp_path.iterdir()))
    wait_until(lambda: AuditEntry.objects.filter(outcome="disconnected").exists())
