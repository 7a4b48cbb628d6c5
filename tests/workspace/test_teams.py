"""Teams: who may found, invite, join, leave, hand over and disband; at once, too."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from config.errors import DomainError
from tests import factories
from workspace import people, teams
from workspace.models import Invitation, Membership, Team, TeamRole

pytestmark = pytest.mark.django_db(transaction=True)

API = "/workspace/api/teams"
NOBODYS = "2ce595b4-86fe-495e-b3cd-3cd3ed6a405d"


@pytest.fixture
def crew(transactional_db):
    """A team with an owner, a manager and a member, and one who is invited."""
    names = ("owner", "manager", "reader", "invited")
    who = {name: factories.user(f"{name}@example.com", uname=name) for name in names}
    team = teams.found("설계팀", by=who["owner"])
    for name in names[1:]:
        teams.invite(team, who[name].email, by=who["owner"])
    teams.join(team, user=who["manager"])
    teams.join(team, user=who["reader"])
    teams.set_role(team, who["manager"].pk, TeamRole.MANAGER, by=who["owner"])
    who["team"] = team
    who["stranger"] = factories.user("stranger@example.com")
    who["staff"] = factories.user("staff@example.com", urole="admin")
    return who


def roles(team):
    return dict(team.memberships.values_list("user__uname", "role"))


def call(api, user, method, path, body=None):
    send = getattr(api(user), method)
    if body is None:
        return send(f"{API}{path}")
    return send(f"{API}{path}", json.dumps(body), content_type="application/json")


def test_who_founds_a_team_owns_it(api, kim):
    response = call(api, kim, "post", "/", {"name": " 설계팀 "})

    team = Team.objects.get()
    body = response.json()
    assert response.status_code == 201
    assert body == {
        "id": team.pk,
        "name": "설계팀",
        "created_at": body["created_at"],
        "members": [
            {
                "uid": str(kim.pk),
                "uname": "Kim",
                "uemail": "kim@example.com",
                "uavatar": None,
                "role": "owner",
                "joined_at": body["members"][0]["joined_at"],
            }
        ],
        "invitations": [],
    }


@pytest.mark.parametrize(
    "body", [{}, [], {"name": ""}, {"name": 7}, {"name": "x" * 101}]
)
def test_a_name_that_is_none_is_422(api, kim, body):
    assert call(api, kim, "post", "", body).status_code == 422


def test_a_name_is_taken_whatever_its_case(api, crew):
    Team.objects.create(name="Planners")

    found = call(api, crew["stranger"], "post", "", {"name": "planners"})
    path = f"/{crew['team'].pk}"
    renamed = call(api, crew["owner"], "patch", path, {"name": "PLANNERS"})

    assert (found.status_code, renamed.status_code) == (409, 409)
    assert found.json()["code"] == "team_name_taken"


def test_people_come_by_invitation(api, crew):
    team, path = crew["team"], f"/{crew['team'].pk}"
    address = {"uemail": "STRANGER@example.com"}

    invited = call(api, crew["manager"], "post", f"{path}/invitations", address)
    again = call(api, crew["owner"], "post", f"{path}/invitations", address)
    seen = call(api, crew["stranger"], "get", path).json()
    joined = call(api, crew["stranger"], "post", f"{path}/join")

    assert (invited.status_code, again.status_code) == (201, 201)
    assert seen["invitations"][-1]["uemail"] == "stranger@example.com"
    assert seen["invitations"][-1]["invited_by"] == "manager"
    assert joined.status_code == 200
    assert roles(team)["Kim"] == "reader"
    assert Invitation.objects.count() == 1


def test_nobody_comes_without_one(api, crew):
    path = f"/{crew['team'].pk}"

    refused = [
        call(api, crew["stranger"], "post", f"{path}/join").status_code,
        call(api, crew["staff"], "post", f"{path}/join").status_code,
        call(api, crew["reader"], "post", f"{path}/join").status_code,
    ]

    assert refused == [404, 403, 409]


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ("nobody@example.com", "not_found"),
        ("blocked@example.com", "not_found"),
        ("reader@example.com", "already_in_team"),
        ("no address", "invalid"),
        (7, "invalid"),
    ],
)
def test_only_people_outside_are_invited(api, crew, email, code):
    people.block(factories.user("blocked@example.com"))
    path = f"/{crew['team'].pk}/invitations"

    response = call(api, crew["owner"], "post", path, {"uemail": email})

    assert response.json()["code"] == code
    assert 400 <= response.status_code < 500


def test_an_invitation_is_declined_or_taken_back(api, crew):
    team, path = crew["team"], f"/{crew['team'].pk}"
    declined = call(api, crew["invited"], "post", f"{path}/leave")
    teams.invite(team, crew["invited"].email, by=crew["owner"])
    of_invited = f"{path}/invitations/{crew['invited'].pk}"
    taken_back = call(api, crew["manager"], "delete", of_invited)
    again = call(api, crew["manager"], "delete", of_invited)

    assert (declined.status_code, taken_back.status_code) == (204, 200)
    assert again.status_code == 404
    assert not Invitation.objects.exists()
    assert call(api, crew["invited"], "post", f"{path}/join").status_code == 404


def test_members_leave_and_the_owner_stays(api, crew):
    path = f"/{crew['team'].pk}/leave"

    left = [
        call(api, crew[name], "post", path).status_code
        for name in ("reader", "manager", "owner", "stranger")
    ]

    assert left == [204, 204, 409, 404]
    assert roles(crew["team"]) == {"owner": "owner"}


def test_a_team_is_handed_over(api, crew):
    path = f"/{crew['team'].pk}/hand-over"

    handed = call(api, crew["owner"], "post", path, {"uid": str(crew["reader"].pk)})
    back = call(api, crew["owner"], "post", path, {"uid": str(crew["owner"].pk)})
    to_nobody = call(api, crew["reader"], "post", path, {"uid": NOBODYS})
    to_rubbish = call(api, crew["reader"], "post", path, {"uid": "x"})

    assert handed.status_code == 200
    assert roles(crew["team"]) == {
        "owner": "manager",
        "manager": "manager",
        "reader": "owner",
    }
    assert (back.status_code, to_nobody.status_code) == (403, 404)
    assert to_rubbish.status_code == 422


def test_roles_are_given_and_people_removed(api, crew):
    team, path = crew["team"], f"/{crew['team'].pk}/members/"
    reader, manager = path + str(crew["reader"].pk), path + str(crew["manager"].pk)

    by_manager = [
        call(api, crew["manager"], "put", reader, {"role": "manager"}).status_code,
        call(api, crew["manager"], "delete", path + str(crew["owner"].pk)).status_code,
        call(api, crew["manager"], "delete", reader).status_code,
        call(api, crew["manager"], "delete", reader).status_code,
    ]
    by_owner = [
        call(api, crew["owner"], "put", manager, {"role": "reader"}).status_code,
        call(api, crew["owner"], "put", manager, {"role": "owner"}).status_code,
        call(api, crew["owner"], "put", path + NOBODYS, {"role": "reader"}).status_code,
        call(api, crew["owner"], "delete", path + str(crew["owner"].pk)).status_code,
        call(api, crew["owner"], "delete", manager).status_code,
    ]

    assert by_manager == [403, 403, 200, 404]
    assert by_owner == [200, 422, 404, 409, 200]
    assert roles(team) == {"owner": "owner"}


def test_a_manager_removes_no_manager(api, crew):
    team = crew["team"]
    teams.set_role(team, crew["reader"].pk, TeamRole.MANAGER, by=crew["owner"])
    path = f"/{team.pk}/members/{crew['reader'].pk}"

    assert call(api, crew["manager"], "delete", path).status_code == 403


@pytest.mark.parametrize(
    ("who", "renames", "disbands"),
    [
        ("reader", 403, 403),
        ("manager", 403, 403),
        ("invited", 403, 403),
        ("stranger", 404, 404),
        ("owner", 200, 204),
        ("staff", 200, 204),
    ],
)
def test_only_owner_and_staff_rename_and_disband(api, crew, who, renames, disbands):
    path = f"/{crew['team'].pk}"

    renamed = call(api, crew[who], "patch", path, {"name": "New"})
    disbanded = call(api, crew[who], "delete", path)

    assert (renamed.status_code, disbanded.status_code) == (renames, disbands)
    assert Team.objects.exists() is (disbands != 204)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "invitations", {"uemail": "stranger@example.com"}),
        ("delete", "invitations/INVITED", None),
        ("put", "members/READER", {"role": "manager"}),
        ("delete", "members/READER", None),
        ("post", "hand-over", {"uid": NOBODYS}),
    ],
)
@pytest.mark.parametrize(("who", "status"), [("reader", 403), ("stranger", 404)])
def test_others_change_nothing(api, crew, who, status, method, path, body):
    path = path.replace("READER", str(crew["manager"].pk))
    path = path.replace("INVITED", str(crew["invited"].pk))

    response = call(api, crew[who], method, f"/{crew['team'].pk}/{path}", body)

    assert response.status_code == status
    assert Membership.objects.count() == 3
    assert Invitation.objects.count() == 1


def test_people_see_their_teams_and_staff_all(api, crew):
    teams.found("Others", by=factories.user("elsewhere@example.com"))

    seen = {
        who: [t["name"] for t in call(api, crew[who], "get", "").json()["teams"]]
        for who in ("owner", "invited", "stranger", "staff")
    }

    assert seen == {
        "owner": ["설계팀"],
        "invited": ["설계팀"],
        "stranger": [],
        "staff": ["Others", "설계팀"],
    }


@pytest.mark.parametrize(
    ("id", "status"),
    [("0", 422), ("x", 422), ("-1", 422), ("999", 404), ("9" * 30, 404)],
)
def test_an_unknown_team(api, kim, id, status):
    assert call(api, kim, "get", f"/{id}").status_code == status
    assert call(api, kim, "delete", f"/{id}/members/{NOBODYS}").status_code == status


@pytest.mark.parametrize("path", ["", "/1", "/1/join", "/1/leave", "/1/hand-over"])
def test_nobody_is_asked_to_sign_in(api, db, path):
    method = "post" if path not in ("", "/1") else "get"

    response = getattr(api(), method)(API + path)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_list_costs_the_same_for_one_and_for_many(api, crew):
    client = api(crew["owner"])

    with CaptureQueriesContext(connection) as few:
        client.get(API)
    for number in range(4):
        teams.found(f"Team {number}", by=crew["owner"])
    with CaptureQueriesContext(connection) as many:
        client.get(API)

    assert len(few) == len(many)


def at_once(*acts):
    def attempt(act):
        try:
            return act() or "done"
        except DomainError as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(attempt, acts))


def test_a_team_handed_to_two_at_once_has_one_owner(crew):
    team = crew["team"]

    outcomes = at_once(
        *(
            lambda name=name: teams.hand_over(team, crew[name].pk, by=crew["owner"])
            for name in ("manager", "reader")
        )
    )

    assert sorted(outcomes) == ["done", "permission_denied"]
    assert list(roles(team).values()).count("owner") == 1


def test_joining_twice_at_once_is_joining_once(crew):
    team = crew["team"]

    outcomes = at_once(*[lambda: teams.join(team, user=crew["invited"])] * 4)

    assert sorted(outcomes) == ["already_in_team"] * 3 + ["done"]


def test_founding_one_name_at_once_is_founding_once(kim):
    outcomes = at_once(*[lambda: teams.found("A", by=kim) and None] * 4)

    assert sorted(outcomes) == ["done"] + ["team_name_taken"] * 3
    assert Membership.objects.count() == 1


def test_a_team_disbanded_meanwhile_is_gone(crew):
    team = Team.objects.get()
    teams.disband(Team.objects.get(), by=crew["owner"])

    with pytest.raises(DomainError) as refused:
        teams.join(team, user=crew["invited"])

    assert refused.value.code == "not_found"


# The page


def test_two_people_make_a_team_in_a_browser(browser, kim):
    lee = factories.user("lee@example.com", uname="Lee")
    browser.sign_in(kim)
    browser.open("/workspace/teams")
    browser.wait_for(lambda: browser.texts("#nothing"))

    browser.find("#team-name").send_keys("설계팀")
    browser.click("#found button")
    browser.wait_for_text("#list h2", "설계팀")
    browser.find("#list input[type=email]").send_keys("lee@example.com")
    browser.click("#list form button")
    browser.wait_for_text("#list", "lee@example.com · invited")

    browser.sign_in(lee)
    browser.open("/workspace/teams")
    browser.wait_for_text("#list .invited", "Kim invites you to this team.")
    browser.click("#list .invited button")
    browser.wait_for_text("#list .badge", "member")

    browser.sign_in(kim)
    browser.open("/workspace/teams")
    of_lee = f'[data-person="{lee.pk}"]'
    browser.wait_for(lambda: browser.texts(f"{of_lee} select"))
    browser.driver.execute_script(
        "const choice = document.querySelector(arguments[0]);"
        "choice.value = 'manager'; choice.dispatchEvent(new Event('change'))",
        f"{of_lee} select",
    )
    browser.wait_for_text(f"{of_lee} .person", "manager")
    browser.click(f"{of_lee} button")
    browser.wait_for_text("#sure [data-text]", "Lee will own this team")
    browser.click("#sure [value=yes]")
    browser.wait_for_text(f"{of_lee} .person", "owner")
    browser.wait_for_text("#list .badge", "manager")

    assert roles(Team.objects.get()) == {"Kim": "manager", "Lee": "owner"}
    assert browser.complaints() == []
