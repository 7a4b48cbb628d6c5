"""The picture inside an upload: what is taken, and what is refused unsent."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from charging.pictures import PictureTooLarge, picture_in
from tests.charging.conftest import JPEG, PLATES_URL


def test_a_picture_is_needed(recogniser, client, db):
    for response in (
        client.post(PLATES_URL),
        client.post(PLATES_URL, {"plate": "12가3456"}, content_type="application/json"),
        client.post(PLATES_URL, {"image": "text"}),
        client.post(PLATES_URL, {"photo": SimpleUploadedFile("a.jpg", JPEG)}),
        client.post(PLATES_URL, b"x", content_type="multipart/form-data"),
        client.post(PLATES_URL, b"x", content_type="multipart/form-data; boundary=ü"),
        client.post(
            PLATES_URL, b"--e\r\n", content_type="multipart/form-data; boundary=e"
        ),
    ):
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"] == ["body", "image"]
    assert recogniser.asked == []


def test_an_empty_picture_is_refused(recogniser, upload):
    assert upload(b"").status_code == 400
    assert recogniser.asked == []


@pytest.mark.parametrize(
    "start",
    [
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"GIF87a",
        b"GIF89a",
        b"BM",
        b"RIFF1234WEBP",
    ],
)
def test_pictures_are_known_by_their_first_bytes(recogniser, upload, start):
    assert upload(start + b"...", kind="text/plain").status_code == 200


@pytest.mark.parametrize(
    "data", [b"%PDF-1.7", b"RIFF1234WAVE", b"\xff\xd8", b"<svg>", b"\x00"]
)
def test_other_files_are_refused_whatever_they_call_themselves(
    recogniser, upload, data
):
    assert upload(data).status_code == 415
    assert recogniser.asked == []


def test_the_limit_is_exact(recogniser, upload, settings):
    settings.PLATE_IMAGE_MAX_BYTES = 1000

    assert upload(JPEG.ljust(1000, b"x")).status_code == 200
    assert upload(JPEG.ljust(1001, b"x")).status_code == 413
    assert len(recogniser.asked) == 1


class Endless:
    """A body that says nothing of its length and never ends."""

    given = 0

    def read(self, size=-1):
        self.given += size
        start = b"--edge\r\nContent-Disposition: form-data; name=a\r\n\r\n"
        return start.ljust(size, b"x")[:size]


@pytest.mark.parametrize("length", ["", "1000000000000"])
def test_no_more_is_read_than_the_limit(recogniser, rf, settings, length):
    settings.PLATE_IMAGE_MAX_BYTES = 1 << 20
    body = Endless()
    meta = {
        "wsgi.input": body,
        "CONTENT_LENGTH": length,
        "CONTENT_TYPE": "multipart/form-data; boundary=edge",
    }

    with pytest.raises(PictureTooLarge):
        picture_in(meta)

    assert body.given <= (1 << 20) + (1 << 18)
