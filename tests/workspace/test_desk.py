"""The operators' desk for teams, files and failed sign-ins."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from workspace import files, resumable, teams
from workspace.models import LoginFailure, Membership, PartialUpload, Team, Upload

pytestmark = pytest.mark.django_db(transaction=True)

TEAMS = "/admin/workspace/team/"
FILES = "/admin/workspace/upload/"
UNDER_WAY = "/admin/workspace/partialupload/"
FAILURES = "/admin/workspace/loginfailure/"


@pytest.fixture(autouse=True)
def _disk(disk):
    """Files lie in a folder of each test's own."""


@pytest.fixture
def staff(transactional_db):
    """An administrator who is no superuser."""
    return factories.user("staff@example.com", urole="admin")


@pytest.fixture
def desk(client):
    """Return a browser in which somebody is signed in."""

    def browser(user):
        client.force_login(user)
        return client

    return browser


def rows(kim, number=1):
    """A row of each kind that the lists show, or some."""
    for _ in range(number):
        name = f"{factories.user(f'{Team.objects.count()}@x.kr').pk}"
        teams.found(name, by=kim)
        files.accept(owner=kim, content=factories.file(b"hello"), name=f"{name}.txt")
        resumable.begin(owner=kim, name=name, size=10)
        LoginFailure.objects.create(email=f"{name}@x.kr", address="192.0.2.7")


@pytest.mark.parametrize("path", [TEAMS, FILES, UNDER_WAY, FAILURES])
@pytest.mark.parametrize("who", ["boss", "staff"])
def test_lists_render_and_cost_the_same_for_many(desk, kim, request, who, path):
    browser = desk(request.getfixturevalue(who))
    rows(kim)
    browser.get(path)

    with CaptureQueriesContext(connection) as few:
        response = browser.get(path)
    rows(kim, 4)
    with CaptureQueriesContext(connection) as many:
        browser.get(path)

    assert response.status_code == 200
    assert len(response.context["cl"].result_list) == 1
    assert len(few) == len(many)


@pytest.mark.parametrize("path", [TEAMS, FILES, UNDER_WAY, FAILURES])
def test_others_are_sent_away(desk, kim, path):
    response = desk(kim).get(path)

    assert response.status_code == 302
    assert response.url.startswith("/admin/login/")


def test_staff_make_a_team_and_invite(desk, staff, kim, boss):
    form = {
        "name": "설계팀",
        "memberships-TOTAL_FORMS": 1,
        "memberships-INITIAL_FORMS": 0,
        "memberships-0-user": kim.pk,
        "memberships-0-role": "owner",
        "invitations-TOTAL_FORMS": 1,
        "invitations-INITIAL_FORMS": 0,
        "invitations-0-user": boss.pk,
    }

    response = desk(staff).post(f"{TEAMS}add/", form)

    team = Team.objects.get()
    assert response.status_code == 302
    assert list(Membership.objects.values_list("user", "role")) == [(kim.pk, "owner")]
    assert team.invitations.get().invited_by == staff
    page = desk(staff).get(f"{TEAMS}{team.pk}/change/")
    assert page.status_code == 200
    assert "kim@example.com" in page.content.decode()


def test_a_file_goes_with_its_bytes(desk, staff, kim, disk):
    rows(kim, 2)
    chosen = [str(upload.pk) for upload in Upload.objects.all()]
    browser = desk(staff)

    browser.post(f"{FILES}{chosen[0]}/delete/", {"post": "yes"})
    data = {"action": "delete_selected", "_selected_action": chosen[1:], "post": "yes"}
    browser.post(FILES, data)

    assert not Upload.objects.exists()
    assert [path for path in disk.rglob("*") if path.is_file()] == []


def test_an_upload_is_given_up_from_the_desk(desk, staff, kim):
    rows(kim)
    chosen = [PartialUpload.objects.get().pk]

    response = desk(staff).post(
        UNDER_WAY, {"action": "give_up", "_selected_action": chosen}, follow=True
    )

    assert "1 upload given up." in response.content.decode()
    assert not PartialUpload.objects.exists()


@pytest.mark.parametrize("path", [FILES, UNDER_WAY, FAILURES])
def test_records_are_not_made_or_changed_by_hand(desk, boss, kim, path):
    rows(kim)
    model = {FILES: Upload, UNDER_WAY: PartialUpload, FAILURES: LoginFailure}[path]
    page = f"{path}{model.objects.get().pk}/change/"
    browser = desk(boss)

    assert browser.get(f"{path}add/").status_code == 403
    assert browser.get(page).status_code == 200
    assert browser.post(page, {}).status_code == 403


def test_failures_are_searched(desk, staff, login):
    login("kim@example.com", "the secret", REMOTE_ADDR="192.0.2.7")
    login("lee@example.com", "the secret")

    page = desk(staff).get(FAILURES, {"q": "192.0.2.7"}).content.decode()

    assert "kim@example.com" in page
    assert "lee@example.com" not in page
    assert "the secret" not in page
