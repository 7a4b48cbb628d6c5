"""Creations over HTTP: malformed bodies, repeated ones, too many of them."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from charging import idempotency, tasks
from charging.models import IdempotencyKey, Reservation
from tests.charging.bookings import body, booked
from tests.charging.test_booking import at_once

PATH = "/charging/api/reservations"


def key(text):
    return {"Idempotency-Key": text}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "loc"),
    [
        ({"sessionId": True}, "sessionId"),
        ({"sessionId": 1.0}, "sessionId"),
        ({"sessionId": "one"}, "sessionId"),
        ({"plate": 1234567}, "plate"),
        ({"plate": "12\ud8003456"}, "plate"),
        ({"plate": "12\x003456"}, "plate"),
        ({"date": "1999-12-31"}, "date"),
        ({"date": "2100-01-01"}, "date"),
        ({"date": 20310310}, "date"),
        ({"date": "2031-03-10T00:00"}, "date"),
        ({"startTime": "24:00"}, "startTime"),
        ({"startTime": "10:60"}, "startTime"),
        ({"startTime": "１０:00"}, "startTime"),
        ({"endTime": None}, "endTime"),
        ({"contactEmail": 7}, "contactEmail"),
        ({"contactEmail": "a@" + "x" * 250 + ".kr"}, "contactEmail"),
        ({"contactEmail": "a@x.kr\0"}, "contactEmail"),
    ],
)
def test_a_malformed_field_is_422_and_named(api, changes, loc):
    response = api().generic(
        "POST", PATH, json.dumps(body(**changes)), content_type="application/json"
    )

    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert problem["loc"] == ["body", loc]
    assert problem["msg"]
    assert problem["type"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '"text"', '{"sessionId": NaN}', "[" * 9000]
)
def test_what_is_no_object_is_422(api, text):
    response = api().generic("POST", PATH, text, content_type="application/json")

    assert response.status_code == 422
    assert isinstance(response.json()["detail"], list)


@pytest.mark.django_db
def test_missing_fields_are_all_named(api):
    response = api().post(PATH, {"extra": 1})

    named = {(p["loc"][-1], p["type"]) for p in response.json()["detail"]}
    assert named == {
        (name, "missing")
        for name in ("sessionId", "plate", "date", "startTime", "endTime")
    }


@pytest.mark.django_db
def test_forms_that_are_tolerated(api):
    made = api().post(PATH, body(sessionId="3", extra=1, contactEmail=" "))

    assert made.status_code == 201
    assert made.json()["sessionId"] == 3


@pytest.mark.django_db
def test_a_bay_of_any_size_is_404(api):
    for number in (5, 0, -1, 2**31, 10**40):
        assert api().post(PATH, body(sessionId=number)).status_code == 404


@pytest.mark.django_db
def test_any_free_bay(api):
    booked(bay=1, plate="99하9999")

    made = api().post(PATH, body(sessionId=None))

    assert (made.status_code, made.json()["sessionId"]) == (201, 2)


@pytest.mark.django_db
def test_a_large_body_is_413(api):
    def post(size):
        text = json.dumps(body()).ljust(size)
        return api().generic("POST", PATH, text, content_type="application/json")

    just, above = post(64 * 1024), post(64 * 1024 + 1)

    assert (just.status_code, above.status_code) == (201, 413)
    assert post(20_000_000).status_code == 413
    assert above.json()["detail"]


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["PUT", "PATCH", "GET"])
def test_other_methods_are_405_in_json(api, method):
    response = api().generic(method, PATH)

    assert response.status_code == 405
    assert response.json()["detail"]


@pytest.mark.django_db
def test_guests_have_an_allowance_and_staff_have_none(api, staff, settings):
    settings.CHARGING_GUEST_CREATE_RATE = (2, 60)

    def statuses(client):
        return [client.post(PATH, {}).status_code for _ in range(3)]

    refused = api().post
    assert statuses(api(staff)) == [422, 422, 422]
    assert statuses(api()) == [422, 422, 429]
    assert 1 <= int(refused(PATH, {})["Retry-After"]) <= 60
    batch = api().post(PATH + "/batch", {})
    assert batch.status_code == 429


# Idempotency


@pytest.mark.django_db
def test_a_repeated_creation_gets_the_first_answer(api):
    first = api().post(PATH, body(), headers=key("k1"))
    again = api().post(PATH, body(), headers=key("k1"))
    slash = api().post(PATH + "/", body(), headers=key("k1"))

    assert first.status_code == 201
    assert (again.status_code, again.json()) == (201, first.json())
    assert slash.json() == first.json()
    assert Reservation.objects.count() == 1


@pytest.mark.django_db
def test_a_repeated_batch_gets_the_first_answer(api):
    batch = {**body(), "startTimes": ["10:00", "12:00"]}

    answers = [
        api().post(PATH + "/batch", batch, headers=key("k1")).json() for _ in range(2)
    ]

    assert answers[0] == answers[1]
    assert Reservation.objects.count() == 2


@pytest.mark.django_db
def test_a_key_is_for_one_request_of_one_caller(api, driver, staff):
    api(driver).post(PATH, body(), headers=key("k1"))

    other_request = api(driver).post(PATH, body(sessionId=2), headers=key("k1"))
    other_caller = api(staff).post(PATH, body(), headers=key("k1"))

    assert other_request.status_code == 422
    assert other_caller.status_code == 409
    for bad in ("", "x" * 256, "tab\t"):
        assert api().post(PATH, body(), headers=key(bad)).status_code == 422


@pytest.mark.django_db
def test_guests_do_not_share_their_keys(api):
    def post(address, **changes):
        headers = key("order-1")
        return api().post(PATH, body(**changes), headers=headers, REMOTE_ADDR=address)

    first = post("10.8.8.1")
    stranger = post("10.8.8.2", sessionId=2, plate="99하9999")
    another_request = post("10.8.8.1", sessionId=3, plate="88나8888")

    assert (first.status_code, stranger.status_code) == (201, 201)
    assert another_request.status_code == 422


@pytest.mark.django_db
def test_a_refused_creation_leaves_its_key_free(api):
    blocker = booked(plate="99하9999")
    refused = api().post(PATH, body(), headers=key("k1"))
    blocker.slots.all().delete()

    retried = api().post(PATH, body(), headers=key("k1"))

    assert (refused.status_code, retried.status_code) == (409, 201)


@pytest.mark.django_db
def test_a_key_counts_for_a_day(api):
    api().post(PATH, body(), headers=key("k1"))
    late = timezone.now() - idempotency.KEEPS - timedelta(seconds=1)
    IdempotencyKey.objects.update(created_at=late)

    again = api().post(PATH, body(), headers=key("k1"))
    IdempotencyKey.objects.update(created_at=late)
    tasks.sweep()

    assert again.status_code == 409
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_equal_creations_at_once_are_one(api):
    works = [
        lambda: api().post(PATH, body(), headers=key("k1")).json() for _ in range(8)
    ]

    answers = at_once(works)

    assert len({answer["id"] for answer in answers}) == 1
    assert Reservation.objects.count() == 1
