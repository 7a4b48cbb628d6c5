"""The mock headset's page in a real browser: a whole test, and a lost line."""

import os

import pytest
from selenium.webdriver.common.keys import Keys

from diagnosis import headsets, presence, recordings, sessions
from diagnosis.models import Recording, State
from tests.diagnosis.test_sessions import state_of
from tests.diagnosis.test_uploads import CSV, SHA256
from tests.diagnosis.test_watching import settled

PATH = "/diagnosis/test/mock-vr"


@pytest.fixture
def page(browser, patient, disk):
    """Return the browser on the mock headset's page."""

    def opened(path=PATH, user=None):
        if user is not None:
            browser.sign_in(user)
        browser.open(path)
        browser.find("#code").send_keys(patient.code)
        return browser

    return opened


def connect(browser):
    browser.find("#code").send_keys(Keys.ENTER)
    wait_until_connected(browser)


def wait_until_connected(browser):
    browser.wait_for(lambda: browser.texts("#state") == ["connected"])


def begin(patient, type="TENNISBALL"):
    return sessions.start(doctor=patient.doctor, patient=patient, type=type, level=2)


def upload_made_up(browser, session):
    browser.driver.execute_script("document.getElementById('seconds').value = 2")
    browser.click("#upload")
    assert settled(lambda: Recording.objects.filter(session=session).exists())
    recordings.score(session.pk)
    assert state_of(session) == State.COMPLETED


@pytest.mark.parametrize("path", [PATH, "/diagnosis/api/test/mock-vr"])
def test_a_test_from_connecting_to_its_score(page, patient, doctor, path):
    browser = page(path, doctor.user)
    connect(browser)
    assert presence.connected([patient.pk]) == [patient.pk]

    session = begin(patient)
    browser.wait_for_text("#order", "TENNISBALL · 2")
    field = browser.find("#session")
    assert field.get_attribute("value") == str(session.pk)
    browser.click("#started")
    assert settled(lambda: state_of(session) == State.STARTED)
    upload_made_up(browser, session)

    again = begin(patient, "FITBOX")
    browser.wait_for_text("#order", "FITBOX · 2")
    sessions.cancel(again.pk, by=doctor.user)
    browser.wait_for(lambda: field.get_attribute("value") == "")
    browser.click("#disconnect")
    browser.wait_for_text("#state", "disconnected")
    assert settled(lambda: presence.connected([patient.pk]) == [])
    assert browser.complaints() == []


def test_a_headset_token_and_a_file_in_pieces(page, patient, tmp_path):
    _row, token = headsets.issue(patient)
    file = tmp_path / "recording.csv"
    file.write_bytes(CSV)
    browser = page()
    browser.find("#token").send_keys(token)
    connect(browser)
    session = begin(patient, "BALANCEBALL")
    browser.wait_for_text("#order", "BALANCEBALL")

    browser.click("[data-source=file]")
    browser.find("#file").send_keys(os.fspath(file))
    browser.click("#pieces")
    browser.click("#upload")

    browser.wait_for_text("#log", "s_upload_done")
    assert Recording.objects.get(session=session).sha256 == SHA256
    assert browser.complaints() == []


def test_a_lost_line_is_taken_up_again(page, patient, doctor):
    browser = page(user=doctor.user)
    connect(browser)
    session = begin(patient)
    browser.wait_for_text("#order", "TENNISBALL")

    browser.click("#drop")
    browser.wait_for_text("#state", "disconnected")
    wait_until_connected(browser)
    browser.click("#failed")

    assert settled(lambda: state_of(session) == State.FAILED)


def test_strangers_may_look_but_not_connect(page, patient, outsider):
    browser = page(user=outsider)

    browser.find("#code").send_keys(Keys.ENTER)

    browser.wait_for_text("#log", "Closed with code")
    assert presence.connected([patient.pk]) == []
