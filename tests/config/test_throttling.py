"""Rates on a real Valkey."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from config.errors import TooMany
from config.throttling import Rate
from config.valkey import valkey


@pytest.fixture
def no_valkey(settings):
    """Rates look for Valkey where there is none."""
    settings.REDIS_URL = f"unix://{settings.DATA_DIR}/nobody-listens-here"
    valkey.cache_clear()
    yield
    valkey.cache_clear()


@pytest.fixture
def just_started():
    """A Valkey that knows no script."""
    valkey().script_flush()


def is_granted(rate, key):
    try:
        rate.take(key)
    except TooMany:
        return False
    return True


def test_grants_up_to_the_limit_and_tells_when_to_come_back():
    rate = Rate("test", limit=3, seconds=60)

    granted = [is_granted(rate, "a") for _ in range(5)]
    with pytest.raises(TooMany) as refused:
        rate.take("a")

    assert granted == [True, True, True, False, False]
    assert 58 <= int(refused.value.headers["Retry-After"]) <= 60


def test_a_valkey_that_has_just_started_learns_the_script(just_started):
    rate = Rate("test", limit=1, seconds=60)

    assert [is_granted(rate, "a") for _ in range(2)] == [True, False]


def test_keys_and_names_are_counted_apart():
    Rate("test", limit=1, seconds=60).take("a")

    Rate("test", limit=1, seconds=60).take("b")
    Rate("other", limit=1, seconds=60).take("a")
    with pytest.raises(TooMany):
        Rate("test", limit=1, seconds=60).take("a")


def test_check_uses_nothing_up():
    rate = Rate("test", limit=1, seconds=60)

    for _ in range(5):
        rate.check("a")
    rate.take("a")

    with pytest.raises(TooMany):
        rate.check("a")


def test_the_window_slides():
    rate = Rate("test", limit=2, seconds=0.4)
    rate.take("a")
    time.sleep(0.25)
    rate.take("a")
    time.sleep(0.2)  # the first is out of the window, the second is not

    granted = [is_granted(rate, "a") for _ in range(2)]

    assert granted == [True, False]


def test_nothing_is_granted_twice_to_many_threads():
    rate = Rate("test", limit=10, seconds=60)

    with ThreadPoolExecutor(8) as threads:
        granted = list(threads.map(lambda _: is_granted(rate, "a"), range(50)))

    assert granted.count(True) == 10


@pytest.mark.usefixtures("no_valkey")
def test_without_valkey_everything_passes_and_is_logged_once(caplog):
    rate = Rate("test", limit=1, seconds=60)

    for _ in range(3):
        rate.take("a")

    told = [record for record in caplog.records if "Rates" in record.message]
    assert len(told) == 1


def test_a_user_may_send_a_thousand_requests_a_minute(api, outsider):
    client = api(outsider)

    statuses = {client.get("/workspace/users/me").status_code for _ in range(1000)}

    assert statuses == {200}


def test_requests_of_a_user_share_one_rate(api, outsider, boss, settings):
    settings.API_RATE_PER_MINUTE = 2
    client = api(outsider)
    client.get("/workspace/users/me")
    client.get("/workspace/")

    refused = client.get("/workspace/users/me")
    other = api(boss).get("/workspace/users/me")

    assert refused.status_code == 429
    assert refused.json()["code"] == "too_many_requests"
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert other.status_code == 200


@pytest.mark.usefixtures("no_valkey")
def test_requests_pass_without_valkey(api, outsider):
    response = api(outsider).get("/workspace/users/me")

    assert response.status_code == 200
