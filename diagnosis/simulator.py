"""Simulated headsets on the wire: each waits for tests, runs them, and uploads.

An external client: it knows the protocol and a token, and nothing else of the server.
"""

import asyncio
import base64
import hashlib
import json
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from diagnosis import synthetic

PIECE_BYTES = 64 * 1024
FIRST_DELAY, LONGEST_DELAY = 0.5, 10.0  # seconds until the next try to connect
REPLACED = 4409


@dataclass
class Manners:
    """How headsets behave: the length of a test, and the share of what goes wrong."""

    seconds: float = 10  # that a test takes
    failing: float = 0  # tests that break off
    dropping: float = 0  # uploads whose line is lost on the way
    seed: int = 1


class Headset:
    """The headset of one patient; `counts` (a Counter) is told what happens."""

    def __init__(self, url, code, token, *, manners, counts):
        self.url = f"{url}/ws/diagnosis/{code}"
        self.token = token
        self.manners = manners
        self.counts = counts
        self.chance = random.Random(f"{manners.seed} {code}")
        self.socket = None
        self.test = None  # the task that plays one
        self.upload = None  # what is not acknowledged yet

    async def run(self):
        """Stay connected until cancelled, refused, or replaced by another headset."""
        delay = FIRST_DELAY
        while True:
            try:
                async with connect(
                    self.url,
                    additional_headers={"Authorization": f"Bearer {self.token}"},
                ) as self.socket:
                    delay = FIRST_DELAY
                    await self.talk()
            except InvalidStatus as error:
                if error.response.status_code in (401, 403):
                    self.counts["refused"] += 1
                    return
            except ConnectionClosed as closed:
                if closed.rcvd and closed.rcvd.code == REPLACED:
                    self.counts["replaced"] += 1
                    return
            except (OSError, WebSocketException):
                self.counts["failed to connect"] += 1
            await asyncio.sleep(delay * self.chance.uniform(0.5, 1))
            delay = min(delay * 2, LONGEST_DELAY)

    async def talk(self):
        self.counts["connected"] += 1
        try:
            if self.upload:
                await self.announce()
            while True:
                frame = json.loads(await self.socket.recv())
                await self.hear(frame["action"], frame["data"])
        finally:
            self.counts["connected"] -= 1

    async def say(self, action, **data):
        await self.socket.send(json.dumps({"action": action, "data": data}))

    async def hear(self, action, data):
        if action == "s_start_diagnosis":
            self.stop()
            self.test = asyncio.create_task(self.play(**data))
        elif action == "s_stop_diagnosis":
            self.counts["stopped"] += 1
            self.stop()
        elif action in ("s_upload_ready", "s_upload_stored"):
            await self.send_piece(data["offset"])
        elif action == "s_upload_done":
            self.counts["uploaded"] += 1
            self.upload = None
        elif action == "s_error":
            self.counts[f"error {data['code']}"] += 1
            self.upload = None

    def stop(self):
        self.upload = None
        if self.test:
            self.test.cancel()

    # A test

    async def play(self, diagnosis_id, type, level):
        """Run a test in real time; a line that is lost meanwhile only delays it."""
        await self.persist("c_diagnosis_started", diagnosis_id=diagnosis_id)
        await asyncio.sleep(self.manners.seconds)
        if self.chance.random() < self.manners.failing:
            self.counts["broken off"] += 1
            await self.persist("c_diagnosis_failed", diagnosis_id=diagnosis_id)
            return
        content = await asyncio.to_thread(
            synthetic.recording,
            type,
            level=level,
            seconds=self.manners.seconds,
            skill=self.chance.random(),
            seed=diagnosis_id,
        )
        drops = self.chance.random() < self.manners.dropping
        self.upload = Pending(diagnosis_id, content, drops)
        with suppress(ConnectionClosed):  # announced when the line is back
            await self.announce()

    async def persist(self, action, **data):
        while True:
            with suppress(ConnectionClosed):
                await self.say(action, **data)
                return
            await asyncio.sleep(FIRST_DELAY)

    async def announce(self):
        await self.say("c_upload_begin", **self.upload.announcement)

    async def send_piece(self, offset):
        upload = self.upload
        if upload is None:
            return
        if offset and upload.drops:
            upload.drops = False
            self.counts["lines lost"] += 1
            self.socket.transport.abort()
            return
        if offset >= len(upload.content):
            await self.say("c_upload_end", diagnosis_id=upload.session_id)
            return
        piece = upload.content[offset : offset + PIECE_BYTES]
        await self.say(
            "c_upload_chunk",
            diagnosis_id=upload.session_id,
            offset=offset,
            sha256=hashlib.sha256(piece).hexdigest(),
            content=base64.b64encode(piece).decode(),
        )


@dataclass
class Pending:
    """A recording that the server does not have yet."""

    session_id: int
    content: bytes = field(repr=False)
    drops: bool  # the line is lost once, after the first piece

    @property
    def announcement(self):
        return {
            "diagnosis_id": self.session_id,
            "size": len(self.content),
            "sha256": hashlib.sha256(self.content).hexdigest(),
        }


async def run(url, tokens, *, manners, seconds=None, report, every=10):
    """Run a headset for each (code, token) for so many seconds; None: until cancelled.

    `report(text)` is given a line every few seconds and at the end; the Counter of
    all that happened is returned.
    """
    counts = Counter()
    headsets = [
        Headset(url, code, token, manners=manners, counts=counts)
        for code, token in tokens
    ]

    async def tell():
        while True:
            await asyncio.sleep(every)
            report(summary(counts))

    telling = asyncio.create_task(tell())
    running = [asyncio.create_task(headset.run()) for headset in headsets]
    try:
        done, _others = await asyncio.wait(running, timeout=seconds)
        for task in done:
            task.result()  # raises what a headset stumbled over
    finally:
        report(summary(counts))
        for headset in headsets:
            headset.stop()
        for task in (telling, *running):
            task.cancel()
        await asyncio.gather(telling, *running, return_exceptions=True)
    return counts


def summary(counts):
    return ", ".join(f"{n} {what}" for what, n in counts.items() if n) or "nothing yet"
