"""The operators' desk for the bays."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from charging import cancelling, matching, waiting
from charging.booking import Driver
from charging.models import (
    BusinessHours,
    ChargingSession,
    Closure,
    Outage,
    Reservation,
)
from tests.charging.bookings import DAY, booked

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = "/admin/charging"
LISTS = [
    *("chargingsession", "reservation", "platesighting", "waitingentry"),
    *("businesshours", "closure", "outage"),
]
DAY_OF_IT = "2031-03-10"


@pytest.fixture
def desk(client, boss):
    client.force_login(boss)
    return client


@pytest.fixture
def clerk(client, staff):
    """A browser of somebody with what the group of the charging staff may do."""
    group, _made = Group.objects.get_or_create(name="Charging staff")
    group.permissions.set(
        Permission.objects.filter(
            content_type__app_label="charging",
            codename__in=["view_reservation", "cancel_reservation"],
        )
    )
    staff.groups.add(group)
    client.force_login(staff)
    return client


def everything():
    reservation = booked(email="kim@example.com")
    matching.match("12가3456", reservation.starts_at)
    waiting.join(
        bay=1, driver=Driver("77가7777", None, "a@x.kr"), date=DAY, start=600, end=660
    )
    BusinessHours.objects.create(weekday=6, opens=600, closes=660)
    Closure.objects.create(first_day=DAY, last_day=DAY)
    Outage.objects.create(
        session_id=1, starts_at=reservation.starts_at, ends_at=reservation.ends_at
    )
    return reservation


@pytest.mark.parametrize("name", LISTS)
def test_lists_and_pages_render(desk, name):
    everything()

    page = desk.get(f"{ROOT}/{name}/")
    row = page.context["cl"].result_list[0]
    changed = desk.get(f"{ROOT}/{name}/{row.pk}/change/")

    assert page.status_code == 200
    assert len(page.context["cl"].result_list) >= 1
    assert changed.status_code == 200


@pytest.mark.parametrize("name", LISTS)
def test_others_are_sent_away(client, driver, name):
    client.force_login(driver)

    assert client.get(f"{ROOT}/{name}/").status_code == 302


@pytest.mark.parametrize("name", ["reservation", "platesighting", "waitingentry"])
def test_records_are_to_read_only(desk, name):
    everything()
    row = desk.get(f"{ROOT}/{name}/").context["cl"].result_list[0]

    assert desk.get(f"{ROOT}/{name}/add/").status_code == 403
    for page in ("change", "delete"):
        assert desk.post(f"{ROOT}/{name}/{row.pk}/{page}/").status_code == 403


def test_the_list_costs_the_same_for_one_and_for_many(desk):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            desk.get(f"{ROOT}/reservation/")
        return len(queries)

    booked()
    cost()  # warms what is looked up once
    one = cost()
    for bay in (2, 3, 4):
        booked(bay=bay, plate=f"{bay}0가0000")

    assert cost() == one


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("", {"now", "later", "gone"}),
        ("CONFIRMED", {"later"}),
        ("IN_PROGRESS", {"now"}),
        ("COMPLETED", set()),
        ("CANCELLED", {"gone"}),
        ("HELD", set()),
        ("OVERSTAY", set()),
    ],
)
def test_reservations_are_filtered_by_their_present_state(desk, state, found):
    rows = {
        "later": booked(),
        "now": booked(bay=2, plate="20가0000"),
        "gone": booked(bay=3, plate="30가0000"),
    }
    now = timezone.now()
    Reservation.objects.filter(pk=rows["now"].pk).update(
        starts_at=now - timedelta(minutes=5), ends_at=now + timedelta(minutes=5)
    )
    cancelling.cancel(Reservation.objects.all(), rows["gone"].pk)

    page = desk.get(f"{ROOT}/reservation/", {"state": state} if state else {})

    listed = {row.pk for row in page.context["cl"].result_list}
    assert listed == {rows[name].pk for name in found}


def cancel_by_action(browser, *reservations):
    return browser.post(
        f"{ROOT}/reservation/",
        {
            "action": "cancel",
            "_selected_action": [str(r.pk) for r in reservations],
            "reason": "cable broken",
        },
        follow=True,
    )


def test_cancelling_takes_a_reason(clerk, staff):
    first, second = booked(), booked(bay=2, plate="20가0000")

    page = cancel_by_action(clerk, first, second)

    rows = Reservation.objects.all()
    assert {(r.status, r.cancel_reason) for r in rows} == {
        ("CANCELLED", "cable broken")
    }
    assert {r.cancelled_by for r in rows} == {staff}
    assert "2 reservations cancelled." in page.content.decode()


def test_cancelling_takes_a_permission(clerk, staff):
    reservation = booked()
    Group.objects.get(name="Charging staff").permissions.set(
        Group.objects.get(name="Charging staff").permissions.filter(
            codename="view_reservation"
        )
    )

    cancel_by_action(clerk, reservation)

    assert not Reservation.objects.get().is_cancelled


def test_an_outage_tells_whom_it_hits(desk):
    hit = booked(email="kim@example.com")
    booked(bay=2, plate="20가0000", email="lee@example.com")

    page = desk.post(
        f"{ROOT}/outage/add/",
        {
            "session": 1,
            "starts_at_0": DAY_OF_IT,
            "starts_at_1": "10:30:00",
            "ends_at_0": DAY_OF_IT,
            "ends_at_1": "18:00:00",
            "reason": "new cable",
        },
        follow=True,
    )

    outage = Outage.objects.get()
    shown = desk.get(f"{ROOT}/outage/{outage.pk}/change/").content.decode()
    (letter,) = mail.outbox
    assert "1 reservation falls into this" in page.content.decode()
    assert letter.to == ["kim@example.com"]
    assert "new cable" in letter.body
    assert f"{hit.plate} {DAY_OF_IT} 10:00 KST" in shown
    assert "20가0000" not in shown


@pytest.mark.parametrize("year", [1, 9999])
def test_a_plate_seen_at_the_end_of_time_is_listed(desk, boss, api, year):
    moment = f"{year:04}-12-31T23:59:59Z" if year > 1 else "0001-01-01T00:00:00Z"
    wish = {"plate": "12가9999", "timestamp": moment}
    assert api().post("/charging/api/plates/match", wish).status_code == 200
    matching.match("98하7654", timezone.now())

    newest, older = api(boss).get("/charging/api/admin/sightings").json()["sightings"]

    assert (newest["plate"], older["plate"]) == ("98하7654", "12가9999")
    assert desk.get(f"{ROOT}/platesighting/?o=1").status_code == 200


def test_times_are_those_of_the_place(desk, settings):
    booked()  # at 10:00 in Seoul
    settings.BUSINESS_TIMEZONE = ZoneInfo("America/New_York")

    page = desk.get(f"{ROOT}/reservation/").content.decode()

    assert "March 9, 2031, 9 p.m." in page


def test_a_closure_tells_whom_it_hits(desk):
    booked(email="kim@example.com")
    booked(day=DAY + timedelta(days=1), bay=2, email="lee@example.com")

    desk.post(f"{ROOT}/closure/add/", {"first_day": DAY_OF_IT, "last_day": DAY_OF_IT})

    assert Closure.objects.exists()
    assert [letter.to for letter in mail.outbox] == [["kim@example.com"]]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("businesshours", {"weekday": 0, "opens": 660, "closes": 600}),
        ("closure", {"first_day": "2031-03-11", "last_day": "2031-03-10"}),
    ],
)
def test_times_in_the_wrong_order_are_refused(desk, name, values):
    page = desk.post(f"{ROOT}/{name}/add/", values)

    assert page.status_code == 200
    assert page.context["errors"]


def test_a_new_name_reaches_the_list(desk, api):
    desk.post(f"{ROOT}/chargingsession/1/change/", {"name": "Eins"})

    assert ChargingSession.objects.get(pk=1).name == "Eins"
    assert api().get("/charging/api/sessions").json()[0]["name"] == "Eins"


def test_a_bay_with_reservations_stays(desk):
    booked()

    desk.post(f"{ROOT}/chargingsession/1/delete/", {"post": "yes"})

    assert ChargingSession.objects.filter(pk=1).exists()
