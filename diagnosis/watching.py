"""The stream of a session's states.

Its events are the session's recorded changes, with their ids: a watcher that comes
back names the last one it saw. Published changes are pushed; what a broken line to
Valkey swallowed is read from the database at the next heartbeat.
"""

import json
import re

from config.realtime import event_stream, in_thread
from diagnosis import sessions
from diagnosis.sessions import ENDS


def stream(session_id, last_event_id):
    """Return the server-sent events of a session, for a watcher that saw some before.

    It starts with the changes since then, at least with the present state, and is over
    with the session.
    """
    watcher = Watcher(session_id, last_event_id)
    return event_stream(
        sessions.session_group(session_id),
        first=watcher.first,
        missed=watcher.missed,
        ends=lambda event: event["state"] in ENDS,
        render=watcher.render,
    )


class Watcher:
    """Knows what one watcher has been shown, so that states never go backwards."""

    def __init__(self, session_id, last_event_id):
        self.session_id = session_id
        self.shown = 0
        known = re.fullmatch(r"[0-9]{1,18}", last_event_id, re.ASCII)
        self.seen_before = int(last_event_id) if known else None

    async def first(self):
        return await in_thread(self._first)

    def _first(self):
        changes = []
        if self.seen_before is not None:
            changes = sessions.changes_after(self.session_id, self.seen_before)
        return changes or [sessions.latest_change(self.session_id)]

    async def missed(self):
        return await in_thread(sessions.changes_after, self.session_id, self.shown)

    def render(self, event):
        if event["change"] <= self.shown:
            return b""
        self.shown = event["change"]
        data = {name: event[name] for name in ("id", "state", "timestamp")}
        return f"id: {self.shown}\ndata: {json.dumps(data)}\n\n".encode()
