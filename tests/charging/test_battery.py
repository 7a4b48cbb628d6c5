"""The car's battery, read from a database played on this machine."""

import threading

import pytest
from django.core.cache import cache

from tests.charging.conftest import vectors

VECTORS = vectors("recognition")
URL = "/charging/api/battery/now"


@pytest.fixture
def database(service, settings):
    settings.BATTERY_DATABASE_URL = service.url + "/"
    settings.BATTERY_DATABASE_PATH = "/car-battery-now"
    settings.BATTERY_DATABASE_AUTH = "s3cret&more"
    return service


@pytest.mark.parametrize(
    "answer",
    VECTORS["battery"]["answers"],
    ids=lambda answer: str(answer.get("upstream", answer.get("settings"))),
)
def test_vectors(database, client, db, settings, answer):
    for name, value in answer.get("settings", {}).items():
        setattr(settings, name, value)
    database.answer = answer.get("upstream")

    response = client.get(URL)

    assert response.status_code == answer["expect"]["status"]
    if response.status_code == 200:
        assert response.json() == answer["expect"]["json"]
    else:
        assert response.json()["detail"]
        assert "s3cret" not in response.content.decode()


def test_what_the_database_is_asked(database, client, db, settings):
    client.get(URL)
    settings.BATTERY_DATABASE_AUTH = ""
    settings.BATTERY_DATABASE_PATH = "a/b"
    cache.clear()
    client.get(URL + "/")

    assert [(a.method, a.path) for a in database.asked] == [
        ("GET", "/car-battery-now.json?auth=s3cret%26more"),
        ("GET", "/a/b.json"),
    ]


@pytest.mark.parametrize("percent", ["NaN", "Infinity", "1e999", "9" * 400, "true"])
def test_what_is_no_number_is_unknown(database, client, db, percent):
    database.answer = {"status": 200, "text": f'{{"percent": {percent}}}'}

    assert client.get(URL).json()["percent"] is None


def test_a_crowd_asks_once(database, client, db):
    database.answer = {"status": 200, "json": {"percent": 50}}
    answers = []

    def ask():
        answers.append(client.get(URL).json()["percent"])

    crowd = [threading.Thread(target=ask) for _ in range(12)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()

    assert answers == [50.0] * 12
    assert len(database.asked) == 1


def test_silence_is_a_timeout(database, client, db, monkeypatch):
    monkeypatch.setattr("charging.battery.SECONDS", 0.2)
    database.answer = "silence"

    assert client.get(URL).status_code == 504


def test_no_connection(database, client, db, settings):
    settings.BATTERY_DATABASE_URL = "http://127.0.0.1:1"

    assert client.get(URL).status_code == 502


def test_it_works_without_the_cache(database, client, db, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1",
        }
    }
    database.answer = {"status": 200, "json": {"percent": 50}}

    assert client.get(URL).json()["percent"] == 50.0
