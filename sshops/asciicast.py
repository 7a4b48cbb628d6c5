"""Write what a terminal shows as asciicast v2: a header line, then a line an event.

See https://docs.asciinema.org/manual/asciicast/v2/.
"""

import codecs
import json
import os
import time

import orjson


class TooLong(OSError):
    """The recording has reached its limit."""


class AsciicastWriter:
    """Appends events as they happen; what is written survives the process.

    Any method but close() may raise OSError, as when the disk is full.
    """

    def __init__(self, path, *, cols, rows, title, most_bytes, term="xterm-256color"):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self.descriptor = os.open(path, flags, 0o600)
        self.most_bytes = most_bytes
        self.size = 0
        self.began = time.monotonic()
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        header = {
            "version": 2,
            "width": cols,
            "height": rows,
            "timestamp": int(time.time()),
            "title": title,
            "env": {"TERM": term},
        }
        self._write(json.dumps(header, ensure_ascii=False).encode() + b"\n")

    def output(self, data):
        """Note bytes that were shown; a cut character waits for its rest."""
        if text := self.decoder.decode(data):
            self._event("o", text)

    def resize(self, cols, rows):
        self._event("r", f"{cols}x{rows}")

    @property
    def seconds(self):
        return time.monotonic() - self.began

    def close(self):
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def _event(self, code, text):
        head = f'[{self.seconds:.6f}, "{code}", '.encode()
        self._write(head + orjson.dumps(text) + b"]\n")

    def _write(self, data):
        if self.size + len(data) > self.most_bytes:
            raise TooLong(f"more than {self.most_bytes} bytes")
        # Straight to the system: no buffer of ours dies with the process.
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]
        self.size += len(data)
