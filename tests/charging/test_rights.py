"""Who may see and do what: guest, driver, stranger and staff at every door."""

from datetime import timedelta

import pytest
from django.utils import timezone

from charging.models import Reservation
from tests import factories
from tests.charging.bookings import body, booked

pytestmark = pytest.mark.django_db

API = "/charging/api"
SECRETS = {"email": "kim@example.com", "plate": "12가3456"}
DAY = f"{API}/reservations/by-session?date=2031-03-10"
FULL = ("12가3456", "kim@example.com")
MASKED = ("12***56", None)
OPEN = [
    ("GET", "/charging/health"),
    ("GET", f"{API}/sessions"),
    ("GET", DAY),
    ("POST", f"{API}/reservations"),
    ("POST", f"{API}/reservations/batch"),
    ("GET", f"{API}/reservations/my?email=kim@example.com&plate=12가3456"),
    ("DELETE", f"{API}/reservations/x?email=kim@example.com&plate=12가3456"),
    ("POST", f"{API}/plates/verify"),
    ("POST", f"{API}/plates/match"),
    ("POST", f"{API}/user/login"),
    ("POST", f"{API}/admin/login"),
    ("POST", f"{API}/waiting"),
]
STAFF_ONLY = [
    ("GET", f"{API}/admin/reservations/by-session?date=2031-03-10"),
    ("GET", f"{API}/admin/reservations.csv?from=2031-03-10&to=2031-03-10"),
    ("DELETE", f"{API}/admin/reservations/x"),
]


@pytest.fixture
def reservation(driver):
    return booked(email="kim@example.com", user=driver)


def seen(reservation):
    return reservation["plate"], reservation["contactEmail"]


@pytest.fixture
def callers(api, driver, stranger, staff):
    return {
        "guest": api(),
        "driver": api(driver),
        "stranger": api(stranger),
        "staff": api(staff),
    }


@pytest.mark.parametrize(
    ("who", "sight"),
    [("guest", MASKED), ("stranger", MASKED), ("driver", FULL), ("staff", FULL)],
)
def test_who_sees_a_reservation_in_full(callers, reservation, who, sight):
    client = callers[who]
    window = {"date": "2031-03-10", "startTime": "10:00", "endTime": "11:00"}
    plate = {"plate": "12가3456"}
    when = {"timestamp": "2031-03-10T10:30:00+09:00"}

    day = client.get(DAY).json()["sessions"][0]["reservations"][0]
    verify = client.post(f"{API}/plates/verify", plate | window).json()
    match = client.post(f"{API}/plates/match", plate | when).json()
    similar = client.post(f"{API}/plates/match", {"plate": "12거3456"} | when).json()

    assert seen(day) == sight
    assert seen(verify["conflictingReservation"]) == sight
    assert seen(match["reservation"]) == sight
    assert match["suggestion"] is None
    assert similar["match"] is False
    assert similar["reservation"] is None
    assert similar["suggestion"]["score"] == 0.943
    assert seen(similar["suggestion"]["reservation"]) == sight


def test_who_sees_the_coming_weeks_in_full(callers):
    tomorrow = timezone.now().date() + timedelta(days=2)
    booked(day=tomorrow, email="kim@example.com")
    booked(day=tomorrow + timedelta(days=40), bay=2)

    shown = {
        who: client.get(f"{API}/sessions").json() for who, client in callers.items()
    }

    assert [bay["sessionId"] for bay in shown["guest"]] == [1, 2, 3, 4]
    assert [len(bay["reservations"]) for bay in shown["guest"]] == [1, 0, 0, 0]
    assert seen(shown["guest"][0]["reservations"][0]) == MASKED
    assert seen(shown["stranger"][0]["reservations"][0]) == MASKED
    assert seen(shown["staff"][0]["reservations"][0]) == FULL


@pytest.mark.parametrize(("method", "path"), OPEN + STAFF_ONLY)
@pytest.mark.parametrize(
    "credential", ["Bearer stale", "Bearer", "Basic dTpw", "Token x"]
)
def test_a_credential_that_does_not_hold_is_401(api, method, path, credential):
    response = api().generic(method, path, HTTP_AUTHORIZATION=credential)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert response.json()["detail"]


@pytest.mark.parametrize(("method", "path"), STAFF_ONLY)
def test_staff_doors(callers, method, path):
    statuses = {
        who: client.generic(method, path).status_code for who, client in callers.items()
    }

    passed = 404 if method == "DELETE" else 200
    assert statuses == {"guest": 401, "driver": 403, "stranger": 403, "staff": passed}


def test_own_lists(callers, reservation):
    other = booked(bay=2, plate="99하9999", email="kim@example.com")

    def mine(who, **parameters):
        response = callers[who].get(f"{API}/reservations/my", parameters)
        if response.status_code == 400:
            return 400
        return [r["id"] for r in response.json()]

    own, both = [str(reservation.pk)], {str(reservation.pk), str(other.pk)}
    assert mine("guest") == 400
    assert mine("guest", email="kim@example.com") == 400
    assert mine("guest", plate="12가3456", email=" ") == 400
    assert mine("guest", email=" KIM@example.com", plate="12 가-3456") == own
    assert mine("guest", email="kim@example.com", plate="\0") == []
    assert mine("guest", email="kim\0@example.com", plate="12가3456") == []
    assert mine("driver") == own
    assert mine("driver", email="kim@example.com") == own
    assert mine("driver", plate="99하9999") == []
    assert mine("stranger") == []
    assert mine("stranger", **SECRETS) == []
    assert set(mine("staff")) == both
    assert set(mine("staff", email="kim@example.com")) == both


@pytest.mark.parametrize(
    ("who", "secrets", "status"),
    [
        ("guest", {}, 400),
        ("guest", {"email": "kim@example.com"}, 400),
        ("guest", {"plate": "12가3456"}, 400),
        ("guest", {"email": "lee@example.com", "plate": "12가3456"}, 404),
        ("guest", SECRETS, 200),
        ("stranger", {}, 404),
        ("stranger", SECRETS, 404),
        ("driver", {}, 200),
        ("staff", {}, 200),
    ],
)
def test_who_may_cancel(callers, reservation, who, secrets, status):
    path = f"{API}/reservations/{reservation.pk}"

    response = callers[who].delete(path, query_params=secrets)
    calendar = callers[who].get(f"{path}.ics", secrets)

    assert response.status_code == status
    assert calendar.status_code == (404 if status == 200 else status)
    reservation.refresh_from_db()
    assert reservation.is_cancelled == (status == 200)
    assert reservation.slots.exists() == (status != 200)


def test_staff_cancel_with_a_reason(callers, reservation, staff):
    path = f"{API}/admin/reservations/{reservation.pk}"

    first = callers["staff"].delete(path, query_params={"reason": "broken"})
    second = callers["staff"].delete(path)

    reservation.refresh_from_db()
    assert (first.status_code, second.status_code) == (200, 404)
    assert (reservation.cancelled_by, reservation.cancel_reason) == (staff, "broken")


def test_whose_address_a_booking_carries(callers, driver):
    def address(who, start, **more):
        made = callers[who].post(
            f"{API}/reservations",
            body(startTime=f"{start}:00", endTime=f"{start}:30") | more,
        )
        return made.json()["contactEmail"], Reservation.objects.get(
            pk=made.json()["id"]
        ).owner

    assert address("guest", 9) == (None, None)
    assert address("driver", 10) == ("driver@example.com", driver)
    assert address("driver", 11, contactEmail="Kim@x.kr") == ("kim@x.kr", driver)
    assert address("staff", 12)[0] is None


# Logins


def post_login(client, path="user", **changes):
    pair = {"email": "staff@example.com", "password": factories.PASSWORD}
    return client.post(f"{API}/{path}/login", pair | changes)


def test_login_answers_a_token_that_opens_what_is_mine(api, staff):
    answer = post_login(api(), "admin", email=" STAFF@example.com ")

    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['token']}")
    assert answer.json()["admin"] == {"email": "staff@example.com"}
    assert client.get(STAFF_ONLY[0][1]).status_code == 200


def test_login_refusals(api, staff, driver):
    def status(path="user", **changes):
        return post_login(api(), path, **changes).status_code

    assert status(password="wrong") == 401
    assert status("admin", email="driver@example.com") == 401
    assert status("admin", email="admin@demo.dev", password="admin123") == 401
    assert status(email="") in (400, 422)
    assert api().post(f"{API}/user/login", {"email": "a@x.kr"}).status_code == 422
    assert status(email=["staff@example.com"]) == 422


def test_failed_logins_are_counted_and_successes_are_not(api, staff, settings):
    settings.CHARGING_LOGIN_FAILURE_RATE = (2, 60)

    statuses = [
        post_login(api(), password=password).status_code
        for password in (factories.PASSWORD, "a", factories.PASSWORD, "b", "c")
    ]

    assert statuses == [200, 401, 200, 401, 429]


def cookie_login(api):
    client = api()
    post_login(client)
    return client


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Origin": "http://testserver"}, 201),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://front.example"}, 201),
        ({"Origin": "null"}, 403),
        ({"Origin": "ftp://testserver"}, 403),
        ({"Origin": "chrome-extension://testserver"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
    ],
)
def test_a_session_counts_for_changes_from_our_pages(
    api, staff, settings, headers, status
):
    settings.CORS_ALLOWED_ORIGINS = ["http://front.example"]
    client = cookie_login(api)

    made = client.post(f"{API}/reservations", body(), headers=headers)
    read = client.get(f"{API}/reservations/my")

    assert made.status_code == status
    assert made.json().get("detail", "none")
    assert read.status_code == 200


def test_under_https_a_page_of_http_is_foreign(api, staff, settings):
    client = cookie_login(api)
    settings.HTTPS = True

    def post(origin, bay):
        headers = {"Origin": origin}
        return client.post(f"{API}/reservations", body(sessionId=bay), headers=headers)

    assert post("http://testserver", 1).status_code == 403
    assert post("https://testserver", 1).status_code == 201


def test_the_cookie_of_a_login(api, staff):
    client = cookie_login(api)

    cookie = client.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_a_foreign_page_gets_no_session_for_its_visitor(api, staff):
    client = api()

    answer = client.post(
        f"{API}/user/login",
        {"email": "staff@example.com", "password": factories.PASSWORD},
        headers={"Origin": "http://evil.example"},
    )

    assert answer.status_code == 200
    assert "sessionid" not in client.cookies
