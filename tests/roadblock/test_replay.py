"""Chases played again, exported, shared; and the report."""

import csv
import io
import json
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from roadblock import chases, exports, replay, reports, shares, tasks
from roadblock.models import Alert, Chase, Event, Plan, Position, Roadblock, Vehicle
from tests import factories

GPX = f"{{{exports.GPX}}}"
PATHS = ["recording", "export.csv", "export.geojson"]


@pytest.fixture
def chase(db, settings, tmp_path):
    """A caught chase of 20 s: the police came near after 10 s, on a bare map."""
    settings.ROADBLOCK_MAPS_DIR = tmp_path
    police, runner = factories.police_car(3, "=POLICE"), factories.runner(12, "R")
    chases.fail(3, 12)
    chases.catch(3, 12)
    start = timezone.now() - timedelta(seconds=100)
    Chase.objects.update(started_at=start, ended_at=start + timedelta(seconds=20))
    Event.objects.update(created_at=start + timedelta(seconds=20))
    Event.objects.filter(status="run").update(created_at=start)
    for second in range(21):
        moment = start + timedelta(seconds=second)
        # The runner stands; the police drive 10 m a second, and pass it at second 13.
        for car, x in ((police, 10.0 * second - 130.0), (runner, 0.0)):
            Position.objects.create(vehicle=car, x=x, y=5.0, created_at=moment)
    return Chase.objects.select_related("runner", "catcher").get()


def path(chase, end):
    return f"/roadblock/chases/{chase.pk}/{end}"


def test_a_recording(api, outsider, chase):
    body = api(outsider).get(path(chase, "recording")).json()

    assert [event["status"] for event in body["events"]] == ["run", "failed", "catch"]
    assert [event["at"] for event in body["events"]] == [0, 20, 20]
    police, runner = sorted(body["cars"], key=lambda car: car["vehicle_type"])
    assert police["track"][0] == [0, -130, 5]
    assert police["track"][-1] == [20, 70, 5]
    assert len(police["track"]) == len(runner["track"]) == 21
    assert (body["begin"], body["end"], body["step"]) == (-5, 25, 0)


def test_a_recording_tells_of_alerts_and_plans(api, client, outsider, chase):
    start = chase.started_at
    for second, kind in ((5, "enter"), (200, "leave")):
        Alert.objects.create(
            kind=kind, vehicle=chase.runner, zone_name="Harbour", x=0, y=0,
            created_at=start + timedelta(seconds=second),
        )  # fmt: skip
    for second, trial in ((2, False), (3, True)):
        plan = Plan.objects.create(
            chase=chase, reason="start", share=0.4, bound=0.5, is_trial=trial,
            made_at=start + timedelta(seconds=second),
        )  # fmt: skip
        Roadblock.objects.create(
            plan=plan, unit=chase.catcher, node="A", x=1, y=2, heading=90
        )

    body = api(outsider).get(path(chase, "recording")).json()

    [alert] = body["alerts"]
    assert (alert["at"], alert["kind"], alert["zone_name"]) == (5, "enter", "Harbour")
    [plan] = body["plans"]
    assert (plan["at"], plan["until"], plan["share"]) == (2, None, 0.4)
    assert plan["roadblocks"] == [
        {"unit_id": chase.catcher_id, "x": 1, "y": 2, "heading": 90}
    ]
    token, _expires = shares.make(chase, hours=1)
    shared = client.get(f"/roadblock/shared/{token}/recording").json()
    assert (shared["alerts"], len(shared["plans"])) == ([], 1)


def test_a_long_recording_is_thinned(chase):
    recording = replay.record(chase, most_points=12)

    assert recording.step == 5  # 30 s of two cars in twelve points
    for track in recording.tracks.values():
        assert [round(t) for t, _x, _y in track] == [0, 5, 10, 15, 20]


def test_cars_of_other_maps_and_times_are_left_out(chase):
    elsewhere, silent = factories.police_car(), factories.police_car()
    elsewhere.map_id = 77
    elsewhere.save()
    for car, moment in ((elsewhere, chase.started_at), (silent, timezone.now())):
        Position.objects.create(vehicle=car, x=0, y=0, created_at=moment)

    cars = replay.record(chase).cars

    assert {car.car_name for car in cars} == {"=POLICE", "R"}


def test_geojson_in_metres_on_a_bare_map(api, outsider, chase):
    response = api(outsider).get(path(chase, "export.geojson"))

    body = json.loads(response.content)
    assert response["Content-Disposition"] == (
        f'attachment; filename="chase-{chase.pk}.geojson"'
    )
    assert body["units"] == "metres"
    kinds = [feature["geometry"]["type"] for feature in body["features"]]
    assert kinds == ["LineString"] * 2 + ["Point"] * 3


def test_csv_has_no_formulas(api, outsider, chase):
    response = api(outsider).get(path(chase, "export.csv"))

    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert len(rows) == 42
    assert {row["car_name"] for row in rows} == {"'=POLICE", "R"}
    assert rows[0]["latitude"] == ""


def test_gpx_needs_a_place_on_earth(api, outsider, chase, folder, settings):
    refused = api(outsider).get(path(chase, "export.gpx"))
    assert (refused.status_code, refused.json()["code"]) == (409, "no_georeference")

    system = "+proj=utm +zone=52 +datum=WGS84 +units=m"
    folder(
        global_info={
            "global_coordinate_system": system,
            "local_origin_in_global": [302459.942, 4122635.537, 28.9],
        }
    )
    settings.ROADBLOCK_DEFAULT_MAP_ID = 101  # the first that no catalogue names
    response = api(outsider).get(path(chase, "export.gpx"))
    root = ElementTree.fromstring(response.content)

    names = [node.text for node in root.iterfind(f".//{GPX}trk/{GPX}name")]
    points = root.findall(f".//{GPX}trkpt")
    assert float(points[0].get("lat")) == pytest.approx(37.23, abs=0.01)
    assert float(points[0].get("lon")) == pytest.approx(126.77, abs=0.01)
    assert sorted(names) == ["=POLICE", "R"]
    assert len(points) == 42


def test_unknown_chases_and_forms(api, outsider, chase):
    get = api(outsider).get

    assert get("/roadblock/chases/999999/recording").status_code == 404
    assert get("/roadblock/chases/x/recording").status_code == 422
    assert get(path(chase, "export.exe")).status_code == 404


@pytest.mark.parametrize("end", PATHS)
def test_nobody_sees_no_replay(api, chase, end):
    assert api().get(path(chase, end)).status_code == 401


# Shared links


def test_an_operator_shares_a_chase_with_everybody(api, client, operator, chase):
    made = api(operator).post(path(chase, "share"), {"hours": 1})
    url = made.json()["url"]

    assert made.status_code == 201
    page = client.get(url)
    assert page.status_code == 200
    assert page["Referrer-Policy"] == "no-referrer"
    assert client.get(f"{url}/recording").json()["chase"]["id"] == chase.pk
    assert client.get(f"{url}/roads").status_code == 404  # the map is bare
    assert client.get(path(chase, "recording")).status_code == 401
    assert client.post(f"{url}/recording").status_code == 405


def test_only_operators_share(api, outsider, chase):
    assert api(outsider).post(path(chase, "share"), {"hours": 1}).status_code == 403
    assert api().post(path(chase, "share"), {"hours": 1}).status_code == 401


@pytest.mark.parametrize("hours", [0, 721, "x", None, 1.5])
def test_links_of_other_lengths_are_refused(api, operator, chase, hours):
    response = api(operator).post(path(chase, "share"), {"hours": hours})

    assert response.status_code == 422


def test_a_link_expires(client, chase):
    token, _expires = shares.make(chase, hours=-1)

    assert client.get(f"/roadblock/shared/{token}").status_code == 410
    recording = client.get(f"/roadblock/shared/{token}/recording")
    assert (recording.status_code, recording.json()["code"]) == (410, "link_expired")
    assert client.get(f"/roadblock/shared/{token}/roads").status_code == 410


def test_a_changed_link_is_none(client, chase):
    token, _expires = shares.make(chase, hours=1)

    for other in (token[:-1] + "-", "x", f"{token}x"):
        assert client.get(f"/roadblock/shared/{other}/recording").status_code == 404


def test_a_link_does_not_show_what_came_after(client, chase):
    Chase.objects.update(ended_at=None, outcome="", catcher=None)
    token, _expires = shares.make(Chase.objects.get(), hours=1)
    later = timezone.now() + timedelta(seconds=1)
    Position.objects.create(vehicle=chase.runner, x=9, y=9, created_at=later)

    body = client.get(f"/roadblock/shared/{token}/recording").json()

    track = next(c["track"] for c in body["cars"] if c["id"] == chase.runner_id)
    assert track[-1] == [20, 0, 5]


# Reports


def test_a_report(api, outsider, chase):
    body = api(outsider).get("/roadblock/reports").json()

    assert body["totals"] == {
        "chases": 1,
        "caught": 1,
        "seconds_to_capture": 20,
        "response_seconds": pytest.approx(10, abs=1e-3),
    }
    unit = body["units"][0]
    assert (unit["car_name"], unit["captures"], unit["misses"]) == ("=POLICE", 1, 1)
    assert unit["metres"] == pytest.approx(200)
    assert unit["response_seconds"] == pytest.approx(10, abs=1e-3)
    assert body["chases"][0]["runner_metres"] == 0


def test_an_ended_chase_is_measured_once(chase):
    begin, end = chase.started_at, timezone.now()
    first = reports.report(begin, end)
    with CaptureQueriesContext(
        connection,
    ) as again:
        second = reports.report(begin, end)

    assert first == second
    assert len(again) == 2


LONG_AGO = timedelta(days=8)


@pytest.fixture
def old_chase(chase, settings):
    """A chase whose positions are to be swept."""
    settings.ROADBLOCK_TRACK_KEEP_DAYS = 7
    for model in (Vehicle, Event, Position):
        model.objects.update(created_at=F("created_at") - LONG_AGO)
    Chase.objects.update(
        started_at=F("started_at") - LONG_AGO, ended_at=F("ended_at") - LONG_AGO
    )
    return chase


def test_a_chase_that_cannot_be_measured_holds_up_nothing(
    old_chase, monkeypatch, caplog
):
    def broken(recording):
        raise ValueError("not a number")

    monkeypatch.setattr(reports, "measure", broken)
    tasks.sweep_positions()

    assert not Position.objects.exists()
    assert f"Chase {old_chase.pk} has no figures" in caplog.text


def test_a_report_outlives_the_positions(chase, old_chase):
    tasks.sweep_positions()

    assert not Position.objects.exists()
    begin = chase.started_at - LONG_AGO
    report = reports.report(begin, begin + timedelta(hours=1))
    assert report["units"][0]["metres"] == pytest.approx(200)
    assert report["units"][0]["response_seconds"] == pytest.approx(10, abs=1e-3)


def test_a_leap_is_not_driven():
    assert reports.way(reports.np.array([[0, 0, 0], [1, 3, 4], [2, 5000, 4]])) == 5


def test_a_report_as_csv(api, outsider, chase):
    text = api(outsider).get("/roadblock/reports.csv").content.decode("utf-8-sig")

    assert list(csv.reader(io.StringIO(text)))[1] == [
        *("3", "'=POLICE", "1", "1", "1", "200.0", "10.0"),
    ]


@pytest.mark.parametrize(
    "query",
    [
        *("from=x", "from=2026-02-30", "from=2026-03-02&to=2026-03-01"),
        *("from=2020-01-01&to=2026-01-01", "to=0001-01-01", "to=9999-12-31"),
    ],
)
def test_bad_periods(api, client, outsider, query):
    client.force_login(outsider)

    assert api(outsider).get(f"/roadblock/reports?{query}").status_code == 422
    assert client.get(f"/roadblock/report?{query}").status_code == 422


def test_pages_are_for_people_who_are_signed_in(client, outsider, chase):
    pages = [path(chase, "replay"), "/roadblock/report"]
    assert [client.get(page).status_code for page in pages] == [302, 302]
    assert client.get("/roadblock/reports").status_code == 401
    assert client.get("/roadblock/reports.csv").status_code == 401

    client.force_login(outsider)

    assert [client.get(page).status_code for page in pages] == [200, 200]
    assert client.get("/roadblock/chases/999999/replay").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_replay_in_a_browser(browser, outsider, chase):
    moment = chase.started_at + timedelta(seconds=2)
    Plan.objects.create(chase=chase, reason="start", share=0.42, made_at=moment)
    browser.sign_in(outsider)
    browser.open(path(chase, f"replay?t=18&speed=20&follow={chase.catcher_id}"))
    browser.wait_for(lambda: browser.texts("#clock") == ["0:18"])
    assert browser.find("#follow").get_attribute("value") == str(chase.catcher_id)

    browser.click("#play")
    browser.wait_for(lambda: browser.texts("#clock") == ["0:25"])
    browser.click("#events li:first-child button")
    browser.wait_for(lambda: browser.texts("#clock") == ["0:00"])
    assert "R is on the run" in browser.texts("#events")[0]
    browser.wait_for_text("#events", "0:02 0 roadblocks stop 42 %")
    assert len(browser.driver.find_elements("css selector", "#marks .plan")) == 1
