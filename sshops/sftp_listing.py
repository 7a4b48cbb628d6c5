"""The content of a folder by SFTP, and the room that is left on its disk."""

import stat
import struct
from dataclasses import dataclass

from sshops.sftp_pipe import (
    CLOSE,
    END,
    HANDLE,
    STATUS,
    SFTPError,
    raise_status,
    text,
)

OPENDIR, READDIR, NAME, EXTENDED, EXTENDED_REPLY = 11, 12, 104, 200, 201
SIZE, OWNER, MODE, TIMES, EXTRA = 1, 2, 4, 8, 0x80000000
STATVFS = "statvfs@openssh.com"


@dataclass(frozen=True)
class Entry:
    """What a folder has under a name; links are not followed."""

    raw: bytes  # the name as the server has it
    mode: int
    size: int
    modified_at: int  # seconds

    @property
    def name(self):
        return self.raw.decode(errors="replace")

    @property
    def exact_name(self):
        """Return the name with surrogates for what is not UTF-8."""
        return self.raw.decode(errors="surrogateescape")

    @property
    def is_readable(self):
        """Tell whether the name is UTF-8, so that people can ask for it."""
        return self.name.encode() == self.raw

    @property
    def is_folder(self):
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self):
        return stat.S_ISLNK(self.mode)

    @property
    def is_file(self):
        return stat.S_ISREG(self.mode)


def entries(wire, path):
    """Yield the Entries of a folder as the server tells them, in no order.

    Raise SFTPError for a name that would lead out of the folder: a server that is not
    to be trusted must not choose where its files come to elsewhere.
    """
    wire.request(OPENDIR, text(path))
    kind, body = wire.receive()
    if kind != HANDLE:
        raise_status(body, path)
    handle = body[4:]
    while True:
        wire.request(READDIR, handle)
        kind, body = wire.receive()
        if kind == STATUS:
            (code,) = struct.unpack_from(">I", body, 4)
            if code == END:
                wire.request(CLOSE, handle)
                wire.receive()
                return
            raise_status(body, path)
        answer = Answer(body, 4)
        for _number in range(answer.number()):
            entry = answer.entry()
            if entry.raw in (b".", b".."):
                continue
            if not entry.raw or b"/" in entry.raw or b"\0" in entry.raw:
                raise SFTPError(f"the server tells of a name that is none: {entry.raw}")
            yield entry


def room(wire, path):
    """Return the bytes that are free where a path is, or None where nobody tells."""
    wire.request(EXTENDED, text(STATVFS), text(path))
    kind, body = wire.receive()
    if kind != EXTENDED_REPLY:
        return None
    _block, fragment, _blocks, _free, available = struct.unpack_from(">5Q", body, 4)
    return fragment * available


class Answer:
    """Reads an answer's values, one after the other."""

    def __init__(self, body, at):
        self.body, self.at = body, at

    def number(self, form=">I"):
        (value,) = struct.unpack_from(form, self.body, self.at)
        self.at += struct.calcsize(form)
        return value

    def bytes(self):
        size = self.number()
        self.at += size
        return self.body[self.at - size : self.at]

    def entry(self):
        name = self.bytes()
        self.bytes()  # as `ls -l` would show it
        flags = self.number()
        size = self.number(">Q") if flags & SIZE else 0
        if flags & OWNER:
            self.number(">Q")
        mode = self.number() if flags & MODE else 0
        modified_at = 0
        if flags & TIMES:
            self.number()
            modified_at = self.number()
        if flags & EXTRA:
            for _number in range(self.number() * 2):
                self.bytes()
        return Entry(name, mode, size, modified_at)
