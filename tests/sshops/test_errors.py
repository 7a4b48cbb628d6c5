"""The numbers of the errors, against the table of the contract."""

import json
from pathlib import Path

import pytest

from sshops import errors

TABLE = {
    row["code"]: row
    for row in json.loads((Path(__file__).parent / "error_codes.json").read_text())
}

OURS = 60_000  # what the replaced system did not have: terminals


def classes():
    found = [errors.Failure]
    for kind in found:
        found += kind.__subclasses__()
    return found


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)
def test_an_error_is_as_in_the_table(kind):
    if kind.error_code >= OURS:
        assert kind.error_code not in TABLE
        return
    row = TABLE[kind.error_code]

    assert (row["name"], row["http_status"]) == (kind.code, kind.status)


def test_no_number_is_used_twice():
    # A special case of a situation has its number.
    numbers = [kind.error_code for kind in classes() if "error_code" in vars(kind)]

    assert sorted(set(numbers)) == sorted(numbers)
