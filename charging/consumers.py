"""The live board: a day as it is, then every change, seen at once."""

import json
from urllib.parse import parse_qs

from django.utils import timezone

from charging import board, hours, listings
from charging.callers import rate_of
from charging.serializers import calendar_day
from config.auth import names_somebody
from config.consumers import BAD_REQUEST, SIGNED_OUT, TRY_LATER, Consumer, Refusal
from config.errors import TooMany
from config.realtime import in_thread


class BoardConsumer(Consumer):
    """/ws/board?date=YYYY-MM-DD, or today; guests see other people's rows masked."""

    login_required = False
    explains_refusal = True
    max_frame_bytes = 1 << 10

    async def connect(self):
        if not self.user.is_authenticated and names_somebody(self.scope):
            raise Refusal(SIGNED_OUT)
        query = parse_qs(self.scope["query_string"].decode("latin-1"), True)
        try:
            self.date = calendar_day(query["date"][-1])
        except KeyError:
            self.date = hours.today(timezone.now())
        except ValueError as error:
            raise Refusal(BAD_REQUEST) from error
        if not self.user.is_authenticated:
            try:
                await in_thread(rate_of("READ").take, self.address())
            except TooMany as error:
                raise Refusal(TRY_LATER) from error
        await self.join(board.group(self.date))
        await self.join(board.group(board.BAYS))
        self.deliver({"type": "bays.changed"})

    def address(self):
        return (self.scope.get("client") or ("",))[0]

    async def bays_changed(self, event):
        """Send the whole day; a change that it has already is sent again after it."""
        sessions = await in_thread(listings.day, self.user, self.date)
        day = {"type": "day", "date": str(self.date), "sessions": sessions}
        await self.transmit(json.dumps(day, ensure_ascii=False))

    async def day_changed(self, event):
        shown = event["reservation"]
        if not listings.owns(self.user, event["owner"]):
            shown = listings.masked(shown)
        change = {"type": event["what"], "reservation": shown}
        await self.transmit(json.dumps(change, ensure_ascii=False))
