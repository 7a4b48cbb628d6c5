"""The live map in a real browser, fed by cars over real sockets."""

import json
from pathlib import Path

from django.contrib.sessions.models import Session
from django.core.cache import cache

from roadblock import client_packets as packets
from roadblock import plans
from roadblock.models import Chase, Plan
from roadblock.packets import LEVELS, POLICE, RUNNER
from tests.roadblock.chased import town

__all__ = ["town"]

KEY = b"test-secret"
RECORDED = json.loads((Path(__file__).parent / "frames.json").read_text())
DASHBOARDS = ("vehicle_dashboard", "event_dashboard")


def names(browser):
    return browser.texts("#rows .name")


def map_choices(browser):
    script = (
        "return [...document.querySelectorAll('#map-choice option')].map(o => o.text)"
    )
    return browser.driver.execute_script(script)


def state(browser):
    return browser.texts("#link-state")


def test_a_chase_from_start_to_catch(browser, cars, outsider):
    browser.sign_in(outsider)
    browser.open("/roadblock/")
    browser.wait_for_text("#link-state", "Live")
    browser.wait_for_text("#nothing", "No car has registered yet.")

    cars(
        packets.registration(KEY, 3, POLICE, "POLICE_2"),
        packets.registration(KEY, 12, RUNNER, "runner12"),
        packets.position(KEY, 3, 10.0, 20.0),
        packets.position(KEY, 12, 40.0, 60.0),
        packets.status(KEY, 3, 80, 1, 1),
    )
    browser.wait_for(lambda: names(browser) == ["runner12", "POLICE_2"])
    browser.wait_for_text("#chases", "runner12")
    browser.wait_for_text("#rows .text", "1 collision")
    browser.wait_for_text("#log", "runner12 is on the run")
    browser.wait_for(lambda: browser.texts("#rows .percent") == ["80 %"])
    browser.wait_for(lambda: map_choices(browser) == ["Map 4 (no road data) · 2"])

    cars(packets.failed_report(KEY, 3, 12), path="events")
    browser.wait_for_text("#log", "POLICE_2 missed runner12")
    assert browser.texts(".toast") == []

    cars(packets.catch_report(KEY, 3, 12), path="events")
    browser.wait_for_text(".toast", "POLICE_2 caught runner12")
    browser.wait_for(lambda: browser.texts("#chases li") == [])
    browser.wait_for(lambda: names(browser) == ["POLICE_2", "runner12"])
    assert browser.complaints() == []


def test_what_was_before_is_shown_and_not_replayed(browser, cars, outsider):
    cars(
        packets.registration(KEY, 3, POLICE, "POLICE_2"),
        packets.registration(KEY, 12, RUNNER, "runner12"),
        packets.position(KEY, 3, 10.0, 20.0),
    )
    cars(packets.catch_report(KEY, 3, 12), path="events")

    browser.sign_in(outsider)
    browser.open("/roadblock/")

    browser.wait_for_text("#log", "POLICE_2 caught runner12")
    browser.wait_for_text("#rows .badge", "caught")
    assert browser.texts(".toast") == []


def test_filter_and_follow(browser, cars, outsider):
    numbers = range(1, 41)
    cars(*(packets.registration(KEY, n, POLICE, f"P{n}") for n in numbers))
    cars(*(packets.position(KEY, n, 5.0 * n, 3.0 * n) for n in numbers))
    browser.sign_in(outsider)
    browser.open("/roadblock/")
    browser.wait_for(lambda: browser.texts("#count-police") == ["40"])
    assert len(names(browser)) < 40  # only rows in sight exist

    browser.find("#search").send_keys("p7")
    browser.wait_for(lambda: names(browser) == ["P7"])
    browser.click("#rows li:not([hidden]) button")
    browser.wait_for_text("#following", "Following P7")

    browser.click("#rows li:not([hidden]) button")
    browser.wait_for(lambda: browser.texts("#following") == [])

    browser.click("[data-kind=runner]")
    browser.wait_for(lambda: browser.texts("#nothing") == ["No car matches."])


def test_a_deleted_car_leaves_and_a_renamed_one_shows_its_whole_name(
    browser, cars, boss, api
):
    cars(
        packets.registration(KEY, 3, POLICE, "POLICE_2"),
        packets.registration(KEY, 4, POLICE, "POLICE_3"),
    )
    browser.sign_in(boss)
    browser.open("/roadblock/")
    browser.wait_for(lambda: names(browser) == ["POLICE_2", "POLICE_3"])
    vehicles = api(boss).get("/roadblock/vehicles").json()["vehicles"]
    ids = {vehicle["car_name"]: vehicle["id"] for vehicle in vehicles}

    long_name = "경찰청 고속도로 순찰대"
    api(boss).patch(f"/roadblock/vehicles/{ids['POLICE_3']}", {"car_name": long_name})
    browser.wait_for(lambda: names(browser) == ["POLICE_2", long_name])

    api(boss).delete(f"/roadblock/vehicles/{ids['POLICE_2']}")
    browser.wait_for(lambda: names(browser) == [long_name])


def test_it_comes_back_after_the_server_does(browser, site, cars, outsider):
    cars(packets.registration(KEY, 3, POLICE, "POLICE_2"))
    browser.sign_in(outsider)
    browser.open("/roadblock/")
    browser.wait_for(lambda: names(browser) == ["POLICE_2"])

    site.stop()
    browser.wait_for(lambda: state(browser) == ["Connection lost"])
    browser.wait_for_text("#link-countdown", "reconnecting in")

    site.start()
    cars(packets.registration(KEY, 4, POLICE, "POLICE_3"))
    browser.wait_for(lambda: state(browser) == ["Live"])
    browser.wait_for(lambda: names(browser) == ["POLICE_2", "POLICE_3"])


def test_the_end_of_the_session_is_said(browser, site, outsider):
    browser.sign_in(outsider)
    browser.open("/roadblock/")
    browser.wait_for_text("#link-state", "Live")

    site.stop()
    Session.objects.all().delete()
    cache.clear()
    site.start()

    browser.wait_for(lambda: state(browser) == ["Signed out"])
    link = browser.find("#link-sign-in")
    assert link.get_attribute("href").endswith("/sign-in/?next=%2Froadblock%2F")


def test_it_fits_a_phone_in_korean(browser, cars, outsider):
    cars(packets.registration(KEY, 3, POLICE, "POLICE_2"))
    browser.sign_in(outsider)
    browser.driver.add_cookie({"name": "django_language", "value": "ko", "path": "/"})
    browser.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True},
    )
    browser.open("/roadblock/")

    browser.wait_for_text("#link-state", "실시간")
    browser.wait_for_text("#rows .text", "아직 위치 없음")
    script = "return document.documentElement.scrollWidth <= innerWidth"
    assert browser.driver.execute_script(script)
    assert browser.complaints() == []


def test_strangers_are_sent_to_sign_in(browser):
    browser.open("/roadblock/")

    assert browser.driver.current_url.endswith("/sign-in/?next=/roadblock/")


def recorded_frames():
    return [
        frame
        for step in RECORDED["steps"]
        for channel in DASHBOARDS
        for frame in step["receive"].get(channel, [])
    ]


def test_it_reads_every_recorded_frame(browser, outsider):
    browser.sign_in(outsider)
    browser.open("/roadblock/")
    frames = recorded_frames()

    decoded = browser.driver.execute_async_script(
        """
        const [frames, done] = arguments;
        const byte = (two) => parseInt(two, 16);
        const bytes = (hex) => Uint8Array.from(hex.match(/../g), byte);
        import("/static/roadblock/frames.js").then(({ decode }) => done(
          frames.map(({ hex }) => {
            const { each, ...frame } = decode(bytes(hex).buffer);
            if (each) frame.cars = [];
            each?.((id, x, y) => frame.cars.push({ id, x, y }));
            return frame;
          }),
        ));
        """,
        frames,
    )

    assert decoded == [as_decoded(frame["fields"]) for frame in frames]


def as_decoded(fields):
    """Return what frames.js makes of a frame with these fields."""
    one = {"runner": fields.get("runner_db_id")}
    two = {"catcher": fields.get("catcher_db_id"), **one}
    match fields["type"]:
        case "0xA2":
            return {
                "type": "registered",
                "id": fields["id"],
                "vehicleId": fields["vehicle_id"],
                "kind": ["police", "runner"][fields["vehicle_type"]],
                "name": fields["car_name"],
            }
        case "0x11":
            return {
                "type": "positions",
                "mapId": fields["map_id"],
                "count": fields["count"],
                "cars": fields["vehicles"],
            }
        case "0x10":
            return {
                "type": "status",
                "id": fields["id"],
                "collisions": fields["collision_count"],
                "level": LEVELS[fields["status"]],
                "fuel": fields["fuel"],
            }
        case "0xF0":
            return {"type": "run", **one}
        case "0xFE":
            return {"type": "catch", **two}
        case "0xFD":
            return {"type": "failed", **two}


def test_a_plan_is_shown_with_its_worth(browser, cars, outsider, town):
    cars(
        packets.registration(KEY, 3, POLICE, "POLICE_2"),
        packets.position(KEY, 3, 480.0, 0.0),
        packets.registration(KEY, 12, RUNNER, "runner12"),
        packets.position(KEY, 12, 240.0, 240.0),
    )
    browser.sign_in(outsider)
    browser.open("/roadblock/")
    browser.wait_for_text("#chases", "runner12")
    assert browser.texts(".worth") == []

    chase = Chase.objects.get()
    plans.review(chase)
    share = Plan.objects.get().share

    browser.wait_for_text(".worth", f"1 roadblocks stop {share:.0%}".replace("%", " %"))
    browser.click("#roadblocks")
    browser.wait_for(
        lambda: browser.find("#roadblocks").get_attribute("aria-pressed") == "false"
    )
    assert browser.complaints() == []
