"""What a server tells of a folder, byte by byte."""

import struct

import pytest

from sshops.sftp_listing import NAME, entries
from sshops.sftp_pipe import END, HANDLE, STATUS, SFTPError


class Told:
    """A server that answers a listing with these names, and nothing else."""

    def __init__(self, *names):
        listed = b"".join(packed(name) + packed(b"") + bytes(4) for name in names)
        self.answers = [
            (HANDLE, bytes(4) + packed(b"handle")),
            (NAME, bytes(4) + struct.pack(">I", len(names)) + listed),
            (STATUS, bytes(4) + struct.pack(">I", END)),
            (STATUS, bytes(8)),
        ]

    def request(self, kind, *parts):
        return 0

    def receive(self):
        return self.answers.pop(0)


def packed(content):
    return struct.pack(">I", len(content)) + content


def test_names_are_taken_as_they_are():
    names = [b".", b"..", b"...", b"a b", b"\xc7\xd1", b"..a"]

    found = [entry.raw for entry in entries(Told(*names), "/folder")]

    assert found == names[2:]


@pytest.mark.parametrize("name", [b"../out", b"/etc/passwd", b"a/b", b"", b"a\0b"])
def test_a_name_that_leads_out_of_the_folder_is_refused(name):
    with pytest.raises(SFTPError, match="none"):
        list(entries(Told(b"good", name), "/folder"))
