"""charging/moments.py against the contract's vectors, and what they leave out."""

from datetime import UTC, datetime

import pytest

from charging.moments import as_iso, moment_of
from tests.charging.conftest import vectors

VECTORS = vectors("match")
START = datetime(2031, 3, 11, 1, tzinfo=UTC)
END = datetime(2031, 3, 11, 2, tzinfo=UTC)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda c: str(c["timestamp"]))
def test_vectors(case):
    if case["expect"] == 422:
        with pytest.raises(ValueError):  # noqa: PT011 (the type is the promise)
            moment_of(case["timestamp"])
    else:
        assert (START <= moment_of(case["timestamp"]) < END) is case["expect"]


def test_there_are_vectors():
    assert len(VECTORS["cases"]) == 36


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2031-03-11", "2031-03-11T00:00:00Z"),
        ("2031-03-11T10:00:00,5+09:00", "2031-03-11T01:00:00.500000Z"),
        ("20310311", "1970-08-24T01:45:11Z"),
        (0, "1970-01-01T00:00:00Z"),
        (-1.5, "1969-12-31T23:59:58.500000Z"),
        (10**12 + 1, "2001-09-09T01:46:40.001000Z"),
        (-(10**12) - 1000, "1938-04-24T22:13:19Z"),
    ],
)
def test_readings(value, expected):
    assert as_iso(moment_of(value)) == expected


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        "NaN",
        "²",
        "１９３０９５７２００",
        "-1",
        "2031-03-11x01:00:00Z",
        "2031-03-11T01:00:00 Z",
        "2031-03-11T25:00:00Z",
        "9999-12-31T23:59:59-01:00",
        "9" * 5000,
        10**12,  # seconds still, and so far beyond any calendar
        10**400,
        b"2031-03-11",
    ],
    ids=lambda value: str(value)[:30],
)
def test_refusals(value):
    with pytest.raises(ValueError):  # noqa: PT011
        moment_of(value)
