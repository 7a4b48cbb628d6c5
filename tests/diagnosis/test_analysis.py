"""What plots show, out of processed CSVs."""

import json

import pytest

from diagnosis import analysis, scoring
from tests.diagnosis.recordings import HEADER, SAMPLE, golden, needs_sample, rows, steps

KINDS = ["BALANCEBALL", "FITBOX", "TENNISBALL"]
ROTATIONS = ["Rotation_X", "Rotation_Y", "Rotation_Z"]
POSITIONS = ["Position_X", "Position_Y", "Position_Z"]


def analysed(kind, raw):
    return analysis.analyse(scoring.score(kind, raw).csv)


def test_a_short_recording_keeps_every_row():
    points = analysed("FITBOX", golden("FITBOX")[0])["points"]

    assert points["rows"] == list(range(36))
    assert list(points["channels"]) == [*ROTATIONS, "Score", "State"]
    assert points["seconds"][:2] == [0.0, 0.010999917984008789]
    assert points["channels"]["Rotation_X"][:2] == [0.3589384, -0.24921]


def test_positions_come_with_a_tennis_ball():
    points = analysed("TENNISBALL", golden("TENNISBALL")[0])["points"]

    assert list(points["channels"]) == [*POSITIONS, *ROTATIONS, "Gap", "Score", "State"]


def test_events_in_true_units():
    events = analysed("FITBOX", golden("FITBOX")[0])["events"]

    assert [(e["row"], e["event"], e["number"]) for e in events] == [
        (6, "Fail", 1),
        (7, "Fail", 2),
        (12, "Success", 1),
        (20, "Fail", 3),
        (25, "Success", 2),
        (30, "Success", 3),
    ]
    assert events[0]["elapsed_seconds"] == 0.0820000171661377
    assert events[2]["seconds"] == pytest.approx(0.175, abs=1e-6)


@needs_sample
def test_a_long_recording_keeps_events_and_extremes():
    found = analysed("BALANCEBALL", SAMPLE.read_bytes())

    points, channels = found["points"], found["points"]["channels"]
    assert 1_500 < len(points["rows"]) <= analysis.MOST_POINTS
    assert points["rows"][0] == 0
    assert points["rows"][-1] == 4287
    assert len(found["events"]) == 18
    assert {event["row"] for event in found["events"]} <= set(points["rows"])
    for name in ROTATIONS:
        assert min(channels[name]) == found["statistics"][name]["min"]
        assert max(channels[name]) == found["statistics"][name]["max"]


def test_a_single_peak_among_many_rows_stays():
    lines = [
        f"2025-01-24 14:{n // 600:02}:{n // 10 % 60:02}.{n % 10},0,0,{int(n == 12_345)}"
        for n in range(30_000)
    ]

    points = analysed("FITBOX", rows(*lines, header=HEADER + ",Rotation_X"))["points"]

    assert 12_345 in points["rows"]
    assert len(points["rows"]) <= analysis.MOST_POINTS


def test_more_events_than_points_all_stay():
    lines = [
        f"2025-01-24 14:{n // 600:02}:{n // 10 % 60:02}.{n % 10},0,{n % 2}"
        for n in range(5_000)
    ]

    found = analysed("FITBOX", rows(*lines))

    assert len(found["events"]) == 4_999
    assert found["points"]["rows"] == list(range(5_000))


def test_gaps_are_none():
    raw = rows(
        "2025-01-24 14:24:44.0,0,0,",
        "2025-01-24 14:24:45.0,1,,inf",
        "2025-01-24 14:24:46.0,1,2,3",
        header=HEADER + ",Rotation_X",
    )

    found = analysed("FITBOX", raw)

    assert found["points"]["channels"]["Rotation_X"] == [None, None, 3.0]
    assert found["points"]["channels"]["State"] == [0.0, None, 2.0]
    assert found["statistics"]["Rotation_X"] == {
        "min": 3.0,
        "max": 3.0,
        "mean": 3.0,
        "deviation": 0.0,
    }


def test_a_channel_of_text_has_no_plot():
    raw = steps(0, 1, header=HEADER + ",Rotation_X", more=",left")

    assert list(analysed("FITBOX", raw)["points"]["channels"]) == ["Score", "State"]


@pytest.mark.parametrize(("kind", "count"), [("BALANCEBALL", 15), ("TENNISBALL", 78)])
def test_correlations_of_every_pair(kind, count):
    assert len(analysed(kind, golden(kind)[0])["correlations"]) == count


def test_correlations_known_from_older_reports():
    found = analysed("BALANCEBALL", golden("BALANCEBALL")[0])["correlations"]

    assert found["Rotation_X * Rotation_Y"] == pytest.approx(-0.216288110, abs=1e-9)
    assert found["Score * time (second)"] == pytest.approx(0.926850533, abs=1e-9)


def test_a_still_column_has_no_correlation():
    found = analysed("FITBOX", steps(1, 1, 1))["correlations"]

    assert found == {
        "Score * State": None,
        "Score * time (second)": None,
        "State * time (second)": None,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_all_is_json(kind):
    raw = golden(kind)[0].replace(b",0.1", b",1e300").replace(b",-0.2", b",-1e300")

    assert json.dumps(analysed(kind, raw), allow_nan=False)
