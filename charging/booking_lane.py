"""A fast lane for guests who book.

The way through Django's middleware and the REST framework costs half of a booking's
time. What books here is the same domain module, what judges the body the same form, and
what turns an error into an answer the same function; the headers are those that Django
gave to an earlier booking of a request like this (see `lanes`). An outage is told in
JSON to everybody. Who is signed in, or repeats a booking under an Idempotency-Key, goes
through Django.
"""

import logging

from django.utils import translation
from rest_framework.renderers import JSONRenderer

from charging import booking, lanes, listings
from charging.bodies import BODY_BYTES, SmallJSON
from charging.callers import rate_of
from charging.serializers import BookingSerializer, values_of
from config import errors
from config.bridge import ClientGone, read_in

PATHS = ("/charging/api/reservations", "/charging/api/reservations/")

log = logging.getLogger(__name__)


class BookingLane:
    """ASGI middleware around the WSGI bridge, whose threads it books on."""

    def __init__(self, bridge):
        self.bridge = bridge
        self.kept = lanes.Kept()  # headers of Django's answers

    async def __call__(self, scope, receive, send):
        if not is_plain_booking(scope):
            await self.bridge(scope, receive, send)
            return
        key = lanes.judged(scope)
        headers = self.kept.get(key)
        if headers is None:
            await self.bridge(scope, receive, self.learning(key, send))
            return
        try:
            body = await read_in(receive)
        except ClientGone:
            return
        address = (scope.get("client") or ("",))[0]
        language = dict(headers)[b"content-language"].decode()
        status, more, text = await self.bridge.run(answer, body, address, language)
        length = (b"content-length", str(len(text)).encode())
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*headers, *more, length],
            }
        )
        await send({"type": "http.response.body", "body": text})

    def learning(self, key, send):
        """Return a `send` that keeps the headers of a booking."""

        async def listen(message):
            if message["type"] == "http.response.start" and message["status"] == 201:
                self.keep(key, message["headers"])
            await send(message)

        return listen

    def keep(self, key, headers):
        """Keep headers for the next request with this key, unless they are for one."""
        if key is None or not lanes.are_for_all(headers):
            return
        self.kept[key] = [pair for pair in headers if pair[0] != b"content-length"]


def is_plain_booking(scope):
    """Tell whether a request is a guest's booking without an Idempotency-Key."""
    if scope["method"] != "POST" or scope["path"] not in PATHS:
        return False
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"")
    return (
        length.isdigit()
        and 0 < int(length) <= BODY_BYTES
        and b"idempotency-key" not in headers
        and lanes.is_guest(scope)
    )


def answer(body, address, language):
    """Book; return status, headers of its own and body of the answer to a guest."""
    with translation.override(language):
        try:
            return 201, [], JSONRenderer().render(book(body, address))
        except Exception as error:
            said = errors.answer(errors.outage(error) or error, {})
            if said is None:
                log.exception("A booking broke")
                said = errors.answer(errors.Broken(), {})
    headers = [
        (name.lower().encode(), value.encode())
        for name, value in said.headers.items()
        if name != "Content-Type"
    ]
    return said.status_code, headers, JSONRenderer().render(said.data)


def book(body, address):
    """Return the guest's new reservation as a client sees it.

    Raises TooMany, ParseError, ValidationError, and as booking.reserve().
    """
    rate_of("CREATE").take(address)
    values = values_of(BookingSerializer, SmallJSON().parse(body))
    driver = booking.Driver(
        values.pop("plate"), contact_email=values.pop("contact_email")
    )
    return listings.in_full(booking.reserve(driver=driver, **values))
