"""What a transfer copies, and to where: patterns, odd names, odd things in the way."""

import os
import uuid

import pytest

from sshops import transfer_runs, transfers
from sshops.commands import Caller
from sshops.models import Transfer
from sshops.places import meant, stored
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

EUC_KR = b"euc\xc7\xd1\xb1\xdb.txt"
SHOWN = r"euc\xc7\xd1\xb1\xdb.txt"


@pytest.fixture
def here(tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture
def caller(operator):
    return Caller(operator, str(uuid.uuid4()), "10.1.2.3")


@pytest.fixture
def copied(sshd, other_sshd, caller):
    """Return a function that copies from one sshd to the other, and returns the run."""

    def copy(source, target):
        transfer = Transfer.objects.create(
            name="t",
            source_server=factories.server(sshd),
            source_path=str(source),
            target_server=factories.server(other_sshd),
            target_path=str(target),
        )
        run = transfers.ask(caller, transfer.name, in_session=False)
        transfer_runs.run(run.pk)
        run.refresh_from_db()
        return run

    return copy


def content(folder):
    """Return {name: text} of all files below a folder."""
    return {
        os.fsencode(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("end", ["", "/"])
def test_each_match_has_its_own_name(copied, here, there, end):
    for name in "abc":
        (here / f"{name}.dat").write_text(name)
    (here / "d.dat").mkdir()
    (here / "d.dat/inner").write_text("d")

    run = copied(f"{here}/*.dat{end}", there / "new")

    assert (run.state, run.files_done) == ("complete", 4)
    assert content(there / "new") == {
        b"a.dat": "a",
        b"b.dat": "b",
        b"c.dat": "c",
        b"d.dat/inner": "d",
    }


@pytest.mark.parametrize("pattern", ["*", ""])
def test_names_that_are_no_utf8_are_kept(copied, here, there, pattern):
    files = {EUC_KR: "x", SHOWN.encode(): "y", "한글".encode(): "z"}
    for name, text in files.items():
        (here / os.fsdecode(name)).write_text(text)
    (here / os.fsdecode(b"folder\xff")).mkdir()
    (here / os.fsdecode(b"folder\xff/\xc7")).write_text("deep")
    files[b"folder\xff/\xc7"] = "deep"

    run = copied(here / pattern, there / "new")

    assert (run.state, run.error, run.files_done) == ("complete", "", 4)
    assert content(there / "new") == files
    assert run.files.filter(source_path=f"{here}/{SHOWN}").exists()


def test_a_pattern_cares_for_what_it_matches_alone(copied, here, there):
    (here / os.fsdecode(EUC_KR)).write_text("x")
    (here / "a").write_text("a")

    assert copied(f"{here}/a*", there).state == "complete"
    assert content(there) == {b"a": "a"}


@pytest.mark.parametrize("name", [EUC_KR, SHOWN.encode(), rb"\\xc7\x5c", b"\\\xc7\\"])
def test_a_stored_path_is_meant_exactly(name):
    path = os.fsdecode(name)

    assert stored(path).isascii()
    assert meant(stored(path)) == path


@pytest.mark.parametrize("pattern", ["*", ""])
def test_links_that_lead_nowhere_are_left_out(copied, here, there, pattern):
    (here / "a").write_text("a")
    (here / "dangling").symlink_to("nothing")
    (here / "loop").symlink_to("loop")
    os.mkfifo(here / "pipe")

    run = copied(here / pattern, there / "new")

    assert (run.state, run.files_done) == ("complete", 1)
    assert content(there / "new") == {b"a": "a"}
    assert os.listdir(there / "new") == ["a"]


@pytest.mark.parametrize("name", ["loop", "dangling", "pipe", "l*"])
def test_nothing_but_what_cannot_be_copied(copied, here, there, name):
    (here / "dangling").symlink_to("nothing")
    (here / "loop").symlink_to("loop")
    os.mkfifo(here / "pipe")

    run = copied(here / name, there)

    assert (run.state, run.error_code) == ("error", 24000)
    assert f"{here}/{name}" in run.error
