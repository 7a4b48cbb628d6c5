"""Scores and processed CSVs, byte for byte as older ones; bad input and its reason."""

import csv
import hashlib
import io
import random
import time

import pytest

from diagnosis import scoring
from tests.diagnosis.recordings import (
    EXPECTED,
    HEADER,
    SAMPLE,
    golden,
    needs_sample,
    rows,
    steps,
)

KINDS = ["BALANCEBALL", "FITBOX", "TENNISBALL"]


def table(scored):
    """Return the processed CSV as {column: [text]}."""
    header, *lines = csv.reader(io.StringIO(scored.csv.decode()))
    return dict(zip(header, map(list, zip(*lines, strict=True)), strict=True))


def reason(kind, raw):
    with pytest.raises(scoring.Unusable) as caught:
        scoring.score(kind, raw)
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_golden_recordings(kind):
    raw, processed = golden(kind)
    expected = EXPECTED["recordings"][kind]

    scored = scoring.score(kind, raw)

    assert scored.csv == processed
    assert scored.rows == expected["rows"]
    assert (scored.score, scored.time_spent, scored.fps) == (
        expected["score"],
        expected["time_spent"],
        expected["fps"],
    )


@pytest.mark.parametrize("kind", KINDS)
def test_golden_events(kind):
    cells = table(scoring.score(kind, golden(kind)[0]))

    found = [
        {"row": row, "event": event, "spend_time": cells["spend_time"][row]}
        for row, event in enumerate(cells["event"])
        if event
    ]

    assert found == EXPECTED["recordings"][kind]["events"]


@needs_sample
def test_the_real_recording():
    expected = EXPECTED["recordings"]["SAMPLE"]

    scored = scoring.score(expected["type"], SAMPLE.read_bytes())

    assert hashlib.sha256(scored.csv).hexdigest() == expected["sha256_out"]
    assert len(scored.csv) == expected["bytes_out"]
    assert (scored.score, scored.time_spent, scored.fps) == (
        expected["score"],
        expected["time_spent"],
        expected["fps"],
    )


@pytest.mark.parametrize("case", EXPECTED["small"], ids=lambda case: case["name"])
def test_small_recordings(case):
    scored = scoring.score(case["type"], case["input"].encode())

    assert scored.csv.decode() == case["output"]
    assert (scored.score, scored.time_spent, scored.fps) == (
        case["score"],
        case["time_spent"],
        case["fps"],
    )


@pytest.mark.parametrize("case", EXPECTED["unusable"], ids=lambda case: case["name"])
def test_unusable_recordings(case):
    assert reason(case["type"], case["input"].encode())


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", "The file is empty."),
        (b"\n\r\n", "The file is empty."),
        (HEADER.encode(), "There is no row below the header."),
        (rows("", ""), "There is no row below the header."),
        (
            rows("2025-01-24 14:24:44.1,3", header="current_time,Score"),
            "The column State is missing.",
        ),
        (steps(0, 1, 2).replace(b":01", b":0", 1), "current_time in row 2 is no"),
        (steps(0, 1).replace(b"14:24:01", b"25:24:01"), "current_time in row 2 is no"),
        (steps(0, 1).replace(b"01-24", b"02-30"), "current_time in row 1 is no"),
        (steps(0, 1).replace(b".0", b".0000000"), "current_time in row 1 is no"),
        (steps(0, 1).replace(b"01.0", b"01.+1"), "current_time in row 2 is no"),
        (steps(0, 1).replace(b"01.0", b"60.0"), "current_time in row 2 is no"),
        (steps(0, 1).replace(b"-01-", b"-1-"), "current_time in row 1 is no"),
        (rows(",1,1", "2025-01-24 14:24:44.1,3,0"), "current_time in row 1 is no"),
        (rows(",,", *["2025-01-24 14:24:44.1,3,0"] * 2), "current_time in row 1 is no"),
        (steps(0, "up", 1), "The column Score holds text instead of numbers."),
        (
            rows("2025-01-24 14:24:44.1,3,low", "2025-01-24 14:24:45.1,3,high"),
            "The column State holds text instead of numbers.",
        ),
        (steps(0, ""), "The last Score is empty or not finite."),
        (steps(0, "NaN"), "The last Score is empty or not finite."),
        (steps(0, "-Infinity"), "The last Score is empty or not finite."),
        (steps(0), "No time passes from the first row to the last."),
        (steps(0, 1).replace(b":01.", b":00."), "No time passes"),
        (
            rows("2025-01-24 14:24:44.1,1,1,9", "2025-01-24 14:24:45.1,1,1"),
            "Row 1 has 4 cells, the header 3.",
        ),
        (steps(0, 1, 2) + b"2025-01-24 14:24:05.0,3", "Row 4 has 2 cells"),
        (
            steps(0, 1, header=HEADER + ",Note", more=',"a, b"') + b'"a, b, c"\n',
            "Row 3 has 1 cells, the header 4.",
        ),
        (steps(0, 1, header=HEADER + ",State", more=",1"), "Two columns are named"),
        (steps(0, 1) + b'2025-01-24 14:24:05.0,3,"3\n', "a quotation mark is out of"),
        (steps(0, 1).decode().encode("utf-16"), "not in UTF-8: byte 1 does not fit"),
        (
            steps(0, 1, header=HEADER + ",메모", more=",가").decode().encode("cp949"),
            "not in UTF-8: byte 26 does not fit",
        ),
    ],
)
def test_why_a_recording_is_unusable(raw, expected):
    assert expected in reason("FITBOX", raw)


def test_a_reason_can_be_told_in_another_language():
    with pytest.raises(scoring.Unusable) as caught:
        scoring.score("FITBOX", b"State\n1\n")

    assert caught.value.template == "The column {name} is missing."
    assert caught.value.values == {"name": "current_time"}


def test_blank_lines_are_no_rows():
    raw = steps(0, 1, 2)

    scored = scoring.score("FITBOX", raw.replace(b"\n", b"\n\n") + b"\n")

    assert scored == scoring.score("FITBOX", raw)


def test_a_jump_of_the_clock_on_the_way_is_no_failure():
    raw = rows(
        "2025-01-24 14:24:44.0,0,0",
        "2025-01-24 14:24:43.0,1,1",
        "2025-01-24 14:24:46.0,2,2",
    )

    assert table(scoring.score("FITBOX", raw))["time (second)"] == [
        "0.0",
        "-1.0",
        "2.0",
    ]


def test_long_integers_stay_as_they_are():
    header = HEADER + ",Serial"
    raw = steps(0, 1, header=header, more=",18446744073709551617")

    assert table(scoring.score("FITBOX", raw))["Serial"] == ["18446744073709551617"] * 2


def test_columns_that_scoring_makes_replace_those_of_the_file():
    raw = steps(0, 1, header=HEADER + ",event", more=",Fail")

    assert table(scoring.score("FITBOX", raw))["event"] == ["", "Success"]


def test_a_position_of_another_form_gives_gaps_and_counts_for_nothing():
    cells = [
        "(1, 0, 0)",
        "(99,0,0)",
        "(NaN, 9, 9)",
        "9, 9, 9",
        "(3, 1, 0, 7)",
        "(2, 4, 0)",
    ]
    raw = rows(
        *(f'2025-01-24 14:24:0{n}.0,1,1,"{cell}"' for n, cell in enumerate(cells)),
        header=HEADER + ",Position",
    )

    found = table(scoring.score("TENNISBALL", raw))

    assert found["Position_X"] == ["1.0", "", "", "", "", "2.0"]
    assert found["Scaled_Position_Y"] == ["0.0", "", "", "", "", "1.0"]
    assert found["Scaled_Position_Z"] == ["0.0", "", "", "", "", "0.0"]
    assert "Position" not in found


def test_every_double_is_written_as_repr_writes_it():
    chance = random.Random(7)
    values = [
        chance.uniform(-1, 1) * 10 ** chance.randint(-320, 300) for _ in range(5_000)
    ]
    raw = rows(
        *(
            f"2025-01-24 14:{n // 60 % 60:02}:{n % 60:02}.{n:06},1,1,{value:.20e}"
            for n, value in enumerate(values)
        ),
        header=HEADER + ",Rotation_X",
    )

    found = table(scoring.score("FITBOX", raw))

    assert found["Rotation_X"] == [repr(value) for value in values]


def test_text_is_quoted_as_the_csv_module_quotes_it():
    texts = ['"', ",", "a\nb", " a ", "'", "", '""', "한글, 말", "#", "\t"]
    source = io.StringIO()
    writer = csv.writer(source, lineterminator="\n")
    writer.writerow(['No"te', "", *HEADER.split(",")])
    for n, text in enumerate(texts):
        writer.writerow([text, text, f"2025-01-24 14:24:{n:02}.0", 1, 1])

    scored = scoring.score("FITBOX", source.getvalue().encode())

    found = table(scored)
    again = io.StringIO()
    writer = csv.writer(again, lineterminator="\n")
    writer.writerow(found)
    writer.writerows(zip(*found.values(), strict=True))
    assert scored.csv.decode() == again.getvalue()
    assert found['No"te'] == found[""] == texts


def test_a_million_rows():
    lines = steps(*range(60)).split(b"\n", 1)[1]
    start = rows("2025-01-24 14:23:59.0,0,0")
    end = b"2025-01-24 14:25:00.5,7.25,0\n"
    raw = start + lines * 16_667 + end

    begin = time.perf_counter()
    scored = scoring.score("BALANCEBALL", raw)
    took = time.perf_counter() - begin

    assert (scored.rows, scored.score, scored.time_spent) == (1_000_022, 7.25, 61.5)
    assert took < 20  # a loop over rows takes minutes
