"""The drivers' page and the staff's board in a real browser."""

from datetime import datetime, time, timedelta

import pytest
from django.conf import settings
from selenium.webdriver.common.keys import Keys

from charging import cancelling
from charging.models import Closure, Outage, Reservation, Status
from tests.charging.bookings import booked

pytestmark = pytest.mark.django_db(transaction=True)


HOUR = timedelta(hours=1)


def tomorrow():
    return datetime.now(settings.BUSINESS_TIMEZONE).date() + timedelta(days=1)


def cell(bay, time):
    return f'.grid [aria-label^="세션 {bay}, {time}"]'


@pytest.fixture
def page(browser):
    """The drivers' page with tomorrow's timetable, live."""
    browser.open("/charging/")
    browser.wait_for_text("#link-state", "Live")
    browser.click(".days .day:nth-child(2)")
    browser.wait_for_text("#link-state", "Live")
    browser.wait_for(lambda: browser.texts(".grid[aria-busy=false] .half.free"))
    browser.wait_for(lambda: len(browser.texts(".half.free")) == 5 * 26)
    return browser


def test_a_guest_books_and_cancels(page):
    page.click(cell(2, "10:00"))
    page.click(cell(2, "11:30"))
    page.find("#plate").send_keys("12가 3456")
    page.find("#email").send_keys("kim@example.com")
    assert page.texts("#chosen-time") == ["10:00–12:00"]
    page.click("#reserve")

    page.wait_for_text("#toast", "Reserved: 세션 2, 10:00–12:00.")
    page.wait_for(lambda: page.texts(".grid .stay.mine"))
    reservation = Reservation.objects.get()
    assert reservation.plate == "12가 3456"
    assert reservation.contact_email == "kim@example.com"
    assert reservation.ends_at - reservation.starts_at == timedelta(hours=2)

    page.wait_for(lambda: page.texts("#mine-list .open"))
    calendar = page.find("#mine-list a").get_attribute("href")
    assert f"{reservation.pk}.ics?" in calendar
    page.click("#mine-list button")
    page.wait_for_text("#cancel-dialog [data-text]", "10:00–12:00, 세션 2")
    page.click("#cancel-dialog button[value=yes]")

    page.wait_for(lambda: page.texts(".grid .stay") == [])
    reservation.refresh_from_db()
    assert reservation.status == Status.CANCELLED
    assert page.texts("#mine-list .open") == []
    assert page.complaints() == []


def test_somebody_elses_booking_is_seen_at_once(page):
    page.click(cell(1, "14:00"))
    assert page.texts("#chosen-time") == ["14:00–15:00"]

    booked(bay=1, start=14.5, day=tomorrow(), plate="99하1234")

    page.wait_for_text(".grid .stay", "99…34")
    page.wait_for_text("#toast", "Somebody else has just taken that.")
    assert page.texts("#summary") == []
    assert page.find("#reserve").get_property("disabled") is True


def test_several_hours_in_any_bay(page):
    page.click("[data-several=true]")
    page.click('.grid [aria-label^="Any bay, 09:00"]')
    page.click('.grid [aria-label^="Any bay, 15:00"]')
    page.find("#plate").send_keys("12가3456")
    page.click("#reserve")

    page.wait_for_text("#toast", "09:00–10:00, 15:00–16:00")
    assert {r.session_id for r in Reservation.objects.all()} == {1}
    assert len(page.texts(".grid .stay.mine")) == 2


def test_a_refusal_stands_at_its_field(page):
    page.click(cell(1, "09:00"))
    page.find("#plate").send_keys("!!!!!")
    page.click("#reserve")

    page.wait_for_text("#plate-error", "Write the plate with 5 to 32 letters")
    assert page.find("#plate").get_attribute("aria-invalid") == "true"
    assert not Reservation.objects.exists()


def test_the_keyboard_alone_will_do(page):
    def press(*keys):
        for key in keys:
            page.driver.switch_to.active_element.send_keys(key)

    page.driver.execute_script(
        "document.querySelector('.grid [tabindex=\"0\"]').focus()"
    )
    press(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.HOME, Keys.ARROW_RIGHT, Keys.ENTER)
    assert page.texts("#chosen-bay") == ["세션 2"]
    assert page.texts("#chosen-time") == ["09:30–10:30"]
    page.find("#plate").send_keys("12가3456", Keys.ENTER)

    page.wait_for_text("#toast", "Reserved: 세션 2, 09:30–10:30.")


def test_a_phone_shows_it_whole(page):
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True},
    )
    page.driver.refresh()
    page.wait_for(lambda: page.texts(".half"))

    wide = page.driver.execute_script("return document.documentElement.scrollWidth")
    assert wide == 390


def test_a_closed_day_says_so_and_still_shows_who_comes(page):
    booked(bay=2, start=10, day=tomorrow() + timedelta(days=1))
    for days in (1, 2):
        day = tomorrow() + timedelta(days=days)
        Closure.objects.create(first_day=day, last_day=day)

    page.click(".days .day:nth-child(3)")
    page.wait_for_text("#closed", "Closed on this day.")
    page.wait_for(lambda: page.texts(".grid .stay"))
    assert page.texts(".grid .free") == []

    page.click(".days .day:nth-child(4)")
    page.wait_for(lambda: page.texts(".grid") == [])
    assert page.texts("#closed") == ["Closed on this day."]


def test_what_is_out_of_service_cannot_be_chosen(page):
    start = datetime.combine(tomorrow(), time(9), settings.BUSINESS_TIMEZONE)
    Outage.objects.create(session_id=4, starts_at=start, ends_at=start + HOUR)

    page.driver.refresh()
    page.click(".days .day:nth-child(2)")
    page.wait_for(lambda: len(page.texts(".grid .half.out")) == 2)
    page.click(".grid .half.out")

    assert page.texts("#summary") == []
    assert page.texts("#legend-out") == ["out of service"]


def test_who_waits_is_offered_what_becomes_free(page):
    taken = booked(bay=1, start=10, day=tomorrow(), plate="99하1234")
    for bay in (2, 3, 4):
        booked(bay=bay, start=10, day=tomorrow(), plate=f"99하123{bay + 3}")
    page.find("#plate").send_keys("12가3456")
    page.find("#email").send_keys("kim@example.com")
    page.wait_for(lambda: len(page.texts(".grid .stay")) == 4)
    page.click(cell(1, "10:00"))
    page.wait_for_text("#wait-dialog [data-text]", "세션 1 is taken")
    page.click("#wait-dialog button[value=yes]")
    page.wait_for_text("#wait-list .badge", "in line")

    cancelling.cancel(Reservation.objects.all(), taken.pk)
    page.driver.refresh()  # or the page asks by itself a little later
    page.wait_for_text("#wait-list .badge", "free for you")
    page.click("#wait-list .accept")

    page.wait_for_text("#toast", "The bay is yours.")
    mine = Reservation.objects.get(plate="12가3456")
    assert mine.held_until is None


def test_staff_cancel_with_a_reason(browser, staff):
    today = datetime.now(settings.BUSINESS_TIMEZONE).date()
    reservation = booked(
        bay=3, start=12, day=today + timedelta(days=1), email="kim@example.com"
    )
    browser.sign_in(staff)
    browser.open("/charging/board")
    browser.wait_for(lambda: len(browser.texts("#bays li")) == 4)
    browser.wait_for(lambda: browser.texts("#heat td.share"))
    browser.click(".days .day:nth-child(5)")  # the strip begins three days ago
    browser.wait_for_text(".grid .stay", "3456")

    browser.click(".grid .stay")
    browser.wait_for_text("#stay-facts", "kim@example.com")
    browser.click("#stay-yes")
    browser.wait_for_text("#reason-error", "Say why")
    browser.find("#reason").send_keys("The bay is broken")
    browser.click("#stay-yes")

    browser.wait_for(lambda: browser.texts(".grid .stay") == [])
    reservation.refresh_from_db()
    assert reservation.cancel_reason == "The bay is broken"
    assert reservation.cancelled_by == staff
    assert browser.complaints() == []
