"""The socket of a terminal, `ws/terminals/{id}?from=OFFSET&cols=80&rows=24&watch=1`.

Binary frames are the terminal's bytes, text frames are JSON objects. The bytes come
from the process that hosts the shell and go straight out, 64 KiB at most in a frame.

The browser says:   {"type": "ack", "offset": n}, {"type": "resize", "cols", "rows"},
                    {"type": "take"}, {"type": "end"}
It is told:         attached, resized, taken, given, skipped, input_refused, ended,
                    error
"""

import asyncio
import contextlib
import json
import logging
from urllib.parse import parse_qs

from django.db import DatabaseError

from config.consumers import FORBIDDEN, ClientLeft, Consumer
from config.realtime import end, in_thread
from sshops import host_link, terminals
from sshops.errors import Forbidden, InvalidParameter
from sshops.host_link import frame_of, parts_of, read_frame

log = logging.getLogger(__name__)

MOST_OFFSET = 1 << 62
MOST_CELLS = 500
HOST_LEFT = 1012  # come back: another host may be there
RIGHTS_SECONDS = 10  # how soon a right that was taken away ends a socket


class TerminalConsumer(Consumer):
    explains_refusal = True

    def __init__(self):
        super().__init__()
        self.tasks = []
        self.stream = None

    async def connect(self):
        self.id = self.scope["url_route"]["kwargs"]["id"]
        query = parse_qs(self.scope["query_string"].decode("latin-1"))
        given = {name: number(values[-1]) for name, values in query.items()}
        least = 1 if {"cols", "rows"} & set(given) else 0  # both or none
        _terminal, self.may_type = await in_thread(
            terminals.look_up, self.user, self.id
        )
        asked = {
            "type": "attach",
            "terminal": self.id,
            "from": within(given.get("from", 0), 0, MOST_OFFSET, "from"),
            "cols": within(given.get("cols", 0), least, MOST_CELLS, "cols"),
            "rows": within(given.get("rows", 0), least, MOST_CELLS, "rows"),
            "writes": self.may_type and not given.get("watch"),
            "client_ip": (self.scope.get("client") or [""])[0],
        }
        self.reader, self.stream = await host_link.connect()
        self.stream.write(frame_of(asked))
        await self.accept()
        self.tasks = [
            asyncio.ensure_future(self.relay()),
            asyncio.ensure_future(self.keep_watch()),
        ]

    async def relay(self):
        """Hand on what the host sends; a slow browser makes it wait."""
        code = HOST_LEFT
        with contextlib.suppress(ClientLeft):
            while (message := await read_frame(self.reader)) is not None:
                if isinstance(message, bytes):
                    await self.transmit(message)
                    continue
                await self.transmit(json.dumps(message, ensure_ascii=False))
                if message["type"] in ("ended", "error"):
                    code = 1000
        self.close(code)

    async def keep_watch(self):
        """Close when the right that opened this has been taken away."""
        may = True
        while may:
            await asyncio.sleep(RIGHTS_SECONDS)
            try:
                may = await in_thread(terminals.still_may, self.user.pk, self.id)
            except DatabaseError as error:  # away for a while: ask again
                log.warning("The rights to a terminal are not known: %s", error)
        self.close(FORBIDDEN)

    async def receive(self, data):
        if isinstance(data, bytes):
            if not self.may_type:
                raise Forbidden
            if data:
                self.stream.writelines(parts_of(data))
        else:
            self.stream.write(frame_of(self.checked(data)))
        with contextlib.suppress(ConnectionError):
            await self.stream.drain()

    def checked(self, text):
        """Return what a text frame asks; raise InvalidParameter or Forbidden."""
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "ack":
            offset = within(message.get("offset"), 0, MOST_OFFSET, "offset")
            return {"type": "ack", "offset": offset}
        if not self.may_type and kind in ("resize", "take", "end"):
            raise Forbidden
        if kind == "resize":
            cols = within(message.get("cols"), 1, MOST_CELLS, "cols")
            rows = within(message.get("rows"), 1, MOST_CELLS, "rows")
            return {"type": "resize", "cols": cols, "rows": rows}
        if kind in ("take", "end"):
            return {"type": kind}
        raise InvalidParameter

    def answer_error(self, error):
        return json.dumps(
            {
                "type": "error",
                "detail": error.text,
                "code": error.code,
                "error_code": error.error_code,
            },
            ensure_ascii=False,
        )

    async def left(self):
        await end(*self.tasks)
        if self.stream is not None:
            self.stream.close()


def number(text):
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def within(value, least, most, name):
    """Return an integer between two limits; raise InvalidParameter."""
    if type(value) is not int or not least <= value <= most:
        raise InvalidParameter(detail=name)
    return value
