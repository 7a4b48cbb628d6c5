"""Made-up recordings: the same for the same seed, and fit to be scored."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from diagnosis import analysis, scoring, synthetic

KINDS = ["BALANCEBALL", "FITBOX", "TENNISBALL"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_recording_can_be_scored(kind, level):
    scored = scoring.score(kind, synthetic.recording(kind, level=level, seed=level))

    assert scored.rows == 60 * synthetic.ROWS_A_SECOND
    assert scored.time_spent == pytest.approx(60, abs=1e-6)
    assert analysis.analyse(scored.csv)["events"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_makes_the_same_bytes(kind):
    one, again, other = (synthetic.recording(kind, seed=seed) for seed in (1, 1, 2))

    assert one == again
    assert one != other


def test_skill_shows_in_the_score():
    def points(skill):
        raw = synthetic.recording("TENNISBALL", skill=skill, seconds=300, level=2)
        return scoring.score("TENNISBALL", raw).score

    assert points(0.2) < points(0.5) < points(0.9)


def test_the_command_prints():
    out = StringIO()

    call_command("make_recording", "FITBOX", seconds=2, seed=3, stdout=out)

    assert out.getvalue().encode() == synthetic.recording("FITBOX", seconds=2, seed=3)


def test_the_command_writes_a_file(tmp_path):
    out, path = StringIO(), tmp_path / "fit.csv"

    call_command("make_recording", "FITBOX", seconds=1, output=path, stdout=out)

    assert path.read_bytes() == synthetic.recording("FITBOX", seconds=1)
    assert "Wrote 72 rows" in out.getvalue()


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(CommandError, match="was not written"):
        call_command("make_recording", "FITBOX", output=tmp_path)


@pytest.mark.parametrize("option", ["--seconds=0", "--skill=2", "--level=4"])
def test_what_the_command_refuses(option):
    with pytest.raises(CommandError):
        call_command("make_recording", "FITBOX", option)
