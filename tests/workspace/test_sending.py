"""Files through real server processes: flat memory, early refusals, cuts, kills."""

import base64
import contextlib
import hashlib
import os
import signal
import socket
import time

import httpx
import pytest
from django.db import connection

from tests import serving
from tests.conftest import token
from workspace import resumable
from workspace.models import Upload

MIB = 1 << 20
LARGE = 300 * MIB
MEMORY = 48 * MIB  # far less than a file, more than what a server is short of
BLOCK = os.urandom(MIB)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def servers(settings, disk, monkeypatch):
    """Two processes that share the tests' database, cache and files."""
    database = settings.DATABASES["default"]
    address = f"{database['USER']}@/{database['HOST']}"
    name = connection.settings_dict["NAME"]
    monkeypatch.setenv("DATABASE_URL", f"postgresql://{address}/{name}")
    monkeypatch.setenv("REDIS_URL", settings.REDIS_URL)
    monkeypatch.setenv("DATA_DIR", str(disk.parent))
    monkeypatch.setenv("WORKSPACE_UPLOAD_MAX_BYTES", str(LARGE))
    with (
        serving.as_process("config.asgi:application") as one,
        serving.as_process("config.asgi:application") as two,
    ):
        yield one, two


@pytest.fixture
def http(outsider):
    headers = {"Authorization": f"Bearer {token(outsider)}", "Tus-Resumable": "1.0.0"}
    with httpx.Client(headers=headers, timeout=60, trust_env=False) as client:
        yield client


def blocks(size):
    for _ in range(size // MIB):
        yield BLOCK


def sha256_of(file):
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while part := opened.read(MIB):
            digest.update(part)
    return digest.hexdigest()


def sha256_of_blocks(size):
    digest = hashlib.sha256()
    for block in blocks(size):
        digest.update(block)
    return digest.hexdigest()


def begin(http, server, size):
    said = "filename " + base64.b64encode(b"plan.bin").decode()
    headers = {"Upload-Length": str(size), "Upload-Metadata": said}
    response = http.post(f"{server.url}/workspace/api/tus/", headers=headers)
    assert response.status_code == 201, response.text
    return response.headers["Location"]


def patch(http, server, location, offset, content, size=None):
    headers = {
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(size or len(content)),
    }
    return http.patch(server.url + location, content=content, headers=headers)


def offset(http, server, location):
    return int(http.head(server.url + location).headers["Upload-Offset"])


def test_memory_stays_flat_while_a_large_file_comes_in_one_piece(servers, http, disk):
    server, _two = servers
    head = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    )
    end = b"\r\n--x--\r\n"
    before = server.forget_peak()

    def body():
        yield head
        yield from blocks(LARGE)
        yield end

    response = http.post(
        f"{server.url}/workspace/api/upload",
        content=body(),
        headers={
            "Content-Type": "multipart/form-data; boundary=x",
            "Content-Length": str(len(head) + LARGE + len(end)),
        },
    )

    assert response.status_code == 200
    assert server.peak() - before < MEMORY
    upload = Upload.objects.get()
    assert sha256_of(disk / upload.key) == sha256_of_blocks(LARGE)


def test_memory_stays_flat_while_it_comes_resumable_and_goes(servers, http, disk):
    server, _two = servers
    location = begin(http, server, LARGE)
    before = server.forget_peak()

    response = patch(http, server, location, 0, blocks(LARGE), LARGE)
    received = server.peak() - before
    before = server.forget_peak()
    digest = hashlib.sha256()
    with http.stream("GET", server.url + response.headers["Content-Location"]) as sent:
        for part in sent.iter_bytes():
            digest.update(part)

    assert response.status_code == 204
    assert received < MEMORY
    assert server.peak() - before < MEMORY
    assert digest.hexdigest() == sha256_of_blocks(LARGE)


@contextlib.contextmanager
def raw(server, method, path, user, *headers):
    """Yield a socket that has sent the head of a request."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {token(user)}",
        *headers,
    ]
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
        line.sendall("\r\n".join([*lines, "", ""]).encode())
        yield line


def test_a_file_too_large_is_refused_before_its_body_comes(servers, outsider):
    server, _two = servers
    headers = [
        "Content-Type: multipart/form-data; boundary=x",
        f"Content-Length: {LARGE + MIB}",
    ]

    with raw(server, "POST", "/workspace/api/upload", outsider, *headers) as line:
        answer = line.recv(4096)

    assert answer.startswith(b"HTTP/1.1 413 ")


def beginning(server, location, user, size):
    """Yield a socket on which the PATCH of a whole file has begun."""
    headers = [
        "Tus-Resumable: 1.0.0",
        "Upload-Offset: 0",
        "Content-Type: application/offset+octet-stream",
        f"Content-Length: {size}",
    ]
    return raw(server, "PATCH", location, user, *headers)


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_came_before_a_cut_is_there_at_another_process(
    servers, http, outsider, disk
):
    one, two = servers
    size = 12 * MIB
    content = BLOCK * 12
    location = begin(http, one, size)

    with beginning(one, location, outsider, size) as line:
        line.sendall(content[: 7 * MIB])

    # But for what lay in the sockets' buffers when the line was cut.
    wait_for(lambda: offset(http, two, location) > 6 * MIB)
    here = offset(http, two, location)
    response = patch(http, two, location, here, content[here:])
    assert here <= 7 * MIB
    assert response.status_code == 204
    assert (disk / Upload.objects.get().key).read_bytes() == content


def test_a_killed_server_loses_a_piece_at_most(servers, http, outsider, disk):
    one, two = servers
    size = 12 * MIB
    content = BLOCK * 12
    location = begin(http, one, size)
    with beginning(one, location, outsider, size) as line:
        line.sendall(content[: 10 * MIB])
        wait_for(lambda: offset(http, two, location) >= 2 * resumable.PIECE_BYTES)
        os.kill(one.pid, signal.SIGKILL)

    here = offset(http, two, location)
    response = patch(http, two, location, here, content[here:])
    assert response.status_code == 204
    assert (disk / Upload.objects.get().key).read_bytes() == content
