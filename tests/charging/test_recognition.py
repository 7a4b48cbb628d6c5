"""Plates from pictures: both kinds of recogniser, over real HTTP on this machine."""

import base64
import json
import logging
import os
import re
from email import message_from_bytes, policy

import pytest

from charging.models import PlateSighting
from tests.charging.conftest import JPEG, OPENAI_KEY, PLATES_URL, vectors

VECTORS = vectors("recognition")


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


def raw_upload(client, part_headers, data=JPEG, **extra):
    """Post a form as bytes, for parts that no ordinary client writes."""
    body = b"--edge\r\n" + part_headers + b"\r\n\r\n" + data + b"\r\n--edge--\r\n"
    return client.post(
        PLATES_URL, body, content_type="multipart/form-data; boundary=edge", **extra
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
    assert headers == expected["headers"] | {"Authorization": f"Bearer {OPENAI_KEY}"}
    assert json.loads(asked.body) == expected["json"]


@pytest.mark.parametrize(("kind", "expected"), VECTORS["gptapi"]["mime_of_upload"])
def test_the_type_that_openai_is_told(openai, client, db, kind, expected):
    headers = b'Content-Disposition: form-data; name="image"; filename="a"'
    if kind:
        headers += b"\r\nContent-Type: " + kind.encode()

    raw_upload(client, headers)

    url = json.loads(openai.asked[0].body)["input"][0]["content"][1]["image_url"]
    assert url == f"data:{expected};base64,{base64.b64encode(JPEG).decode()}"


@pytest.mark.parametrize(
    "url", [PLATES_URL, PLATES_URL + "/", "/charging/api/plates/recognize"]
)
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


def test_headers_that_no_server_sends_are_not_passed_on(recogniser, upload):
    headers = {"Cache-Control": "\x01", "ETag": '"\xff"'}
    recogniser.answer = {"status": 200, "json": {"plate": "1"}, "headers": headers}

    response = upload()

    assert response.json()["plate"] == "1"
    assert "ETag" not in response
    assert "\x01" not in response.get("Cache-Control", "")


def test_the_upstreams_own_raw_is_kept(recogniser, upload):
    recogniser.answer = {"status": 200, "json": {"plate": "1", "raw": "own"}}

    assert upload().json() == {"plate": "1", "raw": "own"}


@pytest.mark.parametrize(
    "text",
    [
        '{"plate": "12가3456", "confidence": NaN}',
        '{"plate": "12가3456", "confidence": 1e400}',
        '{"plate": "a", "x": [-Infinity]}',
        '{"plate": "a", "x": [{"y": -1e999}]}',
        r'{"plate": "12\ud83d3456"}',
        r'{"plate": "a", "x": "\ud83d"}',
        r'{"plate": "a", "\ud83d": 1}',
        '{"plate": "a", "x": ' + "9" * 5000 + "}",
        '{"plate": "a", "x": ' + "[" * 950 + "]" * 950 + "}",
        '{"plate": "a", "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"plate": "a"',
        "",
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_json_is_not_passed_on(recogniser, upload, text):
    recogniser.answer = {"status": 200, "text": text}

    response = upload()

    assert response.status_code == 502
    assert response.json()["code"] == "bad_gateway"
    assert not PlateSighting.objects.exists()


def test_no_bytes_of_other_encodings_are_passed_on(recogniser, upload):
    for plate in (b"\xff", b"\xed\xa0\xbd", b"\xc3"):
        recogniser.answer = {"status": 200, "drip": ([b'{"plate":"%s"}' % plate], 0)}
        assert upload().status_code == 502


def saying(text):
    part = {"type": "output_text", "text": text}
    return {"output": [{"type": "message", "content": [part]}]}


def test_half_a_letter_of_openai_is_not_passed_on(openai, upload):
    openai.answer = {"status": 200, "json": saying("12\ud83d3456")}
    assert upload().status_code == 502

    openai.answer = {"status": 200, "json": saying("\U0001f697")}
    assert upload().json()["plate"] == "\U0001f697"


@pytest.mark.parametrize(
    ("plate", "stored"),
    [("12가\x003456", "12가3456"), ("\0", ""), ("가" * 5000, "가" * 200)],
    ids=["NUL inside", "NUL alone", "long"],
)
def test_odd_plates_are_passed_on_and_stored(recogniser, upload, plate, stored):
    answer = {"plate": plate, "x\0": "\0", "confidence": 5e-324}
    recogniser.answer = {"status": 200, "json": answer}

    assert upload().json() == {**answer, "raw": answer}
    assert PlateSighting.objects.get().plate == stored


def test_a_nul_of_openai_is_passed_on_and_stored(openai, upload):
    openai.answer = {"status": 200, "json": saying("12가\x003456")}

    assert upload().json()["plate"] == "12가\x003456"
    assert PlateSighting.objects.get().plate == "12가3456"


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
    text = f"Incorrect API key provided: {OPENAI_KEY}"
    openai.answer = {"status": 401, "json": {"error": {"message": text}}}

    response = upload()

    assert response.status_code == 502
    assert OPENAI_KEY not in response.content.decode()
    assert "Incorrect" not in response.content.decode()
    assert "The upstream plates answered 401" in caplog.text
    assert OPENAI_KEY not in caplog.text
    assert "Incorrect" not in caplog.text


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


def test_a_call_that_came_back_to_us_is_refused(recogniser, upload):
    response = upload(headers={"X-Plate-Hop": "1"})

    assert response.status_code == 508
    assert recogniser.asked == []


def test_a_credential_that_does_not_hold_is_refused(recogniser, upload):
    assert upload(headers={"Authorization": "Bearer x"}).status_code == 401
    assert upload(headers={"Authorization": "Basic eDp5"}).status_code == 401
    assert recogniser.asked == []


def test_the_example_of_settings_holds_the_defaults(settings):
    lines = (settings.BASE_DIR / ".env.example").read_text(encoding="utf-8")
    texts = dict(re.findall(r"^(PLATE_\w+)=(.*)$", lines, re.MULTILINE))

    for name in texts.keys() - os.environ:
        text, default = texts[name], getattr(settings, name)
        assert type(default)(text) == default, name
    assert "PLATE_OPENAI_PROMPT" in texts
