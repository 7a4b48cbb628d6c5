"""Files that people share, for apps that send and fetch some; one app keeps them.

That app names its keeper when it starts: `kept_by(sharing)`. The others ask `keeper()`
and see files by `SharedFile` alone, so neither has to know the other. Who may read and
who may add is the keeper's to decide.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class SharedFile:
    """A file as it is kept; its bytes never change."""

    id: str
    name: str
    size: int
    stored_at: datetime


class Arrival(Protocol):
    """A file on its way in, piece by piece; what has come survives a killed process."""

    offset: int  # bytes that are kept
    size: int

    def add(self, read):
        """Keep what `read(size)` gives, up to its empty answer or an OSError."""

    def pieces(self):
        """Yield the bytes that are kept."""

    def finish(self) -> SharedFile:
        """Make the shared file of it, once, however often it is asked for."""

    def drop(self):
        """Forget it, unless it became a file."""


class Keeper(Protocol):
    """All raise a DomainError: what is not there, not allowed, too large, or away."""

    def listed(self, user, search="", most=100) -> list[SharedFile]:
        """Return files that the user may read, the newest first."""

    def find(self, user, id) -> SharedFile:
        """Return a file that the user may read."""

    def pieces(self, id, start, stop):
        """Yield these bytes of a file."""

    def named(self, user, name) -> str:
        """Return what a file of the user's that comes under a name will be called."""

    def begin(self, user, *, id, name, size) -> Arrival:
        """Return the Arrival of that UUID, a new one or where it has come to."""


_keeper = None


def kept_by(keeper):
    """Name the Keeper of this process."""
    global _keeper
    _keeper = keeper


def keeper():
    """Return the Keeper; raise LookupError where no app has named one."""
    if _keeper is None:
        raise LookupError("no app keeps shared files")
    return _keeper
