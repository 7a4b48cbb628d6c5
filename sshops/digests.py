"""SHA-256 of files where they lie: the server works it out, or we read them."""

import contextlib
import hashlib
import threading
from functools import partial
from shlex import quote

from sshops.sftp_pipe import LINE_ERRORS, Stopped

# OpenSSL's is several times as fast where the processor helps.
SUM = (
    "if command -v openssl >/dev/null 2>&1; "
    "then openssl dgst -sha256 -r; else sha256sum; fi"
)
BLOCK_BYTES = 1 << 15  # small ones are still in the cache when they are summed
STEP_BYTES = 1 << 24
# Each line of the input asks for a further part of the file to be read, in blocks.
# Python reads the file itself, where a pipe would cost as much as the sum.
SUM_OF_PARTS = f"""
if python3 -IS -c "import hashlib" >/dev/null 2>&1
then exec python3 -IS -c '
import hashlib, sys
digest = hashlib.sha256()
block = memoryview(bytearray({BLOCK_BYTES}))
with open(sys.argv[1], "rb", buffering=0) as file:
    for line in sys.stdin:
        for _ in range(int(line.split()[1])):
            digest.update(block[:file.readinto(block)])
print(digest.hexdigest())' "$1"
fi
while read -r skip count
do dd if="$1" bs={BLOCK_BYTES} skip="$skip" count="$count" 2>/dev/null
done | {SUM}"""
SECONDS = 3600
GLANCE_SECONDS = 0.5
READ_BACK_BYTES = 1 << 18
NEVER = threading.Event()


def sha256(connection, sftp, path, *, offset=0, length=None, stopped=NEVER):
    """Return the SHA-256 of a file in hexadecimal, or of a part: so many bytes from an
    offset on.

    The server works it out, if it lets us run commands; else it is read by SFTP. Raise
    Stopped as soon as `stopped` is set meanwhile.
    """
    script = f"({SUM})"
    if length is not None:
        script = f"head -c {length} | {script}"
    if offset:
        script = f"tail -c +{offset + 1} | {script}"
    with contextlib.suppress(*LINE_ERRORS):
        channel = connection.transport.open_session()
        try:
            channel.settimeout(SECONDS)
            command = f"sh -c {quote(script)} < {quote(path)}"
            channel.exec_command(command.encode(errors="surrogateescape"))
            said = channel.makefile().read()
            if (found := _digest(channel, said)) is not None:
                return found
        finally:
            channel.close()
    if stopped.is_set():
        raise Stopped
    return _read(sftp, path, offset, length, stopped)


def _digest(channel, said):
    """Return the digest that a command has said, or None where it failed."""
    words = said.decode("ascii", "replace").split()
    fits = channel.recv_exit_status() == 0 and words and len(words[0]) == 64
    return words[0] if fits else None


class Growing:
    """The SHA-256 of a file worked out by its server while it is being written.

    `has(size)` tells how much is there; `digest(size)` ends it. What it is for a file
    of less than STEP_BYTES, or on a server that does not let us run commands, or after
    anything else that went wrong, is left for sha256(): it is None then.
    """

    def __init__(self, connection, path, *, stopped=NEVER):
        self.connection, self.path, self.stopped = connection, path, stopped
        self.asked = 0  # blocks
        self.channel = None

    def begin(self):
        with self.trying():
            self.channel = self.connection.transport.open_session()
            self.channel.settimeout(GLANCE_SECONDS)
            command = f"sh -c {quote(SUM_OF_PARTS)} sh {quote(self.path)}"
            self.channel.exec_command(command.encode(errors="surrogateescape"))

    @contextlib.contextmanager
    def trying(self):
        try:
            yield
        except (*LINE_ERRORS, OSError):
            self.close()

    def has(self, size):
        """Let the server read on once another STEP_BYTES are there."""
        if size - self.asked * BLOCK_BYTES < STEP_BYTES:
            return
        if not self.asked:
            self.begin()
        self.ask(size // BLOCK_BYTES)

    def ask(self, blocks):
        with self.trying():
            if self.channel is not None and blocks > self.asked:
                line = f"{self.asked} {blocks - self.asked}\n"
                self.channel.sendall(line.encode())
        self.asked = blocks

    def digest(self, size):
        """Return the digest of the whole file, or None."""
        self.ask(-(-size // BLOCK_BYTES))
        if self.channel is None:
            return None
        found = None
        with self.trying():
            self.channel.shutdown_write()
            found = _digest(self.channel, b"".join(self.said()))
        self.close()
        return found

    def said(self):
        while not self.stopped.is_set():
            try:
                data = self.channel.recv(READ_BACK_BYTES)
            except TimeoutError:
                continue
            if not data:
                return
            yield data
        raise Stopped

    def close(self):
        if self.channel is not None:
            self.channel.close()
            self.channel = None


def _read(sftp, path, offset, length, stopped):
    digest = hashlib.sha256()
    with sftp.open(path, "rb") as file:
        size = file.stat().st_size
        left = size - offset if length is None else length
        file.seek(offset)
        file.prefetch(min(size, offset + left))
        for data in iter(partial(file.read, min(left, READ_BACK_BYTES)), b""):
            if stopped.is_set():
                raise Stopped
            digest.update(data[:left])
            left -= len(data)
            if left <= 0:
                break
    return digest.hexdigest()
