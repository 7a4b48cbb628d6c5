"""A doctor's day in a real browser, with the mock headset in another tab."""

import contextlib

import pytest
from selenium.webdriver.common.keys import Keys

from diagnosis import presence, recordings, sessions, synthetic
from diagnosis.models import Patient, Recording, RecordRead, State
from diagnosis.models import TestSession as Session
from tests import factories
from tests.diagnosis.test_records_rest import record
from tests.diagnosis.test_sessions import state_of
from tests.diagnosis.test_watching import settled

HOME = "/diagnosis/"
MOCK = "/diagnosis/test/mock-vr"
What = RecordRead.What


@pytest.fixture
def clinic(browser, doctor, disk):
    """The doctor's first page, open and live."""
    browser.sign_in(doctor.user)
    browser.open(HOME)
    browser.wait_for_text("#link-state", "Live")
    return browser


@contextlib.contextmanager
def another_tab(browser, path):
    """Work in another tab for a while; it stays open."""
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    browser.open(path)
    yield
    browser.driver.switch_to.window(first)


@pytest.fixture(autouse=True)
def _one_tab(chromium):
    first = chromium.current_window_handle
    yield
    for handle in chromium.window_handles:
        if handle != first:
            chromium.switch_to.window(handle)
            chromium.close()
    chromium.switch_to.window(first)


def confirm(browser, dialog, **values):
    """Fill in the open dialog and say yes."""
    browser.wait_for(lambda: browser.find(f"#{dialog}").get_attribute("open"))
    for name, value in values.items():
        field = browser.find(f"#{dialog} [name={name}]")
        field.clear()
        field.send_keys(value)
    browser.click(f"#{dialog} [value=yes]")


def test_a_whole_day(clinic, doctor):
    browser = clinic
    browser.click("#add")
    confirm(browser, "add-dialog", name="홍길동")
    browser.wait_for_text(".patients .name", "홍길동")
    patient = Patient.objects.get()
    row = f"[data-patient='{patient.pk}']"
    assert browser.texts(f"{row} .code") == [patient.code]
    assert browser.texts(f"{row} .headset") == ["headset away"]
    assert not browser.find(f"{row} .start").is_enabled()

    with another_tab(browser, MOCK):
        browser.find("#code").send_keys(patient.code + Keys.ENTER)
        browser.wait_for_text("#state", "connected")
    browser.wait_for_text(f"{row} .headset", "headset connected")

    browser.click(f"{row} .start")
    browser.click("#start-dialog [value=TENNISBALL]")
    browser.click("#start-dialog [name=level][value='2']")
    confirm(browser, "start-dialog")
    browser.wait_for_text(".live-test .badge", "waits for the headset")
    session = Session.objects.get()
    assert (session.type, session.level) == ("TENNISBALL", 2)
    minutes, _colon, _seconds = browser.texts(".countdown")[0].partition(":")
    assert minutes in ("29", "30")
    browser.wait_for_text(f"{row} .start", "Test is live")

    mock = browser.driver.window_handles[-1]
    page = browser.driver.current_window_handle
    browser.driver.switch_to.window(mock)
    browser.wait_for_text("#order", "TENNISBALL · 2")
    browser.click("#started")
    browser.driver.switch_to.window(page)
    browser.wait_for_text(".live-test .badge", "running")

    browser.driver.switch_to.window(mock)
    browser.driver.execute_script("document.getElementById('seconds').value = 3")
    browser.click("#upload")
    browser.driver.switch_to.window(page)
    browser.wait_for_text(".live-test .badge", "scoring")
    recordings.score(session.pk)  # as a worker does
    browser.wait_for_text(".live-test .badge", "completed")
    assert [line.split()[-1] for line in browser.texts(".live-test .steps li")] == [
        *("headset", "running", "completed"),
    ]

    browser.click(".live-test a")
    browser.wait_for_text("h1", "Tennis ball, level 2")
    browser.wait_for(lambda: len(browser.texts(".uplot")) == 5)
    assert len(browser.texts(".path canvas")) == 3
    assert browser.complaints() == []
    looks = RecordRead.objects.values_list("user", "patient", "session", "what")
    assert list(looks) == [(doctor.user_id, patient.pk, session.pk, What.ANALYSIS)]


def test_a_live_test_can_be_cancelled_and_replaced(clinic, doctor):
    browser = clinic
    first, second = factories.patient(doctor), factories.patient(doctor)
    session = factories.session(first)
    presence.arrive(second.pk)
    browser.open(HOME)
    browser.wait_for_text(".live-test .badge", "waits for the headset")

    browser.click(f"[data-patient='{second.pk}'] .start:enabled")
    confirm(browser, "start-dialog")
    confirm(browser, "cancel-dialog")

    assert settled(lambda: state_of(session) == State.CANCELLED)
    assert settled(lambda: Session.objects.live().filter(patient=second).exists())
    newer = Session.objects.live().get()
    card = f"[data-session='{newer.pk}']"
    browser.wait_for_text(f"{card} .badge", "waits for the headset")
    browser.click(f"{card} button.bad")
    confirm(browser, "cancel-dialog")
    browser.wait_for_text(f"{card} .badge", "cancelled")


def test_why_a_test_failed_is_told(clinic, doctor):
    browser = clinic
    session = factories.session(factories.patient(doctor))
    browser.wait_for_text(".live-test .badge", "waits for the headset")

    recordings.take(session, b"current_time,Score\n")
    recordings.score(session.pk)

    browser.wait_for_text(".live-test .badge", "failed")
    session.recording.refresh_from_db()
    browser.wait_for_text(".live-test .message", session.recording.why)


def test_patients_are_sought_renamed_and_removed(browser, doctor, disk):
    for name in ("Kim", "Lee", "Park"):
        factories.patient(doctor, name=name)
    browser.sign_in(doctor.user)
    browser.open(HOME)
    browser.wait_for(lambda: browser.texts(".patients .name") == ["Kim", "Lee", "Park"])

    browser.find("#search").send_keys("lEE")
    browser.wait_for(lambda: browser.texts(".patients .name") == ["Lee"])
    assert browser.texts("#count") == ["1 of 3 patients"]

    lee = Patient.objects.get(name="Lee")
    browser.click(f"[data-patient='{lee.pk}'] .actions button:nth-child(2)")
    confirm(browser, "rename-dialog", name="Leeds")
    browser.wait_for(lambda: browser.texts(".patients .name") == ["Leeds"])
    browser.click(f"[data-patient='{lee.pk}'] .actions button:nth-child(3)")
    confirm(browser, "remove-dialog")

    browser.wait_for(lambda: browser.texts(".patients .name") == [])
    lee.refresh_from_db()
    assert (lee.name, lee.removed_at is None) == ("Leeds", False)
    assert browser.complaints() == []


def test_a_patients_records_and_trend(browser, doctor, patient, disk):
    made = record(patient, content=recording("BALANCEBALL"), type="BALANCEBALL")
    failed = factories.session(patient)
    sessions.give_up(failed.pk, patient.pk, "The headset could not run the test.")
    browser.sign_in(doctor.user)
    browser.open(f"/diagnosis/patient/{patient.pk}")

    browser.wait_for(lambda: len(browser.texts("#records tr")) == 1)
    assert "Balance ball, level 2" in browser.texts("#records tr")[0]
    browser.wait_for(lambda: len(browser.texts("#trends .uplot")) == 1)
    browser.driver.execute_script(
        "const from = document.getElementById('to'); from.value = '2001-01-01';"
        "from.dispatchEvent(new Event('change'))"
    )
    browser.wait_for_text("#no-records", "No record in this time.")
    browser.click("[data-days='90']")
    browser.wait_for(lambda: len(browser.texts("#records tr")) == 1)
    browser.click("#history summary")
    browser.wait_for(lambda: len(browser.texts("#history-list li")) == 2)
    assert "The headset could not run the test." in browser.texts("#history-list li")[0]

    assert browser.complaints() == []
    looks = RecordRead.objects.values_list("user", "patient", "session", "what")
    assert list(looks) == [(doctor.user_id, patient.pk, None, What.TREND)]
    assert Recording.objects.get().session == made


def recording(type, seed=1):
    return synthetic.recording(type, level=2, seconds=5, seed=seed)


def test_two_records_are_laid_over_each_other(browser, doctor, patient, disk):
    kind = {"type": "TENNISBALL"}
    one, two = (
        record(patient, content=recording("TENNISBALL", n), **kind) for n in (1, 2)
    )
    record(patient, content=recording("FITBOX"), type="FITBOX")
    browser.sign_in(doctor.user)
    browser.open(f"/diagnosis/record/{one.pk}?with={two.pk}")

    browser.wait_for(lambda: len(browser.texts(".uplot")) == 5)
    curves = "return document.querySelectorAll('#plots .uplot .u-series').length"
    # In each plot the time, and each channel twice: 3 + 3 + 1 + 1 + 1 of them.
    browser.wait_for(lambda: browser.driver.execute_script(curves) == 5 + 2 * 9)
    assert len(browser.driver.find_elements("css selector", "#other option")) == 2

    browser.click("#scaled")
    browser.click("#play")
    browser.wait_for_text("#play", "Pause")
    browser.wait_for(lambda: float(browser.find("#moment").get_property("value")) > 0.1)
    browser.click("#play")
    browser.click("#rows-card summary")
    browser.wait_for(lambda: len(browser.texts("#rows tbody tr")) == 200)
    assert browser.complaints() == []
    seen = RecordRead.objects.values_list("session", "what")
    assert sorted(seen) == sorted(
        [(one.pk, What.ANALYSIS), (two.pk, What.ANALYSIS), (one.pk, What.FILE)]
    )
