"""One car, one spelling."""

import pytest

from charging import plates
from tests.charging.conftest import vectors


@pytest.mark.parametrize("case", vectors("plates"), ids=lambda c: ascii(c["input"]))
def test_recorded_spellings(case):
    if case["accepted"]:
        assert plates.normalise(case["input"]) == case["normalized"]
    else:
        with pytest.raises(plates.NotAPlate):
            plates.normalise(case["input"])


@pytest.mark.parametrize(
    "plate", ["123가4567", "12가3456", "서울12가3456", "서울123456"]
)
def test_knows_korean_plates(plate):
    assert plates.is_korean(plate)


@pytest.mark.parametrize(
    "plate", ["ABC1234", "1가3456", "12가345", "1234가4567", "12A3456", "12가3456가"]
)
def test_knows_what_is_no_korean_plate(plate):
    assert not plates.is_korean(plate)


def test_likeness_counts_what_looks_alike_less():
    same = plates.likeness("12가3456", "12가3456")
    confusable = plates.likeness("12가3456", "12거3456")
    different = plates.likeness("12가3456", "12허3456")
    missing = plates.likeness("12가3456", "12가345")

    assert same == 1
    assert confusable == pytest.approx(1 - 0.4 / 7)
    assert different == pytest.approx(1 - 1 / 7)
    assert missing == pytest.approx(1 - 1 / 7)


def test_the_most_alike_is_suggested():
    others = ["99허9999", "12거3456", "12가3457"]

    assert plates.most_alike("12가3456", others) == (
        "12거3456",
        pytest.approx(0.943, abs=0.001),
    )


def test_nothing_alike_is_no_suggestion():
    assert plates.most_alike("12가3456", ["12가7890"]) is None
    assert plates.most_alike("12가3456", []) is None
