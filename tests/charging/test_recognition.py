"""Plates from pictures: both kinds of recogniser, over real HTTP on this machine."""

import base64
import json
import logging
import threading
from email import message_from_bytes, policy

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile

from charging import recognition
from charging.models import PlateSighting
from charging.pictures import PictureTooLarge, picture_in
from tests.charging.conftest import vectors

VECTORS = vectors("recognition")
JPEG = bytes.fromhex(VECTORS["image_hex"])
KEY = "sk-test-0123456789"
URL = "/charging/api/license-plates"


def playing(upstream):
    """Return a vector's upstream in the words of upstreams.Service."""
    return (
        {
            "connection closed without an answer": "hang up",
            "no answer within PLATE_SERVICE_TIMEOUT": "silence",
        }.get(upstream, upstream)
        if isinstance(upstream, str)
        else upstream
    )


@pytest.fixture
def openai(service, settings):
    settings.PLATE_SERVICE_MODE = "gptapi"
    settings.OPENAI_API_KEY = KEY
    settings.OPENAI_BASE_URL = service.url
    settings.PLATE_OPENAI_PROMPT = "<PLATE_OPENAI_PROMPT>"
    settings.PLATE_SERVICE_TIMEOUT = 2
    return service


@pytest.fixture
def recogniser(service, settings):
    settings.PLATE_SERVICE_MODE = "http"
    settings.PLATE_SERVICE_URL = service.url + "/v1/recognize"
    settings.PLATE_SERVICE_TIMEOUT = 2
    return service


@pytest.fixture
def upload(client, db):
    def post(data=JPEG, name="capture.jpg", kind="image/jpeg", url=URL, **extra):
        picture = SimpleUploadedFile(name, data, kind)
        return client.post(url, {"image": picture}, **extra)

    return post


def raw_upload(client, part_headers, data=JPEG, **extra):
    """Post a form as bytes, for parts that no ordinary client writes."""
    body = b"--edge\r\n" + part_headers + b"\r\n\r\n" + data + b"\r\n--edge--\r\n"
    return client.post(
        URL, body, content_type="multipart/form-data; boundary=edge", **extra
    )


def answer_id(answer):
    return str(answer.get("upstream", answer.get("settings")))[:40]


# The vectors


@pytest.mark.parametrize("answer", VECTORS["gptapi"]["answers"], ids=answer_id)
def test_openai_vectors(openai, upload, settings, answer):
    for name, value in answer.get("settings", {}).items():
        setattr(settings, name, value)
    openai.answer = playing(answer.get("upstream", {"status": 200, "json": {}}))
    settings.PLATE_SERVICE_TIMEOUT = 0.3 if openai.answer == "silence" else 2

    response = upload()

    assert response.status_code == answer["expect"]["status"]
    if response.status_code == 200:
        assert response.json() == answer["expect"]["json"]
    else:
        assert response.json()["detail"]
        assert len(openai.asked) == (0 if "settings" in answer else 1)


@pytest.mark.parametrize("answer", VECTORS["http"]["answers"], ids=answer_id)
def test_recogniser_vectors(recogniser, upload, settings, answer):
    if answer["upstream"] == "connection refused":
        settings.PLATE_SERVICE_URL = "http://127.0.0.1:1/v1/recognize"
    recogniser.answer = playing(answer["upstream"])
    settings.PLATE_SERVICE_TIMEOUT = 0.3 if recogniser.answer == "silence" else 2

    response = upload()

    assert response.status_code == answer["expect"]["status"]
    if response.status_code == 200:
        assert response.json() == answer["expect"]["json"]
    else:
        assert response.json()["detail"]


def test_what_openai_is_sent(openai, upload):
    expected = VECTORS["gptapi"]["request"]

    upload()

    (asked,) = openai.asked
    assert (asked.method, asked.path) == (expected["method"], expected["path"])
    headers = {name: asked.headers[name] for name in expected["headers"]}
    assert headers == expected["headers"] | {"Authorization": f"Bearer {KEY}"}
    assert json.loads(asked.body) == expected["json"]


@pytest.mark.parametrize(("kind", "expected"), VECTORS["gptapi"]["mime_of_upload"])
def test_the_type_that_openai_is_told(openai, client, db, kind, expected):
    headers = b'Content-Disposition: form-data; name="image"; filename="a"'
    if kind:
        headers += b"\r\nContent-Type: " + kind.encode()

    raw_upload(client, headers)

    url = json.loads(openai.asked[0].body)["input"][0]["content"][1]["image_url"]
    assert url == f"data:{expected};base64,{base64.b64encode(JPEG).decode()}"


@pytest.mark.parametrize("url", [URL, URL + "/", "/charging/api/plates/recognize"])
def test_what_the_recogniser_is_sent(recogniser, upload, url):
    recogniser.answer = {"status": 200, "json": {"plate": "12가3456"}}

    assert upload(url=url).json()["plate"] == "12가3456"

    (asked,) = recogniser.asked
    assert (asked.method, asked.path) == ("POST", "/v1/recognize")
    assert asked.headers["X-Plate-Hop"] == "1"
    assert {"Authorization", "Cookie"}.isdisjoint(asked.headers)
    assert parts_of(asked) == VECTORS["http"]["request"]["multipart"]


def parts_of(asked):
    head = f"Content-Type: {asked.headers['Content-Type']}\r\n\r\n".encode()
    message = message_from_bytes(head + asked.body, policy=policy.HTTP)
    return [
        {
            "name": part.get_param("name", header="content-disposition"),
            "filename": part.get_filename(),
            "content_type": part.get_content_type(),
            "hex": part.get_payload(decode=True).hex(),
        }
        for part in message.iter_parts()
    ]


# What is passed on, and what isn't


def test_caching_headers_are_passed_on(recogniser, upload):
    headers = {"Cache-Control": "max-age=7", "ETag": '"a"', "X-Secret": "s"}
    recogniser.answer = {"status": 200, "json": {"plate": "1"}, "headers": headers}

    response = upload()

    assert response["Cache-Control"] == "max-age=7"
    assert response["ETag"] == '"a"'
    assert "X-Secret" not in response


def test_the_upstreams_own_raw_is_kept(recogniser, upload):
    recogniser.answer = {"status": 200, "json": {"plate": "1", "raw": "own"}}

    assert upload().json() == {"plate": "1", "raw": "own"}


def test_a_file_without_name_and_type_gets_both(recogniser, client, db):
    raw_upload(client, b'Content-Disposition: form-data; name="image"; filename=""')

    (part,) = parts_of(recogniser.asked[0])
    assert part["filename"] == "upload.jpg"
    assert part["content_type"] == "image/jpeg"


def test_a_name_keeps_its_letters_and_loses_its_folders(recogniser, upload, client):
    raw_upload(
        client,
        'Content-Disposition: form-data; name="image"; filename="C:\\\\a\\\\번호판.jpg"'
        "\r\nContent-Type: image/png".encode(),
    )

    assert 'filename="번호판.jpg"'.encode() in recogniser.asked[0].body


def test_doubtful_plates_are_dropped(recogniser, upload, settings):
    settings.PLATE_MIN_CONFIDENCE = 0.8
    recogniser.answer = {"status": 200, "json": {"plate": "1", "confidence": 0.79}}

    assert upload().json() == {
        "plate": "",
        "confidence": 0.79,
        "raw": {"plate": "1", "confidence": 0.79},
    }

    recogniser.answer = {"status": 200, "json": {"plate": "1", "confidence": 0.8}}
    assert upload().json()["plate"] == "1"


def test_neither_key_nor_upstream_text_come_out(openai, upload, caplog):
    caplog.set_level(logging.DEBUG)
    text = f"Incorrect API key provided: {KEY}"
    openai.answer = {"status": 401, "json": {"error": {"message": text}}}

    response = upload()

    assert response.status_code == 502
    assert KEY not in response.content.decode()
    assert "Incorrect" not in response.content.decode()
    assert "The upstream plates answered 401" in caplog.text
    assert KEY not in caplog.text
    assert "Incorrect" not in caplog.text


# What is refused before anything is sent


def test_a_call_that_came_back_to_us_is_refused(recogniser, upload):
    response = upload(headers={"X-Plate-Hop": "1"})

    assert response.status_code == 508
    assert recogniser.asked == []


def test_a_picture_is_needed(recogniser, client, db):
    for response in (
        client.post(URL),
        client.post(URL, {"plate": "12가3456"}, content_type="application/json"),
        client.post(URL, {"image": "text"}),
        client.post(URL, {"photo": SimpleUploadedFile("a.jpg", JPEG)}),
        client.post(URL, b"x", content_type="multipart/form-data"),
        client.post(URL, b"x", content_type="multipart/form-data; boundary=ü"),
        client.post(URL, b"--e\r\n", content_type="multipart/form-data; boundary=e"),
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


# Trouble upstream


def test_a_dripping_answer_is_given_up_when_the_time_is_over(
    recogniser, upload, settings
):
    settings.PLATE_SERVICE_TIMEOUT = 0.5
    recogniser.answer = {"status": 200, "drip": ([b" "] * 100, 0.1)}

    assert upload().status_code == 504


def test_an_endless_answer_is_given_up(recogniser, upload):
    recogniser.answer = {"status": 200, "drip": ([b" " * 65536] * 20, 0)}

    assert upload().status_code == 502


def test_an_upstream_that_is_down_is_left_alone_until_it_answers(recogniser, upload):
    recogniser.answer = {"status": 500, "json": {}}
    assert [upload().status_code for _ in range(5)] == [502] * 5

    response = upload()

    assert response.status_code == 503
    assert 1 <= int(response["Retry-After"]) <= 15
    assert len(recogniser.asked) == 5

    # When its rest is over, one request finds out.
    rest_is_over()
    assert upload().status_code == 502
    assert upload().status_code == 503
    rest_is_over()
    recogniser.answer = {"status": 200, "json": {"plate": "1"}}
    assert [upload().status_code for _ in range(3)] == [200] * 3


def rest_is_over():
    cache.set("charging:upstream:plates:down", 1.0, 60)


def test_while_one_finds_out_the_others_wait(recogniser, upload, settings):
    rest_is_over()
    cache.set("charging:upstream:plates:probe", 1, 60)

    assert upload().status_code == 503
    assert recogniser.asked == []


def test_an_unreadable_picture_does_not_mean_that_it_is_down(recogniser, upload):
    recogniser.answer = {"status": 400, "json": {}}

    assert [upload().status_code for _ in range(8)] == [502] * 8


def test_a_hanging_upstream_takes_few_threads(recogniser, upload):
    recogniser.answer = "silence"
    codes = []
    turns = [recognition.recogniser.turns.acquire(blocking=False) for _ in range(8)]
    thread = threading.Thread(target=lambda: codes.append(upload().status_code))
    thread.start()
    thread.join(5)
    for _ in turns:
        recognition.recogniser.turns.release()

    assert turns == [True] * 8
    assert codes == [503]
    assert recogniser.asked == []


# What it costs


def test_paid_readings_have_a_daily_cap(openai, upload, settings):
    settings.PLATE_OPENAI_DAILY_CAP = 2

    assert [upload().status_code for _ in range(2)] == [200, 200]
    response = upload()

    assert response.status_code == 503
    assert response.json()["code"] == "daily_limit_reached"
    assert 1 <= int(response["Retry-After"]) <= 86_400
    assert len(openai.asked) == 2


def test_a_cap_of_nothing_is_no_cap(openai, upload, settings):
    settings.PLATE_OPENAI_DAILY_CAP = 0

    assert upload().status_code == 200


def test_what_cannot_be_counted_is_not_spent(openai, upload, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1",
        }
    }

    assert upload().status_code == 503
    assert openai.asked == []


def test_the_free_recogniser_works_without_the_cache(recogniser, upload, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1",
        }
    }

    assert upload().status_code == 200


# Who asks, and what is remembered


def test_a_reading_is_a_sighting(recogniser, upload):
    recogniser.answer = {
        "status": 200,
        "json": {"plate": "12가3456", "confidence": 0.9},
    }

    upload()

    sighting = PlateSighting.objects.get()
    assert (sighting.plate, sighting.plate_normalized) == ("12가3456", "12가3456")
    assert (sighting.source, sighting.confidence) == ("recognition", 0.9)


def test_an_empty_reading_is_no_sighting(recogniser, upload):
    recogniser.answer = {"status": 200, "json": {"plate": " "}}

    assert upload().status_code == 200
    assert not PlateSighting.objects.exists()


def test_guests_are_throttled_before_anything_is_sent(recogniser, upload, settings):
    settings.CHARGING_GUEST_RECOGNITION_RATE = (2, 60)

    assert [upload().status_code for _ in range(2)] == [200, 200]
    response = upload()

    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= 60
    assert len(recogniser.asked) == 2


def test_a_credential_that_does_not_hold_is_refused(recogniser, upload):
    assert upload(headers={"Authorization": "Bearer x"}).status_code == 401
    assert upload(headers={"Authorization": "Basic eDp5"}).status_code == 401
    assert recogniser.asked == []
