"""Recordings that tests use: golden ones, the real one, and small ones made up."""

import json
import os
from pathlib import Path

import pytest

GOLDEN = Path(__file__).with_name("golden")
EXPECTED = json.loads((GOLDEN / "golden.json").read_text())
CONTRACTS = Path(
    os.environ.get(
        "MADANG_CONTRACTS",
        Path(__file__).resolve().parents[3] / "shared" / "contracts",
    )
)
SAMPLE = CONTRACTS / "diagnosis" / "balanceball_sample.csv"
needs_sample = pytest.mark.skipif(
    not SAMPLE.is_file(), reason="The real recording isn't here (MADANG_CONTRACTS)"
)

HEADER = "current_time,Score,State"


def golden(kind):
    """Return a golden recording and its processed CSV, as bytes."""
    names = EXPECTED["recordings"][kind]
    return (GOLDEN / names["input"]).read_bytes(), (
        GOLDEN / names["output"]
    ).read_bytes()


def rows(*texts, header=HEADER):
    """Return a CSV of these lines below a header, as bytes."""
    return "\n".join([header, *texts, ""]).encode()


def steps(*states, header=HEADER, more=""):
    """Return a recording with these states, a row a second, the score as the state."""
    return rows(
        *(f"2025-01-24 14:24:{n:02}.0,{s},{s}{more}" for n, s in enumerate(states)),
        header=header,
    )
