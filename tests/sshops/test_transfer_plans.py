"""What a transfer copies, and to where: patterns, odd names, odd things in the way."""

import hashlib
import os
import uuid

import pytest
from django.core.files.base import ContentFile

from sshops import digests, shared_transfers, transfer_runs, transfers
from sshops.models import Transfer
from sshops.places import meant, stored
from tests import factories
from workspace import files

pytestmark = pytest.mark.django_db(transaction=True)

EUC_KR = b"euc\xc7\xd1\xb1\xdb.txt"
SHOWN = r"euc\xc7\xd1\xb1\xdb.txt"


@pytest.fixture
def copied(sshd, other_sshd, caller):
    """Return a function that copies from one sshd to the other, and returns the run."""

    def copy(source, target):
        transfer = Transfer.objects.create(
            name=f"t-{uuid.uuid4()}",
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
    texts = {EUC_KR: "x", SHOWN.encode(): "y", "한글".encode(): "z"}
    for name, text in texts.items():
        (here / os.fsdecode(name)).write_text(text)
    (here / os.fsdecode(b"folder\xff")).mkdir()
    (here / os.fsdecode(b"folder\xff/\xc7")).write_text("deep")
    texts[b"folder\xff/\xc7"] = "deep"

    run = copied(here / pattern, there / "new")

    assert (run.state, run.error, run.files_done) == ("complete", "", 4)
    assert content(there / "new") == texts
    assert run.files.filter(source_path=f"{here}/{SHOWN}").exists()


def test_a_server_sums_up_a_large_file_of_such_a_name(copied, here, there, monkeypatch):
    monkeypatch.setattr(digests, "_read", None)  # nothing is read back
    data = os.urandom(digests.STEP_BYTES + 3_000_000)
    for folder in (here, there):
        (folder / os.fsdecode(b"folder\xff")).mkdir()
    (here / os.fsdecode(b"folder\xff") / os.fsdecode(EUC_KR)).write_bytes(data)

    run = copied(here / "f*", there)

    assert (run.state, run.error) == ("complete", "")
    assert run.files.get(is_folder=False).sha256 == hashlib.sha256(data).hexdigest()
    path = there / os.fsdecode(b"folder\xff") / os.fsdecode(EUC_KR)
    assert path.read_bytes() == data


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


def test_an_error_names_the_file(copied, there):
    run = copied("/proc/sys/net/ipv4/route/flu*", there)

    assert run.error_code == 24003
    assert "/proc/sys/net/ipv4/route/flush" in run.error


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


# What is there already


@pytest.mark.parametrize("name", [b"b", EUC_KR])
def test_a_device_is_not_replaced(copied, here, there, name):
    for file in (b"a", name, b"z"):
        (here / os.fsdecode(file)).write_text("x")
    os.mkfifo(there / os.fsdecode(name))

    run = copied(f"{here}/*", there)

    assert (run.state, run.error_code) == ("error", 24000)
    assert stored(f"{there}/{os.fsdecode(name)}") in run.error
    assert os.listdir(os.fsencode(there)) == [name]
    assert (there / os.fsdecode(name)).is_fifo()


def test_a_device_is_not_replaced_by_a_shared_file(caller, server, shelf, there):
    content = ContentFile(b"x")
    upload = files.accept(owner=caller.user, content=content, name="a")
    os.mkfifo(there / "pipe")

    run = shared_transfers.send(caller, server.name, upload.filename, f"{there}/pipe")
    transfer_runs.run(run.pk)

    run.refresh_from_db()
    assert (run.state, run.error_code) == ("error", 24000)
    assert f"{there}/pipe" in run.error
    assert (there / "pipe").is_fifo()


def test_files_and_folders_do_not_replace_each_other(copied, here, there):
    (here / "tree/a").mkdir(parents=True)
    (here / "tree/b").write_text("x")
    (there / "tree").mkdir()
    (there / "tree/a").write_text("kept")

    run = copied(here / "tree", there)

    assert f"{there}/tree/a" in run.error
    assert content(there) == {b"tree/a": "kept"}

    (there / "tree/a").unlink()
    (there / "tree/b").mkdir()
    run = copied(here / "tree", there)

    assert f"{there}/tree/b" in run.error
    assert os.listdir(there / "tree") == ["b"]


def test_many_files_do_not_come_into_a_file(copied, here, there):
    (here / "a").write_text("a")
    (there / "file").write_text("kept")

    run = copied(f"{here}/*", there / "file")

    assert (run.error_code, f"{there}/file" in run.error) == (24000, True)
    assert content(there) == {b"file": "kept"}


@pytest.mark.parametrize("there_already", [True, False])
def test_a_link_is_followed(copied, here, there, there_already):
    (here / "a").write_text("new")
    if there_already:
        (there / "real").write_text("old")
    (there / "a").symlink_to("real")

    run = copied(here / "a", there)

    assert run.state == "complete"
    assert (there / "a").is_symlink()
    assert (there / "real").read_text() == "new"


@pytest.mark.parametrize("goal", ["a", "no/such/folder", "/dev/null"])
def test_a_link_to_no_file_is_not_replaced(copied, here, there, goal):
    (here / "a").write_text("new")
    (there / "a").symlink_to(goal)

    run = copied(here / "a", there)

    assert (run.state, run.error_code) == ("error", 24000)
    assert f"{there}/a" in run.error
    assert os.readlink(there / "a") == goal


def test_two_files_do_not_come_to_one_place(copied, here, there):
    for name in "ab":
        (here / name).write_text(name)
        (there / name).symlink_to("real")

    run = copied(f"{here}/*", there)

    assert (run.error_code, f"{there}/b" in run.error) == (24000, True)
    assert not (there / "real").exists()
