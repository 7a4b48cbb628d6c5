"""Uploads to a server that break off and go on: by key, whole, one at a time."""

import contextlib
import hashlib
import http.client
import os
import threading
import time
from datetime import timedelta
from urllib.parse import quote

import pytest
import redis
from django.utils import timezone

from config.valkey import valkey
from sshops import digests, upload_parts, uploads
from sshops.models import AuditEntry, UploadPart
from tests import factories
from tests.conftest import token
from tests.sshops.conftest import allow
from tests.sshops.test_history import code_of
from tests.sshops.working import parts, under_way, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "k3y_of-mine"
SIZE = 6_000_000


def path_of(server, what, path, key=KEY):
    return f"/sshops/servers/{server.name}/{what}?path={quote(str(path))}&upload={key}"


@pytest.fixture
def send(site, operator):
    """Return a function that sends a body, or a beginning of it, and breaks off."""

    def send(server, path, body, *, whole=None, user=operator, port=None, key=KEY):
        size = whole or len(body)
        line = http.client.HTTPConnection("127.0.0.1", port or site.port, timeout=60)
        line.putrequest("PUT", path_of(server, "file", path, key))
        line.putheader("Authorization", f"Bearer {token(user)}")
        line.putheader("Content-Length", str(size))
        line.endheaders(body)
        return line

    return send


@pytest.fixture
def broken(send, server, tmp_path):
    """Return a function that has a beginning of a file there, and its sender gone."""

    def broken(path, beginning):
        send(server, path, beginning, whole=SIZE).close()
        ends = AuditEntry.objects.filter(kind="transfer", outcome="disconnected")
        wait_until(ends.exists)
        return parts(tmp_path)[0].stat().st_size

    return broken


@pytest.fixture
def rest(api, operator, server):
    """The operator's doors to the uploads of the server."""

    class Rest:
        def __init__(self, user=operator):
            self.api = api(user)
            self.server = server

        def go_on(self, path, content, start, *, key=KEY, header=None):
            header = header or f"bytes {start}-{len(content) - 1}/{len(content)}"
            return self.api.generic(
                *("PUT", path_of(self.server, "file", path, key), content[start:]),
                content_type="application/octet-stream",
                HTTP_CONTENT_RANGE=header,
            )

        def begin(self, path, content, key=KEY):
            return self.api.generic(
                "PUT", path_of(self.server, "file", path, key), content
            )

        def size(self, path, key=KEY):
            return self.api.get(path_of(self.server, "uploads", path, key)).json()[
                "size"
            ]

        def drop(self, path, key=KEY):
            return self.api.delete(path_of(self.server, "uploads", path, key))

    rest = Rest()
    rest.of = Rest
    return rest


def test_what_broke_off_goes_on(rest, broken, tmp_path):
    content = os.urandom(SIZE)
    path = tmp_path / "a 한글"

    size = broken(path, content[: SIZE // 2])

    assert 0 < size <= SIZE // 2
    assert rest.size(path) == size
    assert not path.exists()
    answer = rest.go_on(path, content, size)
    told = {
        "path": str(path),
        "size": SIZE,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert (answer.status_code, answer.json()) == (201, told)
    assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert rest.size(path) == 0
    texts = [entry.text for entry in AuditEntry.objects.begun()]
    assert f"upload {path}: {SIZE - size} bytes from {size} on" in texts


def test_it_may_go_on_from_further_back_or_anew(rest, broken, tmp_path):
    content = os.urandom(SIZE)
    size = broken(tmp_path / "a", b"\0" * 3_000_000)

    assert rest.go_on(tmp_path / "a", content, 1).status_code == 201
    assert (tmp_path / "a").read_bytes() == b"\0" + content[1:]
    assert size > 1
    assert rest.begin(tmp_path / "a", content).status_code == 200
    assert (tmp_path / "a").read_bytes() == content


def test_a_longer_beginning_is_cut(rest, broken, tmp_path):
    broken(tmp_path / "a", os.urandom(3_000_000))

    assert rest.begin(tmp_path / "a", b"short").status_code == 201

    assert (tmp_path / "a").read_bytes() == b"short"


def test_nothing_is_left_out(rest, broken, tmp_path):
    content = os.urandom(SIZE)
    size = broken(tmp_path / "a", content[:3_000_000])

    gap = rest.go_on(tmp_path / "a", content, size + 1)

    assert code_of(gap) == (409, 60005)
    assert gap.json()["error"]["size"] == size
    assert rest.size(tmp_path / "a") == size


def test_it_goes_on_only_from_what_is_there(rest, broken, tmp_path):
    content = os.urandom(SIZE)
    size = broken(tmp_path / "a", content[:3_000_000])

    repeated = rest.begin(tmp_path / "a", content, f"{KEY}&there=0")

    assert code_of(repeated) == (409, 60005)
    assert repeated.json()["error"]["size"] == rest.size(tmp_path / "a") == size
    last = rest.go_on(tmp_path / "a", content, size, key=f"{KEY}&there={size}")
    assert last.status_code == 201
    assert code_of(rest.begin(tmp_path / "a", b"x", f"{KEY}&there=x")) == (422, 12000)


def test_a_line_that_is_lost(rest, send, make_sshd, tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    sshd = make_sshd()
    away = factories.server(sshd)
    content = os.urandom(SIZE)
    line = send(away, there / "a", content[:3_000_000], whole=SIZE)
    under_way(there)

    sshd.stop()
    with contextlib.suppress(OSError):
        line.send(content[3_000_000:])

    answer = line.getresponse()
    assert (answer.status, b"20005" in answer.read()) == (503, True)
    sshd.start()
    rest.server = away
    size = rest.size(there / "a")
    assert 0 < size < SIZE
    assert rest.go_on(there / "a", content, size).status_code == 201
    assert (there / "a").read_bytes() == content


def test_who_has_lost_the_turn_stops(rest, send, server, tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "HOLD_SECONDS", 0.4)
    content = os.urandom(SIZE)
    line = send(server, tmp_path / "a", content[:2_000_000], whole=SIZE)
    under_way(tmp_path)
    (name,) = valkey().keys("madang:upload:*")

    valkey().set(name, "another's")
    wait_until(
        lambda: not [t for t in threading.enumerate() if t.name == uploads.RENEWING]
    )
    line.send(content[2_000_000:])

    answer = line.getresponse()
    assert (answer.status, b"interrupted" in answer.read()) == (400, False)
    assert valkey().get(name) == b"another's"
    valkey().delete(name)
    size = rest.size(tmp_path / "a")
    assert rest.go_on(tmp_path / "a", content, size).status_code == 201


def test_without_valkey_nobody_begins(rest, tmp_path, monkeypatch):
    away = redis.Redis(port=1)
    monkeypatch.setattr(uploads, "valkey", lambda: away)

    assert code_of(rest.begin(tmp_path / "a", b"x")) == (503, 10001)
    assert not any(tmp_path.iterdir())


def test_without_commands_it_is_read_back(rest, broken, tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "SUM", "false")
    content = os.urandom(SIZE)
    size = broken(tmp_path / "a", content[:3_000_000])

    answer = rest.go_on(tmp_path / "a", content, size)

    assert answer.json()["sha256"] == hashlib.sha256(content).hexdigest()


def test_what_is_not_what_was_sent_is_refused(rest, broken, tmp_path, monkeypatch):
    size = broken(tmp_path / "a", os.urandom(3_000_000))
    monkeypatch.setattr(digests, "SUM", f"echo {'0' * 64}")

    answer = rest.go_on(tmp_path / "a", os.urandom(SIZE), size)

    assert code_of(answer) == (409, 60002)
    assert not any(tmp_path.iterdir())


def test_it_is_dropped(rest, broken, tmp_path):
    broken(tmp_path / "a", os.urandom(3_000_000))

    assert rest.drop(tmp_path / "a").status_code == 204
    assert not any(tmp_path.iterdir())
    assert rest.drop(tmp_path / "a").status_code == 204


def test_each_person_and_each_key_has_an_upload_of_its_own(rest, broken, tmp_path):
    size = broken(tmp_path / "a", os.urandom(3_000_000))
    another = rest.of(allow(factories.user(), "use_transfer"))

    assert another.size(tmp_path / "a") == 0
    assert rest.size(tmp_path / "a", "another-key") == 0
    assert another.drop(tmp_path / "a").status_code == 204
    assert another.begin(tmp_path / "a", b"theirs").status_code == 201
    assert rest.size(tmp_path / "a") == size


@pytest.mark.parametrize(
    "header",
    [
        "bytes 2-9",
        "bytes 2-9/*",
        "bytes */10",
        "bytes 2-8/10",
        "bytes 2-10/10",
        "bytes 3-9/10",
        "bytes 9-2/10",
        "bytes 1-9/10",
        "lines 2-9/10",
        "bytes -2-9/10",
        "bytes ２-9/10",
        f"bytes 2-9/{'9' * 30}",
    ],
)
def test_what_is_no_rest_of_a_file(rest, tmp_path, header):
    answer = rest.go_on(tmp_path / "a", b"0123456789", 2, header=header)

    assert code_of(answer) == (422, 12000)
    assert not any(tmp_path.iterdir())


def test_only_with_a_key(api, operator, server, tmp_path):
    path = f"/sshops/servers/{server.name}/file?path={tmp_path}/a"

    answer = api(operator).generic("PUT", path, b"9", HTTP_CONTENT_RANGE="bytes 9-9/10")

    assert code_of(answer) == (422, 12000)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["", "short12", "x" * 65, "a/b/c/d/e", "%ED%95%9C" * 8])
def test_what_is_no_key(rest, api, operator, server, tmp_path, key):
    assert code_of(rest.begin(tmp_path / "a", b"x", key)) == (422, 12000)
    assert code_of(rest.drop(tmp_path / "a", key)) == (422, 12000)
    found = api(operator).get(path_of(server, "uploads", tmp_path / "a", key))
    assert code_of(found) == (422, 12000)
    bare = f"/sshops/servers/{server.name}/uploads?path=/a"
    assert code_of(api(operator).get(bare)) == (422, 12000)


def test_places_that_do_not_fit(rest, tmp_path):
    (tmp_path / "a").touch()

    assert rest.size(tmp_path / "none/b") == 0
    assert code_of(rest.drop(f"{tmp_path}/b/")) == (400, 12001)
    assert code_of(rest.drop(tmp_path)) == (400, 12001)


def test_two_at_once(rest, send, server, tmp_path):
    content = os.urandom(SIZE)
    line = send(server, tmp_path / "a", content[:2_000_000], whole=SIZE)
    under_way(tmp_path)

    assert code_of(rest.begin(tmp_path / "a", content)) == (409, 60004)
    assert code_of(rest.drop(tmp_path / "a")) == (409, 60004)
    assert rest.size(tmp_path / "a") > 0
    settled = path_of(server, "uploads", tmp_path / "a", f"{KEY}&settled=true")
    assert code_of(rest.api.get(settled)) == (409, 60004)

    line.send(content[2_000_000:])
    assert line.getresponse().status == 201
    assert rest.api.get(settled).json() == {"size": 0}
    assert (tmp_path / "a").read_bytes() == content


def test_nobody_strangers_and_other_servers(api, outsider, operator, server, tmp_path):
    allow(outsider, "use_terminal")
    path = path_of(server, "uploads", tmp_path / "a")
    for method in ("get", "delete"):
        assert code_of(getattr(api(), method)(path)) == (401, 11000)
        assert code_of(getattr(api(outsider), method)(path)) == (403, 11001)
    server.allowed_users.add(outsider)
    for method in ("get", "delete"):
        assert code_of(getattr(api(operator), method)(path)) == (404, 23002)
    assert not AuditEntry.objects.exists()


# Left behind


def long_ago(path):
    UploadPart.objects.update(touched_at=timezone.now() - timedelta(days=8))
    then = time.time() - 8 * 86400
    os.utime(path, (then, then))


def test_what_nobody_comes_back_to_is_swept_away(rest, broken, tmp_path):
    broken(tmp_path / "a", os.urandom(3_000_000))
    upload_parts.sweep()
    [part] = parts(tmp_path)
    long_ago(part)

    upload_parts.sweep()

    assert not any(tmp_path.iterdir())
    assert not UploadPart.objects.exists()


def test_what_is_still_written_to_is_not_swept_away(rest, broken, tmp_path):
    broken(tmp_path / "a", os.urandom(3_000_000))
    [part] = parts(tmp_path)
    long_ago(part)
    os.utime(part)

    upload_parts.sweep()

    assert parts(tmp_path) == [part]
    assert UploadPart.objects.exists()


def test_a_server_that_is_away_is_swept_later(server):
    away = factories.server(port=1)
    for where in (away, server):
        upload_parts.remember(where, "/tmp/no such part")
    UploadPart.objects.update(touched_at=timezone.now() - timedelta(days=8))

    upload_parts.sweep()

    assert UploadPart.objects.get().server == away


def test_what_is_whole_or_dropped_needs_no_sweeping(rest, broken, tmp_path):
    broken(tmp_path / "a", os.urandom(3_000_000))
    assert UploadPart.objects.count() == 1

    rest.drop(tmp_path / "a")
    assert not UploadPart.objects.exists()
    rest.begin(tmp_path / "a", b"whole")
    assert not UploadPart.objects.exists()
