"""Shared files over HTTP: upload in a form, list, delete, and the bytes."""

import contextlib
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.errors import NotFound
from tests import factories
from workspace import files
from workspace.models import Upload

UPLOAD = "/workspace/api/upload"
MANY = "/workspace/api/upload/multiple"
FILES = "/workspace/api/files"
PNG = b"\x89PNG\r\n\x1a\n picture"


@pytest.fixture(autouse=True)
def _disk(disk, transactional_db):
    """Files lie in a folder of each test's own, unless they lie in a bucket."""


@pytest.fixture
def viewer(transactional_db):
    return factories.user("viewer@example.com", urole="viewer")


def part(name="평면도.png", content=PNG):
    return SimpleUploadedFile(name, content)


def send(client, *parts, path=UPLOAD, query="", **form):
    field = "files" if "multiple" in path else "file"
    sent = parts if "multiple" in path else parts[0]
    body = {field: sent, **form}
    return client.post(f"{path}{query}", body, format="multipart")


@pytest.fixture
def uploaded(api, outsider):
    """Upload a file of the outsider's; return its Upload."""

    def upload(name="평면도.png", content=PNG, **form):
        response = send(api(outsider), part(name, content), **form)
        assert response.status_code == 200, response.content
        return Upload.objects.get(filename=response.json()["filename"])

    return upload


def url_of(upload):
    return f"/workspace/{upload.path}"


def body_of(response):
    return b"".join(response.streaming_content)


# Upload


def test_a_file_is_stored_and_told(api, outsider, shelf):
    response = send(api(outsider), part())

    upload = Upload.objects.get()
    assert response.status_code == 200
    assert response.json() == {
        "filename": upload.filename,
        "original_filename": "평면도.png",
        "detail": "Uploaded.",
        "size": len(PNG),
        "path": f"uploads/images/{upload.filename}",
        "content_type": "image/png",
        "description": "N/A",
    }
    assert (upload.owner, upload.folder, upload.size) == (outsider, "images", len(PNG))
    assert shelf.keys() == [f"images/{upload.filename}"]
    assert shelf.read(upload.key) == PNG


def test_a_description_comes_by_query_or_form(api, outsider):
    client = api(outsider)

    answers = [
        send(client, part(), query="?description=" + quote("1층")),
        send(client, part(), description="1층"),
        send(client, part(), query="/?description="),
        send(client, part(), query="?description=" + "x" * 500),
    ]

    told = [answer.json()["description"] for answer in answers]
    assert told == ["1층", "1층", "N/A", "x" * 500]


@pytest.mark.parametrize("description", ["x" * 501, "nul\0"])
def test_a_description_that_does_not_fit_is_422(api, outsider, description):
    by_query = send(api(outsider), part(), query=f"?description={quote(description)}")
    by_form = send(api(outsider), part(), description=description)

    assert (by_query.status_code, by_form.status_code) == (422, 422)
    assert not Upload.objects.exists()


def test_two_files_in_place_of_one_are_422(api, outsider):
    body = {"file": [part("a.txt"), part("b.txt")]}

    assert api(outsider).post(UPLOAD, body, format="multipart").status_code == 422
    assert not Upload.objects.exists()


def test_a_file_for_a_description_is_422(api, outsider):
    assert send(api(outsider), part(), description=part()).status_code == 422


def test_an_empty_file_is_a_file(api, outsider, shelf):
    response = send(api(outsider), part("empty.txt", b""))

    assert response.status_code == 200
    assert response.json()["size"] == 0
    assert shelf.read(Upload.objects.get().key) == b""
    assert body_of(api(outsider).get(url_of(Upload.objects.get()))) == b""


FORM = "multipart/form-data; boundary=x"
TEXT_PART = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\nx\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", FORM),
        (b"--x--\r\n", FORM),
        (b"junk", FORM),
        (b"junk", "multipart/form-data"),
        (b'{"file": "x"}', "application/json"),
        (b"file=x", "application/x-www-form-urlencoded"),
        (b"x", "text/plain"),
        (b"", ""),
        (TEXT_PART % (b"file", b""), FORM),
        (TEXT_PART % (b"files", b""), FORM),
        (TEXT_PART % (b"file", b'; filename=".."'), FORM),
        (TEXT_PART % (b"files", b'; filename=""'), FORM),
        (TEXT_PART % (b"other", b'; filename="a.txt"'), FORM),
    ],
)
@pytest.mark.parametrize("path", [UPLOAD, MANY])
def test_no_form_or_no_file_is_422(api, outsider, path, body, content_type):
    response = api(outsider).generic("POST", path, body, content_type)

    assert response.status_code == 422
    assert set(response.json()) == {"detail", "code"}
    assert not Upload.objects.exists()


def test_too_large_is_413(api, outsider, settings, disk):
    settings.WORKSPACE_UPLOAD_MAX_BYTES = 1000
    client = api(outsider)

    fits = send(client, part("a.txt", b"x" * 1000))
    does_not = send(client, part("a.txt", b"x" * 1001))
    by_far = send(client, part("a.txt", b"x" * 100_000))

    assert fits.status_code == 200
    assert (does_not.status_code, by_far.status_code) == (413, 413)
    assert does_not.json()["code"] == by_far.json()["code"] == "too_large"
    assert Upload.objects.count() == len(list(disk.rglob("*.txt"))) == 1


def test_far_too_large_is_refused_before_it_is_read(api, outsider, settings):
    class Unread:
        def __init__(self):
            self.asked = 0

        def read(self, size=-1):
            self.asked += 1
            return b""

        readline = read

    settings.WORKSPACE_UPLOAD_MAX_BYTES = 1000
    for path, length in ((UPLOAD, 1000 + 65_537), (MANY, 20_000 + 65_537)):
        body = Unread()
        response = api(outsider).post(
            path,
            content_type="multipart/form-data; boundary=x",
            **{"wsgi.input": body, "CONTENT_LENGTH": str(length)},
        )

        assert response.status_code == 413
        assert body.asked == 0


def test_who_leaves_in_the_middle_leaves_no_trace(api, outsider, disk, caplog):
    class Broken:
        def read(self, size=-1):
            raise OSError("gone")

        readline = read

    response = api(outsider).post(
        UPLOAD,
        content_type="multipart/form-data; boundary=x",
        **{"wsgi.input": Broken(), "CONTENT_LENGTH": "1000"},
    )

    assert (response.status_code, response.json()["code"]) == (400, "interrupted")
    assert not disk.exists()
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_by_cookie_the_same_holds(outsider, settings):
    settings.WORKSPACE_UPLOAD_MAX_BYTES = 1000
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(outsider)
    browser.get("/workspace/profile")
    token = {"X-CSRFToken": browser.cookies["csrftoken"].value}

    forged = browser.post(UPLOAD, {"file": part()})
    good = browser.post(UPLOAD, {"file": part()}, headers=token)
    too_large = browser.post(
        UPLOAD, {"file": part("a.txt", b"x" * 100_000)}, headers=token
    )

    assert forged.status_code == 403
    assert (good.status_code, too_large.status_code) == (200, 413)
    assert Upload.objects.count() == 1


def test_a_full_disk_is_503_and_leaves_nothing(api, outsider, nowhere):
    response = send(api(outsider), part())

    assert response.status_code == 503
    assert response.json()["code"] == "storage_away"
    assert not Upload.objects.exists()


def test_without_its_row_no_bytes_stay(outsider, shelf):
    outsider.uid = "2ce595b4-86fe-495e-b3cd-3cd3ed6a405d"  # nobody's

    with pytest.raises(Exception, match="foreign key"):
        files.accept(owner=outsider, content=part(), name="a.png")

    assert shelf.keys() == []


# Several at once


def test_several_keep_their_order(api, outsider):
    names = [f"{number}.txt" for number in range(20)]

    response = send(api(outsider), *map(part, names), path=MANY)

    body = response.json()
    assert response.status_code == 200
    assert [file["original_filename"] for file in body["files"]] == names
    assert isinstance(body["message"], str)
    assert Upload.objects.count() == 20


def test_more_than_twenty_are_413(api, outsider):
    parts = [part(f"{number}.txt") for number in range(21)]

    response = send(api(outsider), *parts, path=MANY)

    assert response.status_code == 413
    assert response.json()["code"] == "too_many_files"
    assert not Upload.objects.exists()


def test_one_that_fails_does_not_fail_the_others(api, outsider, settings):
    settings.WORKSPACE_UPLOAD_MAX_BYTES = 1000
    parts = [part("a.txt"), part("크다.txt", b"x" * 1001), part("b.txt")]

    response = send(api(outsider), *parts, path=MANY)

    good, failed, other = response.json()["files"]
    assert response.status_code == 200
    assert (good["original_filename"], other["original_filename"]) == ("a.txt", "b.txt")
    assert failed == {
        "filename": "크다.txt",
        "detail": "The file is too large.",
        "status": "failed",
    }


def test_when_all_fail_so_does_the_request(api, outsider, settings):
    settings.WORKSPACE_UPLOAD_MAX_BYTES = 10
    too_large = send(
        api(outsider), part("a.txt", b"x" * 11), part("b.txt", b"x" * 11), path=MANY
    )

    assert too_large.status_code == 413
    assert too_large.json()["code"] == "too_large"


# List and delete


def test_files_are_listed_newest_first(api, outsider, boss, uploaded):
    first, second = uploaded("a.txt", b"a", description="1층"), uploaded("b.png")

    response = api(boss).get(FILES)

    assert response.status_code == 200
    newest, oldest = response.json()["files"]
    assert newest["filename"] == second.filename
    assert oldest == {
        "filename": first.filename,
        "original_filename": "a.txt",
        "size": 1,
        "path": first.path,
        "content_type": "text/plain",
        "description": "1층",
        "uploaded_at": oldest["uploaded_at"],
        "owner": str(outsider.pk),
        "owner_name": outsider.uname,
    }
    assert oldest["uploaded_at"].endswith("Z")
    client = api(outsider)
    names = [
        [file["original_filename"] for file in client.get(FILES, query).json()["files"]]
        for query in ({"limit": 1}, {"skip": 1}, {"limit": 0}, {"limit": 5000})
    ]
    assert names == [["b.png"], ["a.txt"], [], ["b.png", "a.txt"]]
    assert client.get(FILES, {"skip": "-1"}).status_code == 422
    assert client.get(FILES, {"limit": "x"}).status_code == 422


def test_a_list_costs_the_same_for_one_and_for_many(api, outsider, uploaded):
    client = api(outsider)
    uploaded()

    with CaptureQueriesContext(connection) as few:
        client.get(FILES)
    for _ in range(4):
        uploaded()
    with CaptureQueriesContext(connection) as many:
        client.get(FILES)

    assert len(few) == len(many)


@pytest.mark.parametrize("who", ["outsider", "boss"])
def test_owner_and_staff_delete(api, uploaded, request, who, shelf):
    upload = uploaded()
    client = api(request.getfixturevalue(who))

    response = client.delete(f"{FILES}/{upload.filename}")

    assert response.status_code == 200
    assert isinstance(response.json()["detail"], str)
    assert not Upload.objects.exists()
    assert shelf.keys() == []
    assert client.delete(f"{FILES}/{upload.filename}").status_code == 404
    assert client.get(url_of(upload)).status_code == 404


def test_others_delete_nothing(api, uploaded, viewer, disk):
    upload = uploaded()
    stranger = factories.user("stranger@example.com")
    of_viewer = Upload.objects.create(
        filename=upload.filename.replace(".png", ".txt"), owner=viewer, size=0
    )

    assert api(stranger).delete(f"{FILES}/{upload.filename}").status_code == 403
    assert api(viewer).delete(f"{FILES}/{of_viewer.filename}").status_code == 403
    assert Upload.objects.count() == 2
    assert (disk / upload.key).exists()


@pytest.mark.parametrize(
    "name", ["x", "..", "%2e%2e", "%00", "a.png", "한.png", "x" * 400, "..%2fimages"]
)
def test_an_unknown_name_is_404(api, boss, uploaded, name):
    uploaded()

    assert api(boss).delete(f"{FILES}/{name}").status_code == 404
    assert api(boss).get(f"/workspace/uploads/images/{name}").status_code == 404


def test_the_bytes_stay_until_the_commit(uploaded, outsider, disk):
    upload = uploaded()

    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        files.remove(upload, by=outsider)
        assert (disk / upload.key).exists()
        raise ZeroDivisionError

    assert (disk / upload.key).exists()
    assert Upload.objects.exists()


def test_of_two_deletions_at_once_one_is_404(uploaded, outsider):
    upload = uploaded()

    def delete(_number):
        try:
            files.remove(upload, by=outsider)
            return "deleted"
        except NotFound:
            return "not found"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        outcomes = sorted(threads.map(delete, range(4)))

    assert outcomes == ["deleted"] + ["not found"] * 3


# The bytes


def test_pictures_are_shown(api, uploaded, viewer):
    upload = uploaded()

    response = api(viewer).get(url_of(upload))

    assert response.status_code == 200
    assert body_of(response) == PNG
    assert response["Content-Type"] == "image/png"
    assert response["Content-Length"] == str(len(PNG))
    assert response["Content-Disposition"] == (
        "inline; filename*=UTF-8''%ED%8F%89%EB%A9%B4%EB%8F%84.png"
    )


@pytest.mark.parametrize(
    "name",
    ["a.svg", "a.html", "a.xhtml", "a.xml", "a.js", "a.pdf", "a.txt", "a", "a.tiff"],
)
def test_all_else_is_saved_not_shown(api, uploaded, outsider, name):
    response = api(outsider).get(url_of(uploaded(name, b"<svg onload='alert(1)'/>")))

    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"] == f"attachment; filename*=UTF-8''{name}"


@pytest.mark.parametrize(
    "headers", [{}, {"Range": "bytes=0-1"}, {"Range": "bytes=99-"}]
)
@pytest.mark.parametrize("name", ["a.png", "a.svg"])
def test_every_answer_is_guarded(api, uploaded, outsider, name, headers):
    response = api(outsider).get(url_of(uploaded(name)), headers=headers)

    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cache-Control"] == "private"
    assert response["ETag"]


@pytest.mark.parametrize(
    "name", ['a"b.txt', "a;b\u00e9.txt", "a'b(c)*.txt", "100%.txt"]
)
def test_no_name_breaks_the_header(api, outsider, name):
    upload = files.accept(owner=outsider, content=part(), name=name)

    told = api(outsider).get(url_of(upload))["Content-Disposition"]

    assert told == f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    assert told.isascii()


@pytest.mark.parametrize(
    ("asked", "told", "content"),
    [
        ("bytes=0-3", "bytes 0-3/10", b"0123"),
        ("bytes=4-", "bytes 4-9/10", b"456789"),
        ("bytes=-3", "bytes 7-9/10", b"789"),
        ("bytes=-99", "bytes 0-9/10", b"0123456789"),
        ("bytes=8-99", "bytes 8-9/10", b"89"),
        ("bytes=0-0", "bytes 0-0/10", b"0"),
        ("bytes=8-" + "9" * 5000, "bytes 8-9/10", b"89"),
    ],
)
def test_a_range_is_206(api, outsider, shelf, asked, told, content):
    upload = files.accept(owner=outsider, content=part("a", b"0123456789"), name="a")

    response = api(outsider).get(url_of(upload), headers={"Range": asked})

    assert response.status_code == 206
    assert response["Content-Range"] == told
    assert response["Content-Length"] == str(len(content))
    assert body_of(response) == content


@pytest.mark.parametrize(
    "asked", ["bytes=10-", "bytes=-0", "bytes=" + "9" * 5000 + "-"]
)
def test_a_range_beyond_is_416(api, outsider, uploaded, asked):
    upload = uploaded("a", b"0123456789")

    response = api(outsider).get(url_of(upload), headers={"Range": asked})

    assert response.status_code == 416
    assert response["Content-Range"] == "bytes */10"


@pytest.mark.parametrize(
    "asked",
    ["bytes=5-2", "bytes=-", "bytes=x-", "items=0-1", "bytes=0-1,3-4", "", "0-1"],
)
def test_what_is_no_range_is_ignored(api, outsider, uploaded, asked):
    upload = uploaded("a", b"0123456789")

    response = api(outsider).get(url_of(upload), headers={"Range": asked})

    assert response.status_code == 200
    assert body_of(response) == b"0123456789"


def test_conditions(api, outsider, uploaded):
    upload = uploaded("a", b"0123456789")
    client, url = api(outsider), url_of(upload)
    first = client.get(url)
    etag, modified = first["ETag"], first["Last-Modified"]

    def status(**headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.get(url, headers=headers).status_code

    assert status(If_None_Match=etag) == 304
    assert status(If_None_Match='"other"') == 200
    assert status(If_Modified_Since=modified) == 304
    assert status(If_Match='"other"') == 412
    assert status(Range="bytes=0-1", If_Range=etag) == 206
    assert status(Range="bytes=0-1", If_Range=modified) == 206
    assert status(Range="bytes=0-1", If_Range='"other"') == 200
    assert status(Range="bytes=0-1", If_None_Match=etag) == 304


def test_head_tells_the_same_without_the_bytes(api, outsider, uploaded):
    upload = uploaded("a", b"0123456789")

    response = api(outsider).head(url_of(upload))

    assert (response.status_code, response["Content-Length"]) == (200, "10")


def test_only_what_has_a_row_is_served(api, outsider, uploaded, disk):
    upload = uploaded()
    (disk / "images" / "secret.png").write_bytes(b"x")
    elsewhere = url_of(upload).replace("images", "files")
    client = api(outsider)

    for path in (
        "/workspace/uploads/images/secret.png",
        elsewhere,
        "/workspace/uploads/images/",
        "/workspace/uploads/",
        "/workspace/uploads/partial/x",
        "/workspace/uploads/images/../../secrets.env",
    ):
        assert client.get(path).status_code == 404, path


def test_a_row_without_its_bytes_is_404_and_logged(
    api, outsider, uploaded, shelf, caplog
):
    upload = uploaded()
    shelf.remove(upload.key)

    response = api(outsider).get(url_of(upload))

    assert response.status_code == 404
    assert f"The bytes of {upload.key} are gone" in caplog.text


# Who may


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", UPLOAD),
        ("post", MANY),
        ("get", FILES),
        ("delete", f"{FILES}/x"),
        ("get", "/workspace/uploads/images/x.png"),
        ("post", "/workspace/api/tus/"),
        ("patch", "/workspace/api/tus/2ce595b4-86fe-495e-b3cd-3cd3ed6a405d"),
    ],
)
def test_nobody_is_asked_to_sign_in(api, method, path):
    response = getattr(api(), method)(path)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"


def test_viewers_look_and_do_no_more(api, viewer, uploaded):
    upload = uploaded()
    client = api(viewer)

    assert client.get(FILES).status_code == 200
    assert client.get(url_of(upload)).status_code == 200
    assert send(client, part()).status_code == 403
    assert send(client, part(), path=MANY).status_code == 403
    assert client.delete(f"{FILES}/x").status_code == 403
    assert Upload.objects.count() == 1


def test_a_superuser_is_no_viewer_whatever_the_role(api):
    boss = factories.user(urole="viewer", is_superuser=True)

    assert send(api(boss), part()).status_code == 200


# The sweep


def long_ago(shelf, disk, key):
    moment = (timezone.now() - timedelta(hours=25)).timestamp()
    os.utime(disk / key, (moment, moment))


def test_bytes_without_a_row_are_swept_when_old(uploaded, disk):
    kept, row_gone, fresh = uploaded("a.txt"), uploaded("b.txt"), uploaded("c.txt")
    for upload in (kept, row_gone):
        long_ago(None, disk, upload.key)
    Upload.objects.exclude(pk=kept.pk).delete()

    swept = files.sweep_abandoned()

    assert swept == {"finished": 0, "dropped": 0, "orphans": 1}
    assert (disk / kept.key).exists()
    assert not (disk / row_gone.key).exists()
    assert (disk / fresh.key).exists()


def test_the_sweep_works_in_a_bucket_too(uploaded, bucket, monkeypatch):
    kept = uploaded("a.txt")
    bucket.put_object(Key="files/orphan.bin", Body=b"x")
    assert files.sweep_abandoned()["orphans"] == 0
    monkeypatch.setattr(files, "ABANDONED_AFTER", timedelta(0))

    swept = files.sweep_abandoned()

    assert swept["orphans"] == 1
    assert [item.key for item in bucket.objects.all()] == [kept.key]


def test_what_cannot_be_removed_now_is_left_to_the_sweep(
    uploaded, outsider, settings, request, caplog
):
    upload = uploaded()
    request.getfixturevalue("nowhere")
    caplog.set_level(logging.WARNING)

    files.remove(upload, by=outsider)

    assert not Upload.objects.exists()
    assert f"{upload.key} is left to the sweep" in caplog.text
