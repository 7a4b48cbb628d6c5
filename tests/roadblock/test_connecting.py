"""Who may connect, what a newcomer is told, and what dashboards may ask for."""

from datetime import timedelta

import pytest
from django.utils import timezone

from config.realtime import in_thread
from roadblock import chases, client_packets, fleet, packets
from roadblock.models import Chase, Event, PoliceCar
from tests import factories
from tests.conftest import token
from tests.roadblock.talk import (
    KEY,
    PATIENCE,
    drive,
    named,
    positions,
    register,
    registered,
    say,
    status,
    told,
    told_times,
)

pytestmark = pytest.mark.django_db(transaction=True)

CARS = ["vehicles", "events"]
DASHBOARDS = ["front/vehicles", "front/events"]
REFUSED = {"type": "websocket.close", "code": 4401}


@pytest.fixture
def police(transactional_db):
    return factories.police_car(3, "POLICE_2")


@pytest.fixture
def runner(transactional_db):
    return factories.runner(12, "runner12")


async def assert_quiet(socket):
    """Let the socket answer nonsense: nothing else came before."""
    await say(socket, b"?")
    assert await told(socket) == client_packets.Coded(packets.NACK, 1)


# Who may connect


@pytest.mark.parametrize("path", DASHBOARDS)
async def test_nobody_gets_no_frame_of_a_dashboard(socket, police, path):
    board = socket(f"/roadblock/ws/{path}")

    await board.connect(PATIENCE)

    assert await board.receive_output(PATIENCE) == REFUSED


@pytest.mark.parametrize("path", DASHBOARDS)
@pytest.mark.parametrize("credential", ["nonsense", ""])
async def test_a_bad_token_is_nobody(socket, police, path, credential):
    board = socket(f"/roadblock/ws/{path}?token={credential}")

    await board.connect(PATIENCE)

    assert await board.receive_output(PATIENCE) == REFUSED


@pytest.mark.parametrize("path", [*CARS, *DASHBOARDS])
async def test_slashes_prefix_and_query_make_no_difference(socket, outsider, path):
    for address in (f"{path}/", f"{path}?token={token(outsider)}"):
        for mount in ("/roadblock/ws/", "/roadblock/api/ws/"):
            one = socket(mount + address, outsider)
            assert await one.connect(PATIENCE) == (True, None)


@pytest.mark.parametrize(
    ("origin", "welcome"),
    [(b"http://testserver", True), (b"http://elsewhere", False), (None, False)],
)
async def test_a_session_counts_from_our_own_pages(
    connect, client, police, outsider, origin, welcome
):
    await in_thread(client.force_login, outsider)
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    headers = [(b"host", b"testserver"), (b"cookie", cookie.encode())]
    headers += [(b"origin", origin)] if origin else []

    board = await connect("front/vehicles", headers=headers)

    answer = await board.receive_output(PATIENCE)
    assert (answer != REFUSED) is welcome


@pytest.mark.parametrize("path", CARS)
async def test_vehicles_come_from_any_origin(connect, path):
    await assert_quiet(await connect(path, headers=[(b"origin", b"http://car")]))


@pytest.mark.parametrize("path", CARS)
async def test_vehicles_may_need_a_token(socket, settings, outsider, path):
    settings.ROADBLOCK_VEHICLE_TOKEN = True

    address = f"/roadblock/ws/{path}"
    without = await socket(address).connect(PATIENCE)
    nonsense = await socket(f"{address}?token=nonsense").connect(PATIENCE)
    with_one = await socket(f"{address}?token={token(outsider)}").connect(PATIENCE)

    assert (without, nonsense) == ((False, 4401), (False, 4401))
    assert with_one == (True, None)


# What vehicles are told on connecting


@pytest.mark.parametrize("path", CARS)
async def test_a_chase_that_has_just_begun_is_announced(connect, runner, path):
    listener = await connect(path)

    assert await told(listener) == named(0xFF, 12)
    await assert_quiet(listener)


@pytest.mark.parametrize("path", CARS)
async def test_a_chase_of_a_silent_runner_is_not_announced(connect, runner, path):
    await in_thread(long_ago)

    await assert_quiet(await connect(path))


def long_ago():
    Chase.objects.update(started_at=timezone.now() - timedelta(seconds=11))


async def test_a_chase_is_announced_once_its_runner_drives(connect, runner):
    await in_thread(long_ago)
    await drive(await connect("vehicles"), 12, 1, 2)

    assert await told(await connect("events")) == named(0xFF, 12)


async def test_a_chase_is_announced_once_its_runner_is_back(connect, runner, outsider):
    await in_thread(long_ago)
    sender = await connect("vehicles")

    await register(sender, 12, "runner12", packets.RUNNER)

    assert await told(await newcomer(connect, outsider)) == named(0xFF, 12)


async def newcomer(connect, user):
    """Connect a listener when all that happened has surely gone round."""
    board, sender = await connect("front/vehicles", user), await connect("vehicles")
    await board.send_json_to({"type": "status_update"})
    while isinstance(await board.receive_from(PATIENCE), bytes):
        pass  # the fleet as it is; the text comes after it
    await register(sender, 50, "LAST")
    while getattr(await told(board), "vehicle_id", None) != 50:
        pass
    return await connect("events")


@pytest.mark.parametrize("end", ["caught", "retired", "closed"])
async def test_a_chase_that_is_over_is_not_announced(
    connect, police, runner, outsider, end
):
    sender = await connect("vehicles")
    assert await told(sender) == named(0xFF, 12)

    if end == "caught":
        await in_thread(chases.catch, 3, 12)
    elif end == "retired":
        await in_thread(fleet.retire, runner)
    else:
        await in_thread(chases.close_chases, runner=runner)

    await assert_quiet(await newcomer(connect, outsider))


# What dashboards are told on connecting


async def test_a_dashboard_is_shown_the_whole_fleet(connect, police, runner, outsider):
    await in_thread(fleet.set_condition, police.pk, fuel=80, status="half_destroyed")
    away = await in_thread(factories.police_car, 4, "POLICE_3")
    await in_thread(fleet.move, away, 2)
    await in_thread(fleet.retire, await in_thread(factories.police_car, 5))
    first, sender = await connect("front/vehicles", outsider), await connect("vehicles")
    await told_times(first, 5)
    for number, x in ((3, 1.0), (3, 1.5), (12, 2.5), (4, 3.5)):
        await drive(sender, number, x, -x)
    while (await told(first)).map_id != 2:
        pass

    second = await connect("front/vehicles", outsider)

    assert await told_times(second, 7) == [
        *(registered(car) for car in (police, runner, away)),
        *(status(police, fuel=80, level=1), status(away)),
        positions(4, (police.pk, 1.5, -1.5), (runner.pk, 2.5, -2.5)),
        positions(2, (away.pk, 3.5, -3.5)),
    ]


async def test_a_long_name_is_cut_at_a_whole_character(connect, police, outsider):
    await in_thread(fleet.rename, police, "경찰차삼호")

    board = await connect("front/vehicles", outsider)

    assert (await told(board)).car_name == "경찰차"


async def test_a_rename_a_move_and_a_retirement_are_shown(connect, police, outsider):
    board = await connect("front/vehicles", outsider)
    await told_times(board, 2)

    await in_thread(fleet.rename, police, "KIM")
    await in_thread(fleet.move, police, 2)
    await in_thread(fleet.retire, police)

    shown = registered(police)
    gone = named(packets.REMOVED, police.pk)
    assert shown.car_name == "KIM"
    assert await told_times(board, 3) == [shown, shown, gone]


async def test_no_event_is_ever_replayed(connect, police, runner, outsider):
    await in_thread(chases.fail, 3, 12)
    await in_thread(chases.catch, 3, 12)

    board = await connect("front/events", outsider)

    await register(await connect("vehicles"), 13, "R2", packets.RUNNER)
    frame = await told(board)
    assert frame.type == packets.CHASE_STARTED
    assert frame.runner_id > runner.pk


# What dashboards may ask for


async def ask(board, **request):
    await board.send_json_to(request)
    return await board.receive_json_from(PATIENCE)


async def test_an_operator_changes_a_condition(connect, police, operator, outsider):
    asking = await connect("front/vehicles", operator)
    looking = await connect("front/vehicles", outsider)
    for board in (asking, looking):
        await told_times(board, 2)

    await asking.send_json_to(
        {
            "type": "status_update",
            "id": police.pk,
            "fuel": 7,
            "collision_count": 255,
            "status": "complete_destroyed",
        }
    )

    shown = status(police, 7, 255, 2)
    answers = [await asking.receive_from(PATIENCE) for _ in range(2)]
    [text] = [one for one in answers if isinstance(one, str)]
    [frame] = [one for one in answers if isinstance(one, bytes)]
    assert text == '{"type": "ack"}'
    assert client_packets.decode(frame, KEY) == shown
    assert await told(looking) == shown
    await in_thread(fleet.retire, police)
    assert await told(looking) == named(packets.REMOVED, police.pk)


@pytest.mark.parametrize("who", ["outsider", "operator", "boss"])
async def test_who_may_change_a_condition(
    connect, police, outsider, operator, boss, who
):
    user = {"outsider": outsider, "operator": operator, "boss": boss}[who]
    board = await connect("front/vehicles", user)
    await told_times(board, 2)

    await board.send_json_to({"type": "status_update", "id": police.pk, "fuel": 7})
    answers = [await board.receive_from(PATIENCE)]
    if who != "outsider":
        answers.append(await board.receive_from(PATIENCE))

    refused = any("permission_denied" in one for one in answers if type(one) is str)
    details = await in_thread(PoliceCar.objects.get)
    assert refused is (who == "outsider")
    assert details.fuel == (100 if refused else 7)


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        ("bad_request", {}),
        ("bad_request", {"fuel": 101}),
        ("bad_request", {"fuel": -1}),
        ("bad_request", {"fuel": True}),
        ("bad_request", {"fuel": "7"}),
        ("bad_request", {"fuel": 7.5}),
        ("bad_request", {"collision_count": 256}),
        ("bad_request", {"status": "broken"}),
        ("bad_request", {"status": []}),
        ("bad_request", {"status": "\ud83d"}),
        ("bad_request", {"fuel": 7, "status": None}),
        ("bad_request", {"fuel": 7, "id": "1"}),
        ("bad_request", {"fuel": 7, "id": 0}),
        ("bad_request", {"fuel": 7, "id": 2**63}),
        ("unknown_vehicle", {"fuel": 7, "id": 2**63 - 1}),
    ],
)
async def test_a_condition_that_is_none(connect, police, operator, code, fields):
    board = await connect("front/vehicles", operator)
    await told_times(board, 2)

    answer = await ask(board, **{"type": "status_update", "id": police.pk, **fields})

    assert (answer["type"], answer["code"]) == ("error", code)
    assert isinstance(answer["detail"], str)
    assert (await in_thread(PoliceCar.objects.get)).fuel == 100


async def test_a_runner_has_no_condition(connect, runner, operator):
    board = await connect("front/vehicles", operator)
    await told(board)

    answer = await ask(board, type="status_update", id=runner.pk, fuel=7)

    assert answer["code"] == "unknown_vehicle"


async def test_the_first_to_see_an_event_is_noted(connect, runner, outsider, boss):
    event = await in_thread(Event.objects.get)
    first = await connect("front/events", outsider)
    second = await connect("front/events", boss)

    answers = [
        await ask(one, type="event_ack", event_id=event.pk) for one in (first, second)
    ]

    await in_thread(event.refresh_from_db)
    assert answers == [{"type": "ack"}] * 2
    assert event.acknowledged_by_id == outsider.pk
    assert abs(timezone.now() - event.acknowledged_at) < timedelta(seconds=60)


@pytest.mark.parametrize(
    ("code", "event_id"),
    [("not_found", 2**62), ("bad_request", "1"), ("bad_request", None)],
)
async def test_an_event_that_is_none(connect, outsider, code, event_id):
    board = await connect("front/events", outsider)

    answer = await ask(board, type="event_ack", event_id=event_id)

    assert (answer["type"], answer["code"]) == ("error", code)
