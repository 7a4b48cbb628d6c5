"""Web processes that are killed meanwhile: what was under way goes on."""

import hashlib
import http.client
import json
import os
import signal
import threading

import pytest
from django.core.files.base import ContentFile
from django.db import connection

from sshops.models import TransferRun
from tests import serving
from tests.conftest import token
from tests.sshops.working import under_way, wait_until
from workspace import files

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def webs(settings, monkeypatch):
    """Two web processes on the tests' database."""
    database = settings.DATABASES["default"]
    monkeypatch.setenv(
        "DATABASE_URL",
        f"postgresql://{database['USER']}@/{database['HOST']}"
        f"/{connection.settings_dict['NAME']}",
    )
    monkeypatch.setenv("REDIS_URL", settings.REDIS_URL)
    with (
        serving.as_process("config.asgi:application") as one,
        serving.as_process("config.asgi:application") as two,
    ):
        yield one, two


@pytest.fixture
def ask(operator):
    """Return a function that asks a web process as the operator."""

    def send(web, method, path, body=None, **headers):
        line = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
        sent = {"Authorization": f"Bearer {token(operator)}", **headers}
        line.request(method, f"/sshops/{path}", body, sent)
        return line.getresponse()

    return send


def test_a_run_goes_on_without_the_web(webs, ask, operator, server, there, worker):
    content = os.urandom(12_000_000)
    upload = files.accept(owner=operator, content=ContentFile(content), name="a")
    one, two = webs
    body = (
        f'{{"shared_file": "{upload.filename}", "path": "{there}/b",'
        ' "rate_limit": 6000000}'
    )
    assert ask(one, "POST", f"servers/{server.name}/send", body).status == 201
    run = TransferRun.objects.get()
    worker(run)
    under_way(there)

    os.kill(one.pid, signal.SIGKILL)

    wait_until(lambda: (there / "b").exists())
    wait_until(lambda: TransferRun.objects.get().state == "complete")
    shown = ask(two, "GET", f"transfer-runs/{run.pk}").read()
    assert hashlib.sha256(content).hexdigest().encode() in shown
    assert (there / "b").read_bytes() == content
    files.remove(upload, by=operator)


def test_a_download_goes_on_at_another_process(webs, ask, server, there):
    content = os.urandom(6_000_000)
    (there / "a").write_bytes(content)
    one, two = webs
    path = f"servers/{server.name}/file?path={there}/a"
    begun = ask(one, "GET", f"{path}&rate_limit=2000000")
    got = begun.read(1_000_000)

    os.kill(one.pid, signal.SIGKILL)

    try:
        while piece := begun.read1():
            got += piece
    except (http.client.HTTPException, OSError):
        pass
    assert len(got) < len(content)
    headers = {"Range": f"bytes={len(got)}-", "If-Range": begun.headers["ETag"]}
    rest = ask(two, "GET", path, **headers)
    assert rest.status == 206
    assert (
        hashlib.sha256(got + rest.read()).digest() == hashlib.sha256(content).digest()
    )


@pytest.fixture
def killed_meanwhile(ask, there):
    """Return a function that sends a file to a web process, killed meanwhile."""

    def send_and_kill(web, path, content):
        broke = []

        def send():
            try:
                ask(web, "PUT", f"{path}&rate_limit=1000000", content)
            except OSError as error:
                broke.append(error)

        sender = threading.Thread(target=send)
        sender.start()
        under_way(there, 1_000_000)
        os.kill(web.pid, signal.SIGKILL)
        sender.join(30)
        assert broke

    return send_and_kill


def test_an_upload_whose_process_is_killed_leaves_the_file_as_it_was(
    webs, ask, server, there, killed_meanwhile
):
    (there / "a").write_text("as it was")
    content = os.urandom(6_000_000)
    one, two = webs
    path = f"servers/{server.name}/file?path={there}/a"
    killed_meanwhile(one, path, content)

    assert (there / "a").read_text() == "as it was"
    assert ask(two, "PUT", path, content).status == 200
    assert (there / "a").read_bytes() == content


def test_an_upload_with_a_key_goes_on_at_another_process(
    webs, ask, server, there, killed_meanwhile
):
    content = os.urandom(6_000_000)
    one, two = webs
    query = f"path={there}/a&upload=k3y-of-mine"
    path = f"servers/{server.name}/file?{query}"
    killed_meanwhile(one, path, content)

    def go_on():
        found = ask(two, "GET", f"servers/{server.name}/uploads?{query}")
        start = json.load(found)["size"]
        assert 1_000_000 <= start < len(content)
        part = f"bytes {start}-{len(content) - 1}/{len(content)}"
        answer = ask(two, "PUT", path, content[start:], **{"Content-Range": part})
        # The killed process had its turn for a while yet.
        return answer if answer.status != 409 else None

    answer = wait_until(go_on)
    assert answer.status == 201
    assert json.load(answer)["sha256"] == hashlib.sha256(content).hexdigest()
    assert (there / "a").read_bytes() == content
