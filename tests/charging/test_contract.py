"""The recorded conversations of the clients, one by one."""

import json

import pytest

from tests.charging import bookings
from tests.charging.conftest import vectors

pytestmark = pytest.mark.django_db


def filled(value, ids):
    """Put the ids that earlier steps made into a recorded value."""
    if isinstance(value, dict):
        return {key: filled(inner, ids) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, ids) for inner in value]
    if isinstance(value, str):
        for name, id in ids.items():
            value = value.replace(f"<id:{name}>", id)
    return value


def learn(name, body, ids):
    """Remember the ids in the answer of a step under the recording's names."""
    if isinstance(body, dict) and "id" in body:
        ids[name] = body["id"]
    elif isinstance(body, list):
        for index, item in enumerate(body):
            ids[f"{name} {index}"] = item["id"]


def test_the_recorded_conversation(api, staff):
    ids = {}
    differences = []
    for step in vectors("reservations"):
        secret = step["method"] == "DELETE" or step["path"].endswith("/my")
        client = api() if secret else api(staff)

        response = client.generic(
            step["method"],
            "/charging" + filled(step["path"], ids),
            *([json.dumps(step["json"])] if "json" in step else []),
            content_type="application/json",
            query_params=step.get("query"),
        )

        expected = step["expect"]
        body = response.json()
        if response.status_code == 201:
            learn(step["name"], body, ids)
        wanted = filled(expected.get("body"), ids)
        if wanted and isinstance(wanted, dict) and wanted.get("message") == "<text>":
            assert body["message"]
            wanted["message"] = body["message"]
        if response.status_code != expected["status"] or wanted not in (None, body):
            differences.append((step["name"], response.status_code, body))
        if response.status_code >= 400:
            assert body["detail"]

    assert differences == []


@pytest.mark.parametrize("case", vectors("match")["cases"], ids=str)
def test_timestamps_of_a_match(api, staff, case):
    client = api(staff)
    client.post("/charging/api/reservations", vectors("match")["reservation"])

    body = {"plate": "77다7777", "timestamp": case["timestamp"]}
    response = client.post("/charging/api/plates/match", body)

    if isinstance(case["expect"], bool):
        assert response.status_code == 200
        assert response.json()["match"] is case["expect"]
    else:
        assert response.status_code == case["expect"]


def test_a_booking_reads_back_everywhere(api, staff):
    made = api(staff).post("/charging/api/reservations", bookings.body()).json()

    day = api(staff).get("/charging/api/reservations/by-session?date=2031-03-10")

    assert day.json()["sessions"][0] == {
        "sessionId": 1,
        "name": "세션 1",
        "reservations": [made],
    }
