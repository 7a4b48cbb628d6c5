"""What becomes of a client's file name."""

import json
import re
import uuid
from pathlib import Path

import pytest

from workspace import filenames

ROWS = json.loads((Path(__file__).parent / "uploads.json").read_text("utf-8"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_as_the_original(row):
    filename, folder, content_type = filenames.stored(filenames.clean(row["name"]))

    assert str(uuid.UUID(filename[:36])) == filename[:36]
    assert filename[36:] == row["stored_ending"]
    assert folder == row["folder"]
    assert content_type == row["content_type"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("평면도.png", "평면도.png"),
        ("/etc/passwd", "passwd"),
        (r"C:\Users\kim\plan.pdf", "plan.pdf"),
        ("a\0b\r\n\x7f.txt", "ab.txt"),
        ("gpj.\u202eexe", "gpj.exe"),
        ("\u2066a\u2069\u200f\u061c.txt", "a.txt"),
        ("half\ud800.txt", "half.txt"),
        ("two\u2028lines.txt", "twolines.txt"),
        ("  spaces .txt ", "spaces .txt"),
        ("\u1112\u1161\u11ab.txt", "한.txt"),  # as macOS names files
        ("👩\u200d💻.png", "👩\u200d💻.png"),
        ("<script>alert(1)</script>.svg", "script>.svg"),
        ('a"b;c%d.txt', 'a"b;c%d.txt'),
        (".htaccess", ".htaccess"),
    ],
)
def test_names_are_cleaned(name, kept):
    assert filenames.clean(name) == kept


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "/", "a/", "\u202e", "\0", "../.."]
)
def test_what_leaves_nothing_is_no_name(name):
    with pytest.raises(filenames.Nameless):
        filenames.clean(name)


@pytest.mark.parametrize("name", ["x" * 300 + ".pdf", "한" * 300, "." + "x" * 400])
def test_long_names_are_cut_and_keep_their_ending(name):
    cut = filenames.clean(name)

    assert len(cut) == 255
    assert cut.endswith(".pdf") is name.endswith(".pdf")


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("a.abcdefghijklmnop", ".abcdefghijklmnop"),
        ("a.abcdefghijklmnopq", ""),
        ("a.p df", ""),
        ("a.한글", ""),
        ("a.t\u0661", ""),
        ("a.", ""),
        ("a.J2K", ".J2K"),
        ("a.tar.gz", ".gz"),
        ("..a", ""),
    ],
)
def test_odd_endings_are_dropped(name, ending):
    filename, _folder, _type = filenames.stored(filenames.clean(name))

    assert filename[36:] == ending
    assert len(filename) <= 60
    assert filename.isascii()
    assert re.fullmatch(filenames.STORED, filename)
