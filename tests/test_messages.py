"""Every text has its Korean, and the compiled catalogues are those of today."""

import re
import runpy
from pathlib import Path

import polib
import pytest

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = sorted((ROOT / "config" / "locale").rglob("*.po"))
gathered = runpy.run_path(str(ROOT / "script" / "messages"))["gathered"]

each_catalogue = pytest.mark.parametrize(
    "path", CATALOGUES, ids=lambda path: f"{path.parent.parent.name} {path.stem}"
)


def test_both_catalogues_are_there():
    names = [
        path.relative_to(ROOT / "config" / "locale").as_posix() for path in CATALOGUES
    ]

    assert names == ["ko/LC_MESSAGES/django.po", "ko/LC_MESSAGES/djangojs.po"]


@each_catalogue
def test_every_text_is_translated(path):
    catalogue = polib.pofile(path)

    assert [entry.msgid for entry in catalogue.untranslated_entries()] == []
    assert [entry.msgid for entry in catalogue.fuzzy_entries()] == []


@each_catalogue
def test_the_catalogue_knows_the_texts_of_today(path):
    """When this fails, run script/messages and translate what it lists."""
    known = [(e.msgctxt, e.msgid, e.msgid_plural or None) for e in polib.pofile(path)]

    assert known == gathered(path.stem)


@each_catalogue
def test_the_compiled_catalogue_is_current(path):
    """When this fails, run script/messages."""
    compiled = path.with_suffix(".mo").read_bytes()

    assert compiled == polib.pofile(path).to_binary()


@each_catalogue
def test_translations_keep_their_gaps(path):
    for entry in polib.pofile(path):
        for text in [entry.msgstr, *entry.msgstr_plural.values()]:
            if text:
                assert gaps(text) == gaps(entry.msgid), entry.msgid


def gaps(text):
    return sorted(re.findall(r"%\(\w+\)s|\{\w*\}", text))
