"""Recordings and results in the admin: read, downloaded, scored anew, and logged."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages

from diagnosis import recordings, scoring
from diagnosis.models import Recording, RecordRead, Result
from tests import factories
from tests.diagnosis.recordings import golden

RAW, PROCESSED = golden("FITBOX")
RECORDINGS = "/admin/diagnosis/recording/"
RESULTS = "/admin/diagnosis/result/"


@pytest.fixture
def recording(disk, patient):
    """A scored one."""
    return scored(patient, RAW)


def scored(patient, content):
    session = factories.session(patient, type="FITBOX")
    recording = recordings.take(session, content)
    recordings.score(recording.pk)
    recording.refresh_from_db()
    return recording


@pytest.fixture
def desk(client, boss):
    client.force_login(boss)
    return client


@pytest.fixture
def clerk(client, db):
    """Staff who may look at recordings, and nothing more."""
    clerk = factories.user("clerk@example.com", urole="admin")
    clerk.user_permissions.add(
        Permission.objects.get(
            content_type__app_label="diagnosis", codename="view_recording"
        )
    )
    client.force_login(clerk)
    return client


def score_anew(client, recording):
    return client.post(
        RECORDINGS, {"action": "score_anew", "_selected_action": [recording.pk]}
    )


def told(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


@pytest.mark.parametrize("page", [RECORDINGS, RESULTS, "/admin/diagnosis/recordread/"])
def test_lists(desk, recording, page):
    response = desk.get(page)

    assert response.status_code == 200
    assert "850.0" not in response.content.decode()  # the score


def test_an_unusable_recording_tells_why(desk, disk, patient):
    scored(patient, RAW.replace(b"State", b"Stake"))

    assert "The column State is missing." in desk.get(RECORDINGS).content.decode()


@pytest.mark.parametrize("page", [RECORDINGS, RESULTS])
def test_a_look_at_a_page_is_logged(desk, recording, boss, page):
    number = recording.pk if page == RECORDINGS else recording.results.get().pk

    response = desk.get(f"{page}{number}/change/")

    look = RecordRead.objects.get()
    assert response.status_code == 200
    assert (look.user, look.session, look.what) == (boss, recording.session, "admin")


@pytest.mark.parametrize("page", [RECORDINGS, RESULTS])
def test_nothing_can_be_changed(desk, recording, page):
    number = recording.pk if page == RECORDINGS else recording.results.get().pk

    assert desk.post(f"{page}{number}/change/", {"sha256": "x"}).status_code == 403
    assert desk.post(f"{page}{number}/delete/", {"post": "yes"}).status_code == 403
    assert desk.get(f"{page}add/").status_code == 403


def test_the_raw_file_of_an_unusable_recording(desk, disk, patient, boss):
    raw = b"no recording at all"
    recording = scored(patient, raw)

    response = desk.get(f"{RECORDINGS}{recording.pk}/download")

    assert b"".join(response.streaming_content) == raw
    look = RecordRead.objects.get()
    assert (look.user, look.patient, look.what) == (boss, patient, "raw")


def test_the_processed_file(desk, recording):
    result = recording.results.get()

    response = desk.get(f"{RESULTS}{result.pk}/download")

    assert b"".join(response.streaming_content) == PROCESSED
    assert RecordRead.objects.get().what == "file"


def test_of_a_replaced_result_only_the_figures_are_left(desk, recording, boss):
    Result.objects.update(scorer_version=0)
    older = recording.results.get()
    recordings.score_anew(recording, boss)

    response = desk.get(f"{RESULTS}{older.pk}/download")

    assert told(response) == ["The file of this record is gone."]


def test_a_file_that_is_gone(desk, disk, recording):
    (disk / recording.key).unlink()

    response = desk.get(f"{RECORDINGS}{recording.pk}/download")

    assert response.status_code == 302
    assert told(response) == ["The file of this record is gone."]


def test_scoring_anew(desk, recording, boss):
    Result.objects.update(scorer_version=0)

    response = score_anew(desk, recording)

    assert told(response) == ["1 recording scored."]
    result = recording.results.current().get()
    assert (result.scorer_version, result.user) == (scoring.VERSION, boss)
    assert recording.results.count() == 2


def test_scoring_anew_what_cannot_be_scored(desk, disk, patient):
    recording = scored(patient, RAW.replace(b"State", b"Stake"))

    response = score_anew(desk, recording)

    assert told(response) == [
        f"{recording}: The column State is missing.",
        "0 recordings scored.",
    ]


def test_who_may_look_may_not_score(clerk, recording):
    Result.objects.update(scorer_version=0)

    assert clerk.get(RECORDINGS).status_code == 200
    score_anew(clerk, recording)
    assert recording.results.count() == 1


def test_who_may_look_at_recordings_only(clerk, recording):
    result = recording.results.get()

    assert clerk.get(f"{RECORDINGS}{recording.pk}/download").status_code == 200
    assert clerk.get(f"{RESULTS}{result.pk}/download").status_code == 403
    assert clerk.get(f"{RESULTS}{result.pk}/change/").status_code == 403


def test_nobody(client, recording):
    response = client.get(f"{RECORDINGS}{recording.pk}/download")

    assert response.status_code == 302
    assert Recording.objects.get() == recording
    assert not RecordRead.objects.exists()
