"""Vehicles and events over HTTP, row by row of the contract."""

import json
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from roadblock import chases, fleet
from roadblock.models import Event, Vehicle
from tests import factories

VEHICLES, EVENTS = "/roadblock/vehicles", "/roadblock/vehicles/events"
READABLE = [VEHICLES, EVENTS, "/roadblock/maps", "/roadblock/chases"]
BAD_NAMES = {
    "missing": b"{}",
    "null": b'{"car_name": null}',
    "a number": b'{"car_name": 5}',
    "a truth": b'{"car_name": true}',
    "a list": b'{"car_name": ["A"]}',
    "an object": b'{"car_name": {"a": 1}}',
    "empty": b'{"car_name": ""}',
    "blank": b'{"car_name": " \\t\\n\\u3000"}',
    "too long": b'{"car_name": "' + b"x" * 51 + b'"}',
    "with a NUL": b'{"car_name": "A\\u0000B"}',
    "half a character": b'{"car_name": "\\ud83d"}',
}
BAD_BODIES = {
    "no body": b"",
    "no JSON": b'{"car_name": "A"',
    "not UTF-8": b'{"car_name": "\xff"}',
    "a list": b'[{"car_name": "A"}]',
    "null": b"null",
    "a text": b'"A"',
    "NaN": b'{"car_name": NaN}',
    "nested without end": b"[" * 100_000,
    "a number without end": b'{"car_name": ' + b"1" * 5000 + b"}",
}


@pytest.fixture
def car(db):
    return factories.police_car(3, "POLICE_2")


def path_of(vehicle):
    return f"{VEHICLES}/{vehicle.pk}"


def patch(client, vehicle, body, content_type="application/json"):
    return client.generic("PATCH", path_of(vehicle), body, content_type=content_type)


# What is answered


def test_root_greets_programs(api):
    response = api().get("/roadblock/", headers={"accept": "*/*"})

    assert response.status_code == 200
    assert response.json() == {"message": "Madang roadblock"}


def test_root_shows_browsers_the_live_map(client, outsider):
    client.force_login(outsider)

    response = client.get("/roadblock/", headers={"accept": "text/html"})

    assert response.status_code == 200
    assert response["Content-Type"] == "text/html; charset=utf-8"


def test_a_police_car_and_a_runner(api, outsider, car):
    runner = factories.runner(12, "runner12")
    fleet.set_condition(car.pk, fuel=80, collision_count=1, status="half_destroyed")

    response = api(outsider).get(VEHICLES)

    assert response.json() == {
        "vehicles": [
            {
                "id": car.pk,
                "car_name": "POLICE_2",
                "vehicle_type": "police",
                "details": {
                    "fuel": 80,
                    "collision_count": 1,
                    "status": "half_destroyed",
                },
                "vehicle_id": 3,
                "map_id": None,
            },
            {
                "id": runner.pk,
                "car_name": "runner12",
                "vehicle_type": "runner",
                "details": None,
                "vehicle_id": 12,
                "map_id": None,
            },
        ]
    }


def test_one_vehicle_is_as_in_the_list(api, outsider, car):
    one = api(outsider).get(path_of(car)).json()

    assert api(outsider).get(VEHICLES).json() == {"vehicles": [one]}


def test_events_newest_first_in_seoul(api, outsider, car):
    runner = factories.runner(12)
    chases.fail(3, 12)
    chases.catch(3, 12)
    Event.objects.update(created_at=datetime(2026, 11, 21, 15, 30, 59, 7, tzinfo=UTC))

    events = api(outsider).get(EVENTS).json()["events"]

    first = events[-1]["id"]
    moment = "2026-11-22T00:30:59+09:00"
    assert events == [
        {
            "id": first + later,
            "catcher_id": catcher,
            "runner_id": runner.pk,
            "status": status,
            "created_at": moment,
        }
        for later, catcher, status in (
            (2, car.pk, "catch"),
            (1, car.pk, "failed"),
            (0, None, "run"),
        )
    ]


def test_events_of_retired_cars_stay(api, outsider, car):
    event = factories.event("catch", catcher=car)
    fleet.retire(car)
    fleet.retire(event.runner)

    events = api(outsider).get(EVENTS).json()["events"]

    assert [one["status"] for one in events] == ["catch", "run"]


@pytest.mark.parametrize("path", [VEHICLES, EVENTS, "/roadblock/chases"])
def test_lists_cost_the_same_for_one_and_for_five(api, outsider, car, path):
    client = api(outsider)
    factories.event(catcher=car)
    with CaptureQueriesContext(connection) as few:
        client.get(path)

    for _ in range(4):
        factories.event()
    with CaptureQueriesContext(connection) as many:
        client.get(path)

    assert len(few) == len(many)


# Renaming


def test_rename(api, operator, car):
    body = {"car_name": " Ümläut 경찰차 ", "vehicle_type": "runner", "id": 99}

    response = api(operator).patch(path_of(car), body)

    assert response.status_code == 200
    assert response.json() == api(operator).get(path_of(car)).json()
    assert response.json()["car_name"] == "Ümläut 경찰차"
    assert response.json()["vehicle_type"] == "police"


def test_a_name_of_fifty_letters(api, operator, car):
    response = api(operator).patch(path_of(car), {"car_name": "차" * 50})

    assert response.json()["car_name"] == "차" * 50


def test_a_name_in_another_case_is_another_name(api, operator, car):
    factories.police_car(name="Kim")

    assert api(operator).patch(path_of(car), {"car_name": "KIM"}).status_code == 200


def test_rename_to_its_own_name(api, operator, car):
    assert (
        api(operator).patch(path_of(car), {"car_name": "POLICE_2"}).status_code == 200
    )


def test_rename_to_the_name_of_another_live_car(api, operator, car):
    other = factories.runner(name="RUNNER")

    refused = api(operator).patch(path_of(car), {"car_name": "RUNNER"})
    fleet.retire(other)
    granted = api(operator).patch(path_of(car), {"car_name": "RUNNER"})

    assert (refused.status_code, refused.json()["code"]) == (409, "name_taken")
    assert isinstance(refused.json()["detail"], str)
    assert granted.status_code == 200


@pytest.mark.parametrize("body", [*BAD_NAMES.values()], ids=[*BAD_NAMES])
def test_a_name_that_is_none(api, operator, car, body):
    response = patch(api(operator), car, body)

    [problem] = response.json()["detail"]
    assert response.status_code == 422
    assert problem["loc"] == ["body", "car_name"]
    assert {"msg", "type"} <= set(problem)
    assert Vehicle.objects.get().car_name == "POLICE_2"


@pytest.mark.parametrize("body", [*BAD_BODIES.values()], ids=[*BAD_BODIES])
def test_a_body_that_is_none(api, operator, car, body):
    response = patch(api(operator), car, body)

    [problem] = response.json()["detail"]
    assert response.status_code == 422
    assert problem["loc"][0] == "body"
    assert Vehicle.objects.get().car_name == "POLICE_2"


@pytest.mark.parametrize("content_type", ["", "text/plain", "multipart/form-data"])
def test_json_counts_under_any_content_type(api, operator, car, content_type):
    response = patch(api(operator), car, b'{"car_name": "B"}', content_type)

    assert response.json()["car_name"] == "B"


# Retiring


def test_delete_once(api, operator, car):
    first = api(operator).delete(path_of(car))
    second = api(operator).delete(path_of(car))

    assert (first.status_code, first.content) == (204, b"")
    assert second.status_code == 404
    assert Vehicle.objects.get().deleted_at is not None


def test_a_retired_car_is_not_found(api, operator, car):
    fleet.retire(car)
    client = api(operator)

    answers = [client.get(path_of(car)), client.patch(path_of(car), {"car_name": "B"})]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert client.get(VEHICLES).json() == {"vehicles": []}


def test_a_name_and_a_number_are_free_after_retirement(car):
    fleet.retire(car)

    again = factories.police_car(3, "POLICE_2")

    assert again.pk != car.pk
    assert Vehicle.objects.live().get() == again


# Ids and addresses


@pytest.mark.parametrize("verb", ["get", "patch", "delete"])
@pytest.mark.parametrize(
    ("id", "status"),
    [
        *(("0", 422), ("-1", 422), ("abc", 422), ("1.0", 422), ("1e3", 422)),
        *(("٣", 422), ("%00", 422), ("%FF", 422), ("1%0A", 422), ("true", 422)),
        *(("4711", 404), (str(2**63), 404), (str(2**64), 404), ("9" * 5000, 404)),
    ],
)
def test_an_id_that_is_none(api, operator, verb, id, status):
    response = getattr(api(operator), verb)(f"{VEHICLES}/{id}", {"car_name": "A"})

    detail = response.json()["detail"]
    assert response.status_code == status
    assert isinstance(detail, list if status == 422 else str)


@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete", "options", "trace"])
@pytest.mark.parametrize(
    "path",
    [
        *READABLE,
        "/roadblock/",
        "/roadblock/maps/1",
        "/roadblock/vehicles/events/stream",
    ],
)
def test_other_verbs(operator, api, verb, path):
    response = getattr(api(operator), verb)(path)

    assert response.status_code == 405
    assert isinstance(response.json()["detail"], str)
    assert "GET" in response["Allow"]


def test_other_verbs_on_one_vehicle(operator, api, car):
    statuses = [
        getattr(api(operator), verb)(path_of(car)).status_code
        for verb in ("post", "put")
    ]

    assert statuses == [405, 405]


def test_a_browser_session_needs_no_csrf_token_to_be_refused():
    assert Client(enforce_csrf_checks=True).post("/roadblock/").status_code == 405


def test_head_is_get_without_a_body(api, outsider, car):
    response = api(outsider).head(path_of(car))

    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("accept", ["text/html", "application/geo+json", "image/png"])
@pytest.mark.parametrize("path", [f"{VEHICLES}/99", "/roadblock/nothing/here"])
def test_errors_are_json_whatever_is_accepted(api, outsider, accept, path):
    response = api(outsider).get(path, headers={"accept": accept})

    assert response.status_code == 404
    assert isinstance(response.json()["detail"], str)


@pytest.mark.parametrize("path", READABLE)
def test_slashes_and_prefix_make_no_difference(api, outsider, car, path):
    client = api(outsider)
    alias = path.replace("/roadblock/", "/roadblock/api/")

    answers = [client.get(p).content for p in (path, path + "/", alias, alias + "/")]

    assert json.loads(answers[0])
    assert len(set(answers)) == 1


def test_all_verbs_under_the_prefix(api, operator, car):
    client, path = api(operator), path_of(car).replace("/roadblock", "/roadblock/api")

    renamed = client.patch(path + "/", {"car_name": "B"})
    deleted = client.delete(path + "/")

    assert client.get("/roadblock/api/").json() == {"message": "Madang roadblock"}
    assert (renamed.json()["car_name"], deleted.status_code) == ("B", 204)


# Who may


@pytest.mark.parametrize("path", [*READABLE, f"{VEHICLES}/1", "/roadblock/maps/1"])
def test_nobody_reads(api, db, path):
    response = api().get(path)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert isinstance(response.json()["detail"], str)


def test_a_bad_token_is_nobody(api, db):
    client = api()
    client.credentials(HTTP_AUTHORIZATION="Bearer nonsense")

    assert client.get(VEHICLES).status_code == 401


@pytest.mark.parametrize("path", READABLE)
def test_everyone_signed_in_reads(api, outsider, path):
    assert api(outsider).get(path).status_code == 200


def test_nobody_and_strangers_change_nothing(api, outsider, car):
    statuses = {
        (name, verb): getattr(client, verb)(path_of(car), {"car_name": "B"}).status_code
        for name, client in (("nobody", api()), ("stranger", api(outsider)))
        for verb in ("patch", "delete")
    }

    assert statuses == {
        ("nobody", "patch"): 401,
        ("nobody", "delete"): 401,
        ("stranger", "patch"): 403,
        ("stranger", "delete"): 403,
    }
    assert Vehicle.objects.live().get().car_name == "POLICE_2"


def test_a_superuser_changes_everything(api, boss, car):
    renamed = api(boss).patch(path_of(car), {"car_name": "B"})
    deleted = api(boss).delete(path_of(car))

    assert (renamed.status_code, deleted.status_code) == (200, 204)
