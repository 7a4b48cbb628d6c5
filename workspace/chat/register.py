"""Who is connected and in which group: the shared state, as a server process calls it.

A process renews its sockets every REFRESH_SECONDS; those of one that was killed lapse
45 seconds after its last sign of life.
"""

import json
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.conf import settings

from config.errors import Conflict, Unavailable
from config.realtime import packed
from workspace.chat import scripts
from workspace.chat.lines import as_list
from workspace.chat.names import GREATEST_NUMBER, LEAST_NUMBER

GROUP = "workspace.chat"  # of the hub: one ordered line of changes and messages
REFRESH_SECONDS, SWEEP_SECONDS = 15, 5
DRAWS = 16
TO_GROUP, TO_ID, TO_ALL = "group", "id", "all"


class IdHeld(Conflict):
    """This id is in use by somebody else; choose another one."""

    code = "id_held"


@dataclass
class Place:
    """One socket as others see it."""

    client: object  # a names.Client, or None on /ws
    user: object
    group: str = ""
    number: str = ""  # of the id, or drawn for it
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    connected_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def key(self):
        return f"{self.client.kind}{self.client.id}" if self.client else ""

    def entry(self, number):
        """Return the entry in the client list, the number as it is given."""
        moment = self.connected_at.isoformat(timespec="milliseconds")
        entry = {
            "connection_id": self.id,
            "client_id": number if self.client else None,
            "original_client_id": self.client.original if self.client else None,
            "groups": [self.group] if self.group else [],
            "connected_at": moment.replace("+00:00", "Z"),
        }
        if self.client:
            mapping = {"string_id": self.client.id} if self.client.kind == "t" else {}
            entry["id_mapping"] = {**mapping, "numeric_id": number}
        entry["user"] = {
            "user_id": str(self.user.pk),
            "username": self.user.uname,
            "email": self.user.email,
        }
        return compact(entry)

    def open_entry(self):
        """Return the entry with \\0 in place of a number that is still to be drawn."""
        return self.entry("\0").replace('"\\u0000"', "\0")


@dataclass(frozen=True)
class Lists:
    """The two lists that everyone gets, as they were at a version."""

    version: int
    client_list: str
    group_info: str


NO_LISTS = Lists(0, "", "")


class Register:
    """The shared state by way of a Pipe, for one server process."""

    def __init__(self, pipe):
        self.pipe = pipe
        self.process = uuid.uuid4().hex

    async def join(self, place):
        """Enter a socket; set its number and return the version.

        Raise IdHeld when somebody else has the id, or it is drawn for their text.
        """
        numbers = [place.number] if place.number else []
        numbers += random.sample(range(LEAST_NUMBER, GREATEST_NUMBER + 1), DRAWS)
        answer = await self.pipe.call(
            *(scripts.JOIN, *told(), self.process, place.id),
            *((place.client.kind, place.client.id) if place.client else ("", "")),
            *(str(place.user.pk), place.group, place.open_entry(), *numbers),
        )
        if answer[0] == b"held":
            raise IdHeld
        if answer[0] == b"none free":
            raise Unavailable
        number, version = answer
        place.number = number.decode()
        return version

    async def move(self, place, group):
        """Put a socket into a group, or into none; return the version."""
        old, place.group = place.group, group
        try:
            entry = place.entry(int(place.number))
            version = await self.pipe.call(
                scripts.MOVE, *told(), self.process, place.id, group, entry
            )
        except Unavailable:
            place.group = old
            raise
        # Valkey lost it, and the change: tell it all anew.
        return version or await self.join(place)

    async def forget(self, id):
        """Take out a socket of this process, by the id of its place."""
        await self.pipe.call(scripts.LEAVE, *told(), self.process, id)

    async def sweep(self):
        """Forget the sockets of processes that ended without a word."""
        return await self.pipe.call(scripts.SWEEP, *told())

    async def refresh(self):
        """Keep this process' sockets alive; return the version and their ids."""
        version, known = await self.pipe.call(scripts.REFRESH, self.process)
        return version, {id.decode() for id in known}

    async def lists(self):
        return lists_of(await self.pipe.call(scripts.LISTS))

    async def groups(self):
        """Return groups as lists show them."""
        return as_list(counts_of(await self.pipe.call(scripts.GROUPS)))

    async def members(self, group):
        """Return the members of a group as lists show them."""
        return members_of(await self.pipe.call(scripts.MEMBERS, group))

    async def say(self, message, to, name=""):
        """Hand a message to a group, an id or all; return how many sockets get it."""
        return await self.pipe.call(scripts.SAY, *utterance(message, to, name))


def told():
    """Return the first two arguments of a script that tells all processes."""
    channel, _event = packed(GROUP, "")
    return channel, GROUP


def utterance(message, to, name=""):
    """Return the arguments of SAY; what a group is told is kept."""
    channel, event = packed(GROUP, "chat.said", **message, toward=to)
    keep = to == TO_GROUP and settings.WORKSPACE_CHAT_KEEP_DAYS > 0
    return channel, event, to, name, int(keep)


def lists_of(answer):
    """Return the Lists in an answer of LISTS."""
    version, entries, groups = answer
    return Lists(
        version,
        f'{{"type":"client_list","clients":[{entries.decode()}]}}',
        compact({"type": "group_info", "groups": as_list(counts_of(groups))}),
    )


def counts_of(pairs):
    """Return groups with their number of members out of an answer of Valkey."""
    return {
        name.decode(): int(count)
        for name, count in zip(pairs[::2], pairs[1::2], strict=True)
    }


def members_of(answer):
    shown = ("client_id", "original_client_id", "connected_at")
    entries = [json.loads(entry) for entry in answer if entry]
    return [{name: entry[name] for name in shown} for entry in entries]


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
