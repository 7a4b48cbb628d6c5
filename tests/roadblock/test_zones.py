"""Zones, the watch over the fleet, and alerts."""

import asyncio
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import redis
from django.conf import settings as project
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from selenium.webdriver import ActionChains
from websockets.sync.client import connect as connect_as_car

from config.realtime import hub
from roadblock import alerts, chases, client_packets, tracks, watch, webhooks
from roadblock.cars import Car
from roadblock.models import Alert, Chase, Zone
from roadblock.packets import POLICE
from roadblock.wire import ALERTS as ALERT_GROUP
from tests import factories
from tests.roadblock.talk import KEY, drive, register, when

SQUARE = [[0, 0], [100, 0], [100, 100], [0, 100]]
ZONE = {"name": "Harbour", "map_id": 4, "corners": SQUARE}
ZONES, ALERTS = "/roadblock/zones", "/roadblock/alerts"
BAD_ZONES = {
    "two corners": {"corners": SQUARE[:2]},
    "crossed sides": {"corners": [[0, 0], [100, 100], [100, 0], [0, 100]]},
    "a line": {"corners": [[0, 0], [50, 0], [100, 0]]},
    "too many corners": {"corners": [[i, i * i] for i in range(201)]},
    "three numbers": {"corners": [[0, 0, 0], [1, 0, 0], [0, 1, 0]]},
    "a text": {"corners": "x"},
    "beyond the world": {"corners": [[0, 0], [1e8, 0], [0, 1e8]]},
    "no name": {"name": " "},
    "a name with a NUL": {"name": "A\0"},
    "a negative map": {"map_id": -1},
    "strange watches": {"watches": "birds"},
    "a foreign webhook": {"webhook": "https://elsewhere.example/"},
}


@pytest.fixture
def valkey():
    client = redis.Redis.from_url(project.REDIS_URL)
    keys = tracks.LAST_KEY, watch.LEASE_KEY, watch.STATE_KEY
    client.delete(*keys)
    yield client
    client.delete(*keys)


@pytest.fixture
def look(db, valkey):
    """Returns a function that puts cars somewhere, and looks at them.

    Takes {vehicle: (x, y)} or (x, y, age in seconds); returns (kind, vehicle id) pairs.
    """
    guard = watch.Watch("test")

    def look(places, by=guard):
        cars = {}
        for vehicle, (x, y, *age) in places.items():
            car = Car(vehicle.pk, vehicle.vehicle_id, vehicle.is_police, vehicle.map_id)
            car.chased = Chase.objects.filter(runner=vehicle, ended_at=None).exists()
            cars[vehicle.pk] = car
            heard = time.time() - (age[0] if age else 0)
            valkey.hset(tracks.LAST_KEY, vehicle.pk, tracks.LAST.pack(x, y, heard))
        return [(alert.kind, alert.vehicle_id) for alert in by.look(cars)]

    return look


def zone(**fields):
    return Zone.objects.create(**ZONE | fields)


# The watch


def test_entering_and_leaving(look):
    car = factories.police_car()
    zone()

    assert look({car: (-10, 50)}) == []
    assert look({car: (50, 50)}) == [("enter", car.pk)]
    assert look({car: (60, 50)}) == []
    assert look({car: (101, 50)}) == []  # within the slack
    assert look({car: (103, 50)}) == [("leave", car.pk)]
    assert look({car: (101, 50)}) == []


def test_who_is_inside_a_new_zone_did_not_enter(look):
    car = factories.police_car()
    zone()

    assert look({car: (50, 50)}) == []
    assert look({car: (500, 50)}) == [("leave", car.pk)]


def test_a_zone_tells_only_what_it_shall(look):
    car, runner, far = factories.police_car(), factories.runner(), factories.runner()
    far.map_id = 9
    for fields in ({"watches": "runner", "on_leave": False}, {"active": False}):
        zone(**fields)
    outside, inside = (dict.fromkeys((car, runner, far), (at, 50)) for at in (-500, 50))

    looks = [look(outside), look(inside), look(outside)]

    assert [[a for a in seen if a[0] != "proximity"] for seen in looks] == [
        *([], [("enter", runner.pk)], []),
    ]


def test_silence_is_told_once_and_again_after_a_word(look, settings):
    settings.ROADBLOCK_ALERT_SILENCE_SECONDS = 30
    car, old = factories.police_car(), factories.police_car()

    assert look({car: (0, 0, 5), old: (0, 0, 5000)}) == []
    assert look({car: (0, 0, 31)}) == [("silence", car.pk)]
    assert look({car: (0, 0, 32)}) == []
    assert look({car: (0, 0, 1)}) == []
    assert look({car: (0, 0, 40)}) == [("silence", car.pk)]


def test_proximity_to_a_chased_runner(look, settings):
    settings.ROADBLOCK_ALERT_PROXIMITY_METRES = 50
    car, runner = factories.police_car(), factories.runner()

    assert look({car: (100, 0), runner: (0, 0)}) == []
    assert look({car: (49, 0), runner: (0, 0)}) == [("proximity", car.pk)]
    assert look({car: (70, 0), runner: (0, 0)}) == []  # not parted yet
    assert look({car: (49, 0), runner: (0, 0)}) == []
    assert look({car: (80, 0), runner: (0, 0)}) == []
    assert look({car: (49, 0), runner: (0, 0)}) == [("proximity", car.pk)]
    assert Alert.objects.first().runner == runner

    look({car: (80, 0), runner: (0, 0)})
    chases.catch(car.vehicle_id, runner.vehicle_id)
    assert look({car: (1, 0), runner: (0, 0)}) == []


def test_one_process_watches_and_another_goes_on(look, valkey):
    car = factories.police_car()
    zone()
    second = watch.Watch("second")
    look({car: (-10, 50)})

    assert look({car: (50, 50)}, by=second) == []  # the first has the lease
    valkey.delete(watch.LEASE_KEY)
    assert look({car: (50, 50)}, by=second) == [("enter", car.pk)]
    assert look({car: (-50, 50)}) == []


def test_a_flood_is_cut_and_retired_cars_are_unknown(look, valkey):
    cars = [factories.police_car() for _ in range(3)]
    zone()
    valkey.hset(tracks.LAST_KEY, 10**9, tracks.LAST.pack(50, 50, time.time()))
    look(dict.fromkeys(cars, (-10, 50)))
    assert len(look(dict.fromkeys(cars, (50, 50)))) == 3


def test_a_look_costs_the_same_for_any_number_of_cars(look):
    zone()
    costs = []
    for _ in range(2):
        cars = [factories.police_car() for _ in range(4)]
        look(dict.fromkeys(cars, (-10, 50)))
        with CaptureQueriesContext(connection) as queries:
            look(dict.fromkeys(cars, (50, 50)))
        costs.append(len([q for q in queries if "roadblock_chase" not in q["sql"]]))

    assert costs[0] == costs[1]


@pytest.mark.django_db(transaction=True)
async def test_from_a_car_to_the_stream(connect, outsider, valkey):
    told = []
    await asyncio.to_thread(zone)
    socket = await connect("vehicles")
    await hub().join(ALERT_GROUP, told.append)
    await register(socket, 3, "POLICE_2")
    await drive(socket, 3, -50.0, 50.0)
    await when(lambda: valkey.get(watch.STATE_KEY))

    await drive(socket, 3, 50.0, 50.0)
    await when(lambda: told)

    alert = await asyncio.to_thread(Alert.objects.get)
    assert (told[0]["type"], told[0]["id"]) == ("alert", alert.pk)
    assert (told[0]["kind"], told[0]["car_name"]) == ("enter", "POLICE_2")


# The API


def test_drawing_changing_and_removing(api, operator):
    client = api(operator)

    made = client.post(ZONES, ZONE)
    assert made.status_code == 201
    one = made.json()
    assert (one["corners"], one["watches"], one["active"]) == (SQUARE, "all", True)
    path = f"{ZONES}/{one['id']}"
    changed = client.patch(path, {"name": "Port", "active": False}).json()
    assert client.get(ZONES).json() == {"zones": [changed]}
    assert client.get(path).json() == changed == one | {"name": "Port", "active": False}
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("fields", BAD_ZONES.values(), ids=BAD_ZONES)
def test_bad_zones(api, operator, fields):
    assert api(operator).post(ZONES, ZONE | fields).status_code == 422


def test_who_may_draw(api, outsider):
    path = f"{ZONES}/{zone().pk}"

    for client, refusal, seen in ((api(), 401, 401), (api(outsider), 403, 200)):
        assert client.get(ZONES).status_code == seen
        assert client.get(ALERTS).status_code == seen
        assert client.post(ZONES, ZONE).status_code == refusal
        assert client.patch(path, {"name": "x"}).status_code == refusal
        assert client.delete(path).status_code == refusal
    assert Zone.objects.get().name == "Harbour"


async def test_nobody_hears_the_stream(async_client):
    response = await async_client.get(f"{ALERTS}/stream")

    assert response.status_code == 401


def test_alerts_newest_first(api, outsider, look):
    car = factories.police_car(3, "POLICE_2")
    zone()
    for at in (-50, 50, -50):
        look({car: (at, 50)})

    newest, older = api(outsider).get(ALERTS).json()["alerts"]

    assert (newest["kind"], older["kind"]) == ("leave", "enter")
    assert (older["car_name"], older["zone_name"]) == ("POLICE_2", "Harbour")
    before = api(outsider).get(f"{ALERTS}?before={newest['id']}").json()
    assert before == {"alerts": [older]}
    assert api(outsider).get(f"{ALERTS}?before=x").status_code == 422


def test_the_admin_shows_both(client, boss, look):
    car = factories.police_car()
    one = zone()
    for at in (-50, 50):
        look({car: (at, 50)})
    client.force_login(boss)
    alert = Alert.objects.get()

    assert client.get("/admin/roadblock/zone/").status_code == 200
    assert client.get(f"/admin/roadblock/zone/{one.pk}/change/").status_code == 200
    assert client.get("/admin/roadblock/zone/add/").status_code == 403
    assert client.get("/admin/roadblock/alert/").status_code == 200
    page = client.post(f"/admin/roadblock/alert/{alert.pk}/change/", {"kind": "leave"})
    assert page.status_code == 403


# Webhooks


@pytest.fixture
def receiver(settings):
    """A server that takes webhooks; its `answers` say with which status, then 200."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.got.append((self.path, self.headers["X-Madang-Signature"], body))
            status = server.answers.pop(0) if server.answers else 200
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{server.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.answers = [], []
    server.url = f"http://127.0.0.1:{server.server_port}"
    settings.ROADBLOCK_WEBHOOK_HOSTS = [server.url]
    settings.ROADBLOCK_WEBHOOK_KEY = "a key"
    settings.ROADBLOCK_WEBHOOK_URL = f"{server.url}/hook"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def alert(look, receiver):
    car = factories.police_car(3, "POLICE_2")
    zone()
    for at in (-50, 50):
        look({car: (at, 50)})
    return Alert.objects.get()


def overdue():
    Alert.objects.update(due_at=timezone.now())


def test_a_signed_webhook(alert, receiver):
    assert webhooks.deliver_due() == 1

    [(path, signature, body)] = receiver.got
    moment = int(signature.split(",")[0].removeprefix("t="))
    assert path == "/hook"
    assert json.loads(body) == alerts.as_json(Alert.objects.get())
    assert signature == webhooks.signature(body, moment)
    assert abs(moment - time.time()) < 60
    alert.refresh_from_db()
    assert (alert.delivery, alert.attempts) == ("delivered", 1)
    assert webhooks.deliver_due() == 0


def test_a_webhook_is_tried_again_ever_later(alert, receiver):
    receiver.answers = [500] * 20
    pauses = []
    for _ in range(webhooks.MOST_ATTEMPTS):
        overdue()
        webhooks.deliver_due()
        alert.refresh_from_db()
        if alert.due_at:
            pauses.append((alert.due_at - timezone.now()).total_seconds())

    assert [round(pause, -1) for pause in pauses] == [
        *(10, 20, 40, 80, 160, 320, 640),
    ]
    assert (alert.delivery, alert.failure) == ("failed", "the answer was 500")
    assert webhooks.deliver_due() == 0


def test_a_redirect_is_not_followed(alert, receiver):
    receiver.answers = [302]

    assert webhooks.deliver_due() == 0
    assert [path for path, *_ in receiver.got] == ["/hook"]


def test_a_host_that_is_not_allowed_any_more(alert, receiver, settings):
    settings.ROADBLOCK_WEBHOOK_HOSTS = ["hooks.example.com"]

    assert webhooks.deliver_due() == 0
    assert receiver.got == []
    alert.refresh_from_db()
    assert alert.failure == "the host is not allowed"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://hooks.example.com/a?b=c", True),
        ("https://HOOKS.example.com:443/a", True),
        ("https://hooks.example.com:8443/a", False),
        ("https://other.example.com:8443/a", True),
        ("http://hooks.example.com/a", False),
        ("http://inside:9000/a", True),
        ("https://inside:9000/a", False),
        ("https://hooks.example.com@evil.example/", False),
        ("https://evil.example@hooks.example.com/", False),
        ("https://evil.example#hooks.example.com", False),
        ("https://evil.example\\@hooks.example.com/", False),
        ("https://hooks.example.com.evil.example/", False),
        ("https://169.254.169.254/latest", False),
        ("file:///etc/passwd", False),
        ("https://[::1", False),
        ("https://hooks.example.com:x/", False),
        ("", False),
    ],
)
def test_allowed_hosts(settings, url, allowed):
    settings.ROADBLOCK_WEBHOOK_HOSTS = [
        *("hooks.example.com", "other.example.com:8443", "http://inside:9000"),
    ]

    assert webhooks.is_allowed(url) is allowed


# The page


@pytest.mark.django_db(transaction=True)
def test_drawing_in_a_browser(browser, site, operator, valkey):
    with connect_as_car(f"{site.ws_url}/roadblock/ws/vehicles") as socket:
        socket.send(client_packets.registration(KEY, 3, POLICE, "POLICE_2"))
        socket.recv(timeout=10)
        socket.send(client_packets.position(KEY, 3, 10.0, 20.0))
    browser.sign_in(operator)
    browser.open("/roadblock/")
    browser.wait_for_text("#link-state", "Live")
    browser.click("#zones")
    browser.wait_for_text("#zone-list", "No zone is drawn")

    browser.wait_for(browser.find("#zone-draw").is_enabled)  # a map is shown
    browser.click("#zone-draw")
    for x, y in ((-80, -60), (80, -60), (0, 60)):
        click_map(browser, x, y)
    browser.wait_for_text("#zone-count", "3 corners")
    browser.click("#zone-done")
    browser.find("#zone-name").send_keys("Harbour")
    browser.click("#zone-save")

    browser.wait_for_text("#zone-list", "Harbour")
    zone = Zone.objects.get()
    assert len(zone.corners) == 3

    browser.click("#zone-list [aria-label='Change the shape of Harbour']")
    drag_map(browser, (0, 60), (10, 110))
    browser.click("#zone-done")
    browser.wait_for(lambda: Zone.objects.get().corners[2] != zone.corners[2])
    assert Zone.objects.get().corners[:2] == zone.corners[:2]

    remove = "#zone-list [aria-label='Remove Harbour']"
    browser.click(remove)
    browser.click("#zone-sure [value=no]")
    browser.click(remove)
    assert Zone.objects.exists()
    browser.click("#zone-sure [value=yes]")
    browser.wait_for(lambda: not Zone.objects.exists())
    assert browser.complaints() == []


def drag_map(browser, start, end):
    chain = ActionChains(browser.driver)
    chain.move_to_element_with_offset(browser.find("#map"), *start).click_and_hold()
    chain.move_by_offset(end[0] - start[0], end[1] - start[1]).release().perform()


def click_map(browser, x, y):
    chain = ActionChains(browser.driver)
    chain.move_to_element_with_offset(browser.find("#map"), x, y).click().perform()
