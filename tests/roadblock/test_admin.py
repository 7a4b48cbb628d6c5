"""The operators' desk: lists, filters, actions, and a key that is shown once."""

import re
import time

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from roadblock import chases, fleet, tracks
from roadblock.models import Chase, Position, Vehicle, VehicleKey
from tests import factories

ROOM = "/admin/roadblock/"
LISTS = ["vehicle", "vehiclekey", "chase", "event", "position"]
FOR_OPERATORS = ["vehicle", "chase", "event", "position"]


@pytest.fixture
def desk(client):
    """Return a browser in which somebody is signed in."""

    def browser(user):
        client.force_login(user)
        return client

    return browser


@pytest.fixture
def police(db):
    return factories.police_car(3, "POLICE_2")


@pytest.fixture
def runner(db):
    return factories.runner(12, "runner12")


def listed(browser, name, **filters):
    """Return the objects that a list shows."""
    response = browser.get(f"{ROOM}{name}/", filters)
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def act(browser, name, action, *chosen):
    data = {"action": action, "_selected_action": [one.pk for one in chosen]}
    return browser.post(f"{ROOM}{name}/", data, follow=True)


def messages_of(response):
    return [str(message) for message in response.context["messages"]]


def change(browser, vehicle, **changes):
    """Send the form of a vehicle's page with these changes."""
    data = {"car_name": vehicle.car_name, "map_id": vehicle.map_id or ""}
    for inline in ("details", "chases"):
        data |= {f"{inline}-TOTAL_FORMS": 0, f"{inline}-INITIAL_FORMS": 0}
    return browser.post(f"{ROOM}vehicle/{vehicle.pk}/change/", data | changes)


# Who may


@pytest.mark.parametrize("name", LISTS)
def test_nobody_and_strangers_are_sent_away(client, desk, outsider, name):
    answers = [client.get(f"{ROOM}{name}/"), desk(outsider).get(f"{ROOM}{name}/")]

    for answer in answers:
        assert answer.status_code == 302
        assert answer.url.startswith("/admin/login/")


@pytest.mark.parametrize("name", LISTS)
def test_who_works_here_without_the_group_sees_nothing(desk, db, name):
    clerk = factories.user("clerk@example.com", urole="admin")

    assert desk(clerk).get(f"{ROOM}{name}/").status_code == 403


@pytest.mark.parametrize("name", LISTS)
def test_operators_see_all_but_keys(desk, operator, name):
    status = desk(operator).get(f"{ROOM}{name}/").status_code

    assert status == (200 if name in FOR_OPERATORS else 403)


@pytest.mark.parametrize("name", LISTS)
def test_a_superuser_sees_every_list(desk, boss, police, runner, name):
    chases.catch(3, 12)
    tracks.store([tracks.row(police.pk, 1, 2, time.time())])

    assert desk(boss).get(f"{ROOM}{name}/").status_code == 200


@pytest.mark.parametrize("name", FOR_OPERATORS)
def test_lists_cost_the_same_for_one_and_for_five(desk, operator, name):
    def fill():
        event = factories.event("catch")
        tracks.store([tracks.row(event.runner_id, 1, 2, time.time())])

    browser = desk(operator)
    fill()
    browser.get(f"{ROOM}{name}/")
    with CaptureQueriesContext(connection) as few:
        browser.get(f"{ROOM}{name}/")

    for _ in range(4):
        fill()
    with CaptureQueriesContext(connection) as many:
        browser.get(f"{ROOM}{name}/")

    assert len(few) == len(many)


# Vehicles


def test_cars_in_service_come_first(desk, operator, police, runner):
    retired = factories.police_car()
    fleet.retire(retired)
    browser = desk(operator)

    assert listed(browser, "vehicle") == [runner, police]
    assert listed(browser, "vehicle", service="retired") == [retired]
    assert listed(browser, "vehicle", service="all") == [retired, runner, police]


def test_vehicles_are_filtered_and_found(desk, operator, police, runner):
    fleet.set_condition(police.pk, status="half_destroyed")
    browser = desk(operator)

    assert listed(browser, "vehicle", vehicle_type="police") == [police]
    assert listed(browser, "vehicle", details__status="half_destroyed") == [police]
    assert listed(browser, "vehicle", q="runner") == [runner]
    assert listed(browser, "vehicle", q="3") == [police]
    assert listed(browser, "vehicle", q="nothing") == []


def test_retire_the_chosen(desk, operator, police, runner):
    response = act(desk(operator), "vehicle", "retire", police, runner)

    assert messages_of(response) == ["2 vehicles retired."]
    assert not Vehicle.objects.live().exists()
    assert Chase.objects.get().outcome == "closed"


def test_only_who_may_retire_is_offered_it(desk, operator, police):
    operator.groups.get().permissions.get(codename="delete_vehicle").delete()

    act(desk(operator), "vehicle", "retire", police)

    assert Vehicle.objects.live().get() == police


def test_no_car_is_added_or_deleted_by_hand(desk, boss, police):
    browser = desk(boss)

    added = browser.get(f"{ROOM}vehicle/add/")
    deleted = browser.post(f"{ROOM}vehicle/{police.pk}/delete/", {"post": "yes"})
    act(browser, "vehicle", "delete_selected", police)

    assert (added.status_code, deleted.status_code) == (403, 403)
    assert Vehicle.objects.live().get() == police


def test_rename_and_move(desk, operator, police):
    response = change(desk(operator), police, car_name="KIM", map_id=2, vehicle_id=9)

    police.refresh_from_db()
    assert response.status_code == 302
    assert (police.car_name, police.map_id, police.vehicle_id) == ("KIM", 2, 3)


def test_rename_to_a_taken_name_is_told(desk, operator, police, runner):
    browser = desk(operator)

    response = change(browser, police, car_name="runner12")

    page = browser.get(response.url)
    assert messages_of(page) == ["Another vehicle has this name."]
    assert Vehicle.objects.get(pk=police.pk).car_name == "POLICE_2"


def test_a_retired_car_is_to_look_at(desk, operator, police):
    fleet.retire(police)
    browser = desk(operator)

    page = browser.get(f"{ROOM}vehicle/{police.pk}/change/")
    change(browser, police, car_name="KIM")

    assert page.status_code == 200
    assert Vehicle.objects.get().car_name == "POLICE_2"


# Keys


def make_key(browser, number, **fields):
    data = {"vehicle_id": number, **fields}
    return browser.post(f"{ROOM}vehiclekey/add/", data, follow=True)


def test_a_key_is_shown_once(desk, boss, police):
    browser = desk(boss)

    response = make_key(browser, 3, counter_required="on")

    secret = VehicleKey.objects.get().secret
    [message] = re.findall(r"<code>([^<]+)</code>", messages_of(response)[0])
    assert message == secret
    assert VehicleKey.objects.get().counter_required
    for page in ("", "3/change/", "3/history/"):
        answer = browser.get(f"{ROOM}vehiclekey/{page}")
        assert answer.status_code == 200
        assert secret not in answer.content.decode()
    assert all(secret not in str(entry.__dict__) for entry in LogEntry.objects.all())


def test_changing_the_counter_keeps_the_key(desk, boss):
    browser = desk(boss)
    make_key(browser, 3)
    secret = VehicleKey.objects.get().secret

    data = {"counter_required": "on", "secret": "mine", "vehicle_id": 4}
    browser.post(f"{ROOM}vehiclekey/3/change/", data)

    key = VehicleKey.objects.get()
    assert (key.pk, key.secret, key.counter_required) == (3, secret, True)


def test_a_key_is_taken_away(desk, boss):
    browser = desk(boss)
    for number in (3, 4, 5):
        make_key(browser, number)

    browser.post(f"{ROOM}vehiclekey/3/delete/", {"post": "yes"})
    data = {"action": "delete_selected", "_selected_action": [4], "post": "yes"}
    browser.post(f"{ROOM}vehiclekey/", data)

    assert VehicleKey.objects.get().pk == 5


@pytest.mark.parametrize("number", [-1, 2**32])
def test_no_key_for_a_number_that_no_car_can_have(desk, boss, number):
    response = make_key(desk(boss), number)

    assert list(response.context["adminform"].form.errors) == ["vehicle_id"]
    assert not VehicleKey.objects.exists()


# Chases, events, positions


def test_chases_are_filtered(desk, operator, police, runner):
    factories.runner(13, "R13")
    chases.catch(3, 12)
    caught, still_open = (
        Chase.objects.get(runner=runner),
        factories.chase(Vehicle.objects.get(vehicle_id=13)),
    )
    browser = desk(operator)

    assert listed(browser, "chase") == [still_open, caught]
    assert listed(browser, "chase", outcome="caught") == [caught]
    assert listed(browser, "chase", q="R13") == [still_open]
    assert browser.get(f"{ROOM}chase/{caught.pk}/change/").status_code == 200


def test_close_the_chosen_chases(desk, operator, police, runner):
    chases.catch(3, 12)
    caught, still_open = Chase.objects.get(), factories.chase()

    response = act(desk(operator), "chase", "close", caught, still_open)

    assert messages_of(response) == ["1 chase closed."]
    outcomes = {chase.pk: chase.outcome for chase in Chase.objects.all()}
    assert outcomes == {caught.pk: "caught", still_open.pk: "closed"}


def test_only_who_may_close_a_chase_is_offered_it(desk, operator, runner):
    operator.groups.get().permissions.get(codename="change_chase").delete()

    act(desk(operator), "chase", "close", Chase.objects.get())

    assert Chase.objects.get().is_open


def test_events_are_filtered_by_status(desk, operator, police):
    event = factories.event(catcher=police)
    browser = desk(operator)

    assert len(listed(browser, "event")) == 2
    assert listed(browser, "event", status__exact="failed") == [event]
    assert listed(browser, "event", q="POLICE_2") == [event]


def test_positions_are_found_by_their_vehicle(desk, operator, police, runner):
    for car in (police, runner):
        tracks.store([tracks.row(car.pk, 1, 2, time.time())])
    browser = desk(operator)

    assert len(listed(browser, "position")) == 2
    for found in ({"q": "12"}, {"q": "runner12"}, {"vehicle__vehicle_type": "runner"}):
        [position] = listed(browser, "position", **found)
        assert position.vehicle == runner


@pytest.mark.parametrize("name", ["chase", "event", "position"])
def test_the_past_is_to_read_only(desk, boss, name):
    event = factories.event()
    tracks.store([tracks.row(event.runner_id, 1, 2, time.time())])
    browser = desk(boss)
    past = {"chase": event.chase, "event": event, "position": Position.objects.get()}
    page = f"{ROOM}{name}/{past[name].pk}"

    answers = [
        browser.get(f"{ROOM}{name}/add/"),
        browser.post(f"{page}/change/", {"x": 5}),
        browser.post(f"{page}/delete/", {"post": "yes"}),
    ]

    assert browser.get(f"{page}/change/").status_code == 200
    assert [answer.status_code for answer in answers] == [403, 403, 403]
