"""Resumable uploads by the tus protocol: its rules, broken lines, races, leftovers."""

import base64
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from config.errors import DomainError
from tests import factories
from workspace import files, resumable
from workspace.models import PartialUpload, Piece, Upload

TUS = "/workspace/api/tus/"
CONTENT = "application/offset+octet-stream"
BYTES = bytes(range(256)) * 40
SIZE = len(BYTES)


@pytest.fixture(autouse=True)
def _disk(disk, transactional_db):
    """Files lie in a folder of each test's own, unless they lie in a bucket."""


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    monkeypatch.setattr(resumable, "PIECE_BYTES", 1000)


@pytest.fixture
def viewer(transactional_db):
    return factories.user("viewer@example.com", urole="viewer")


class Tus:
    """A client of the protocol."""

    def __init__(self, api):
        self.api = api

    def call(self, method, url=TUS, body=b"", content_type="", **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers = {"Tus-Resumable": "1.0.0"} | headers
        headers = {name: value for name, value in headers.items() if value is not None}
        return self.api.generic(method, url, body, content_type, headers=headers)

    def create(self, size=SIZE, name="평면도.png", **said):
        values = {"filename": name, **said}
        pairs = (
            f"{key} {base64.b64encode(text.encode()).decode()}"
            for key, text in values.items()
        )
        return self.call(
            "POST", Upload_Length=str(size), Upload_Metadata=",".join(pairs)
        )

    def begin(self, *args, **said):
        return self.create(*args, **said)["Location"]

    def patch(self, url, offset, body, content_type=CONTENT, **headers):
        headers = {"Upload_Offset": str(offset), **headers}
        return self.call("PATCH", url, body, content_type, **headers)

    def offset(self, url):
        return int(self.call("HEAD", url)["Upload-Offset"])


@pytest.fixture
def tus(api, outsider):
    return Tus(api(outsider))


def test_a_server_tells_what_it_can(tus, settings):
    response = tus.call("OPTIONS", Tus_Resumable=None)

    told = {name: response[name] for name in response.headers if name[:3] == "Tus"}
    assert response.status_code == 204
    assert told == {
        "Tus-Resumable": "1.0.0",
        "Tus-Version": "1.0.0",
        "Tus-Extension": "creation,creation-with-upload,expiration,termination",
        "Tus-Max-Size": str(settings.WORKSPACE_RESUMABLE_MAX_BYTES),
    }


def test_a_file_comes_in_pieces(tus, outsider, shelf):
    created = tus.create(description="1층", filetype="image/png")
    url = created["Location"]
    assert created.status_code == 201
    assert created["Upload-Offset"] == "0"

    first = tus.patch(url, 0, BYTES[:2500])
    asked = tus.call("HEAD", url)
    last = tus.patch(url, 2500, BYTES[2500:])

    assert (first.status_code, first["Upload-Offset"]) == (204, "2500")
    assert asked.status_code == 200
    assert (asked["Upload-Offset"], asked["Upload-Length"]) == ("2500", str(SIZE))
    assert asked["Cache-Control"] == "no-store"
    assert (last.status_code, last["Upload-Offset"]) == (204, str(SIZE))
    upload = Upload.objects.get()
    assert last["Content-Location"] == f"/workspace/{upload.path}"
    assert (upload.original_filename, upload.description) == ("평면도.png", "1층")
    assert (upload.owner, upload.size) == (outsider, SIZE)
    assert shelf.keys() == [upload.key]
    assert shelf.read(upload.key) == BYTES
    assert {r["Tus-Resumable"] for r in (created, first, asked, last)} == {"1.0.0"}
    assert not Piece.objects.exists()


def test_what_is_complete_says_so_until_it_expires(tus):
    url = tus.begin()
    tus.patch(url, 0, BYTES)

    again = tus.call("HEAD", url)  # when the last answer was lost

    assert int(again["Upload-Offset"]) == int(again["Upload-Length"]) == SIZE
    assert again["Content-Location"] == f"/workspace/{Upload.objects.get().path}"
    assert tus.patch(url, SIZE, b"").status_code == 204
    assert Upload.objects.count() == 1


def test_a_file_may_come_with_its_announcement(tus, shelf):
    said = "filename " + base64.b64encode(b"a.txt").decode()
    response = tus.call(
        "POST", TUS, b"hello", CONTENT, Upload_Length="5", Upload_Metadata=said
    )

    assert response.status_code == 201
    assert response["Upload-Offset"] == "5"
    assert shelf.read(Upload.objects.get().key) == b"hello"


def test_by_cookie_the_same_holds(outsider, shelf):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(outsider)
    browser.get("/workspace/profile")
    forged = Tus(browser).create()
    token = browser.cookies["csrftoken"].value

    created = Tus(browser).call(
        "POST",
        TUS,
        b"hel",
        CONTENT,
        Upload_Length="5",
        Upload_Metadata="filename YS50eHQ=",
        X_CSRFToken=token,
    )
    url = created["Location"]
    unproven = Tus(browser).patch(url, 3, b"lo")
    Tus(browser).patch(url, 3, b"lo", X_CSRFToken=token)

    assert (forged.status_code, unproven.status_code) == (403, 403)
    assert (created.status_code, created["Upload-Offset"]) == (201, "3")
    assert shelf.read(Upload.objects.get().key) == b"hello"


def test_an_empty_file_is_complete_at_once(tus, shelf):
    response = tus.create(0, "empty.txt")

    upload = Upload.objects.get()
    assert response.status_code == 201
    assert (upload.size, shelf.read(upload.key)) == (0, b"")


def test_it_tells_when_it_expires(tus):
    url = tus.begin()

    expires = parsedate_to_datetime(tus.patch(url, 0, b"x")["Upload-Expires"])

    assert timedelta(hours=23) < expires - timezone.now() <= timedelta(hours=24)


def test_an_upload_is_given_up(tus, shelf):
    url = tus.begin()
    tus.patch(url, 0, BYTES[:2500])
    assert len(shelf.keys()) == 3

    response = tus.call("DELETE", url)

    assert response.status_code == 204
    assert shelf.keys() == []
    assert tus.call("HEAD", url).status_code == 404
    assert tus.patch(url, 2500, b"x").status_code == 404


def test_giving_up_what_is_complete_leaves_the_file(tus, shelf):
    url = tus.begin()
    tus.patch(url, 0, BYTES)

    tus.call("DELETE", url)

    assert shelf.keys() == [Upload.objects.get().key]


def test_a_deleted_file_ends_its_upload(tus, outsider):
    url = tus.begin()
    tus.patch(url, 0, BYTES)

    files.remove(Upload.objects.get(), by=outsider)

    assert tus.call("HEAD", url).status_code == 404


def test_methods_may_hide_in_a_post(tus):
    url = tus.begin()

    patched = tus.call(
        "POST", url, b"abc", CONTENT, X_HTTP_Method_Override="PATCH", Upload_Offset="0"
    )
    asked = tus.call("POST", url, X_HTTP_Method_Override="HEAD")
    deleted = tus.call("POST", url, X_HTTP_Method_Override="DELETE")

    assert (patched.status_code, patched["Upload-Offset"]) == (204, "3")
    assert asked["Upload-Offset"] == "3"
    assert deleted.status_code == 204


# What is wrong


@pytest.mark.parametrize("spoken", [None, "0.2.2", "2.0.0", ""])
def test_another_version_is_412(tus, spoken):
    url = tus.begin()

    for response in (
        tus.call("POST", Tus_Resumable=spoken, Upload_Length="5"),
        tus.call("HEAD", url, Tus_Resumable=spoken),
        tus.patch(url, 0, b"x", Tus_Resumable=spoken),
        tus.call("DELETE", url, Tus_Resumable=spoken),
    ):
        assert response.status_code == 412
        assert response["Tus-Version"] == "1.0.0"
    assert PartialUpload.objects.get().offset == 0


@pytest.mark.parametrize("length", [None, "", "-1", "x", "1.5", "9" * 19, "٣", "1e3"])
def test_a_length_that_is_none_is_400(tus, length):
    said = "filename YS50eHQ="
    response = tus.call("POST", Upload_Length=length, Upload_Metadata=said)

    assert response.status_code == 400
    assert response.json()["code"] == "tus_header"
    assert not PartialUpload.objects.exists()


def test_a_length_beyond_the_limit_is_413(tus, settings):
    settings.WORKSPACE_RESUMABLE_MAX_BYTES = 1000

    assert tus.create(1000).status_code == 201
    assert tus.create(1001).status_code == 413
    assert tus.create(10**17).status_code == 413


@pytest.mark.parametrize("said", ["filename %%%", "filename /w==", "filename YQ"])
def test_metadata_that_cannot_be_read_is_400(tus, said):
    response = tus.call("POST", Upload_Length="5", Upload_Metadata=said)

    assert response.status_code == 400


@pytest.mark.parametrize(
    "values",
    [
        {"name": ""},
        {"name": ".."},
        {"name": "\u202e"},
        {"description": "x" * 501},
        {"description": "nul\0"},
    ],
)
def test_values_that_do_not_fit_are_422(tus, values):
    assert tus.create(**{"size": 5, **values}).status_code == 422
    assert not PartialUpload.objects.exists()


def test_metadata_may_hold_anything_else(tus):
    said = "relativePath bnVsbA==,type,filename YS50eHQ=, is_confidential"

    response = tus.call("POST", Upload_Length="5", Upload_Metadata=said)

    assert response.status_code == 201
    assert PartialUpload.objects.get().original_filename == "a.txt"


@pytest.mark.parametrize("offset", [0, 1, 2499, 2501])
def test_another_offset_is_409(tus, offset, shelf):
    url = tus.begin()
    tus.patch(url, 0, BYTES[:2500])

    response = tus.patch(url, offset, b"x")

    assert response.status_code == 409
    assert response.json()["code"] == "wrong_offset"
    assert len(shelf.keys()) == 3


@pytest.mark.parametrize("offset", [None, "", "-1", "x"])
def test_an_offset_that_is_none_is_400(tus, offset):
    response = tus.patch(tus.begin(), 0, b"x", Upload_Offset=offset)

    assert response.status_code == 400


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data"])
def test_other_content_is_415(tus, kind):
    url = tus.begin()

    assert tus.patch(url, 0, b"x", content_type=kind).status_code == 415
    assert tus.offset(url) == 0


def test_more_than_announced_is_413_and_changes_nothing(tus, shelf):
    url = tus.begin(5)

    assert tus.patch(url, 0, b"123456").status_code == 413
    assert tus.offset(url) == 0
    assert shelf.keys() == []


@pytest.mark.parametrize("id", ["2ce595b4-86fe-495e-b3cd-3cd3ed6a405d", "x", "1"])
def test_an_unknown_upload_is_404(tus, id):
    for response in (
        tus.call("HEAD", TUS + id),
        tus.patch(TUS + id, 0, b"x"),
        tus.call("DELETE", TUS + id),
    ):
        assert response.status_code == 404


def test_somebody_elses_upload_is_nobodys_business(tus, api, boss):
    url = tus.begin()
    theirs = Tus(api(boss))

    assert theirs.call("HEAD", url).status_code == 404
    assert theirs.patch(url, 0, b"x").status_code == 404
    assert theirs.call("DELETE", url).status_code == 404
    assert tus.offset(url) == 0


def test_viewers_begin_nothing(api, viewer):
    assert Tus(api(viewer)).create().status_code == 403


def test_a_store_that_is_away_is_503_and_nothing_is_lost(tus, settings, request):
    url = tus.begin()
    tus.patch(url, 0, BYTES[:2500])
    there = settings.STORAGES
    request.getfixturevalue("nowhere")

    away = tus.patch(url, 2500, BYTES[2500:])
    settings.STORAGES = there

    assert away.status_code == 503
    assert tus.offset(url) == 2500
    assert tus.patch(url, 2500, BYTES[2500:]).status_code == 204


# Broken lines


def broken(content, then=OSError):
    """Return read(size) of a body whose sender leaves after so many bytes."""
    source = io.BytesIO(content)

    def read(size):
        if part := source.read(min(size, 300)):
            return part
        raise then

    return read


@pytest.fixture
def upload(outsider, shelf):
    return resumable.begin(owner=outsider, name="a.bin", size=SIZE)


def test_what_came_before_the_line_broke_is_kept(upload, shelf):
    resumable.add(upload, 0, broken(BYTES[:2500]))
    resumable.add(upload, 2500, broken(b""))
    resumable.add(upload, 2500, broken(BYTES[2500:2501]))
    resumable.add(upload, 2501, io.BytesIO(BYTES[2501:]).read)

    assert upload.offset == SIZE
    assert shelf.read(Upload.objects.get().key) == BYTES
    assert len(shelf.keys()) == 1


def test_who_comes_back_overtakes_the_dead_connection(upload, shelf):
    """The old request hangs on inside a piece; the new one has gone on meanwhile."""
    late, hangs = threading.Event(), threading.Event()
    dead_line = broken(b"?" * 500)

    def read(size):
        try:
            return dead_line(size)
        except OSError:
            hangs.set()
            late.wait(20)
            raise

    def hang():
        try:
            resumable.add(PartialUpload.objects.get(), 0, read)
        except DomainError as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        outcome = thread.submit(hang)
        assert hangs.wait(20)
        resumable.add(upload, 0, io.BytesIO(BYTES).read)
        late.set()
        assert outcome.result(20) == "wrong_offset"

    assert shelf.read(Upload.objects.get().key) == BYTES
    assert len(shelf.keys()) == 1


def test_many_at_once_make_one_file(upload, shelf):
    def send(_number):
        try:
            mine = PartialUpload.objects.get()
            resumable.add(mine, 0, io.BytesIO(BYTES).read)
            return "whole"
        except DomainError as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        outcomes = list(threads.map(send, range(6)))

    assert set(outcomes) <= {"whole", "wrong_offset"}
    # Each may have lost to another in turn; whoever asks goes on.
    mine = PartialUpload.objects.get()
    resumable.add(mine, mine.offset, io.BytesIO(BYTES[mine.offset :]).read)
    assert Upload.objects.count() == 1
    assert shelf.read(Upload.objects.get().key) == BYTES
    assert len(shelf.keys()) == 1


def test_a_piece_that_comes_while_it_is_given_up_leaves_no_bytes(upload, shelf):
    resumable.add(upload, 0, broken(BYTES[:2500]))
    started = threading.Event()

    def send():
        started.set()
        try:
            mine = PartialUpload.objects.get()
            resumable.add(mine, mine.offset, io.BytesIO(BYTES[2500:]).read)
        except (DomainError, PartialUpload.DoesNotExist):
            pass
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        sending = thread.submit(send)
        assert started.wait(20)
        resumable.drop(upload)
        sending.result(20)

    kept = [upload.key for upload in Upload.objects.all()]  # when it was faster
    assert shelf.keys() == kept
    assert not Piece.objects.exists()


@pytest.fixture
def complete_but_apart(upload, shelf, monkeypatch):
    """All is here, but the server was killed before it put it together."""
    with monkeypatch.context() as patch:
        patch.setattr(resumable, "finish", lambda upload: None)
        resumable.add(upload, 0, io.BytesIO(BYTES).read)
    assert not Upload.objects.exists()
    return upload


def test_asking_finishes_what_a_kill_left(complete_but_apart, tus, shelf):
    asked = tus.call("HEAD", f"{TUS}{complete_but_apart.pk}")

    assert asked["Content-Location"] == f"/workspace/{Upload.objects.get().path}"
    assert shelf.read(Upload.objects.get().key) == BYTES


def test_two_who_ask_at_once_make_one_file(complete_but_apart, shelf):
    def ask(_number):
        try:
            resumable.finish(PartialUpload.objects.get())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ask, range(4)))

    assert len(shelf.keys()) == Upload.objects.count() == 1


def test_a_lost_piece_ends_the_upload(complete_but_apart, tus, shelf):
    shelf.remove(shelf.keys()[1])
    url = f"{TUS}{complete_but_apart.pk}"

    assert tus.call("HEAD", url).status_code == 410
    assert tus.call("HEAD", url).status_code == 404
    assert shelf.keys() == []


# The sweep


def grow_old(upload, hours=25):
    moment = timezone.now() - timedelta(hours=hours)
    PartialUpload.objects.filter(pk=upload.pk).update(touched_at=moment)


def test_abandoned_uploads_are_swept(upload, outsider, shelf):
    resumable.add(upload, 0, broken(BYTES[:2500]))
    grow_old(upload)
    fresh = resumable.begin(owner=outsider, name="b", size=9)

    swept = files.sweep_abandoned()

    assert swept == {"finished": 0, "dropped": 1, "orphans": 0}
    assert PartialUpload.objects.get() == fresh
    assert shelf.keys() == []


def test_what_is_complete_is_finished_by_the_sweep(complete_but_apart, shelf):
    grow_old(complete_but_apart)

    swept = files.sweep_abandoned()

    assert swept == {"finished": 1, "dropped": 0, "orphans": 0}
    assert shelf.read(Upload.objects.get().key) == BYTES
    assert not PartialUpload.objects.exists()


def test_the_sweep_forgets_finished_ones_and_keeps_their_files(tus, shelf):
    tus.patch(tus.begin(), 0, BYTES)
    grow_old(PartialUpload.objects.get())

    swept = files.sweep_abandoned()

    assert swept == {"finished": 0, "dropped": 0, "orphans": 0}
    assert not PartialUpload.objects.exists()
    assert shelf.keys() == [Upload.objects.get().key]


def test_a_store_that_is_away_loses_nothing_in_the_sweep(
    complete_but_apart, settings, request, shelf
):
    grow_old(complete_but_apart)
    there = settings.STORAGES
    request.getfixturevalue("nowhere")

    with pytest.raises(DomainError, match="store of files"):
        files.sweep_abandoned()
    settings.STORAGES = there

    assert files.sweep_abandoned()["finished"] == 1
