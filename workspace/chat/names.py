"""Client ids and the names of groups, as they stand in addresses and commands."""

import re
import unicodedata
from dataclasses import dataclass

LONGEST = 64
NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
LEAST_NUMBER, GREATEST_NUMBER = 1_000, 999_999  # what is drawn for a text


@dataclass(frozen=True)
class Client:
    """A client's own id: a number or a text."""

    kind: str  # "n" or "t"
    id: str  # a number without leading zeros, or the text as it is

    @property
    def original(self):
        """The id as JSON shows it: `007` is 7."""
        return int(self.id) if self.kind == "n" else self.id


def client(text):
    """Return the Client of a name; only 1 to 18 ASCII digits make a number."""
    if NUMBER.fullmatch(text):
        return Client("n", str(int(text)))
    return Client("t", text)


def is_name(text):
    """Tell whether a text can be an id or a group."""
    return (
        0 < len(text) <= LONGEST
        and not text.isspace()
        and "/" not in text  # nobody could address it
        and not any(unwanted(sign) for sign in text)
    )


def unwanted(sign):
    # U+FFFD stands where an address was no UTF-8.
    return unicodedata.category(sign) in ("Cc", "Cs") or sign == "\ufffd"
