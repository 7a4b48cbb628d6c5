"""The front door: HTTP and sockets in one application.

Ordinary requests run under Django's WSGI handler in a thread pool; event streams and
sockets, which live long and wait much, run in the event loop.
"""

import asyncio
import gc
import os
import re

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver
from whitenoise import WhiteNoise

events = get_asgi_application()
web = get_wsgi_application()

from charging.booking_lane import BookingLane
from charging.reading_lane import ReadingLane
from config import realtime
from config.bridge import WSGIBridge
from config.requests import PageRequest, StreamRequest
from config.routing import websockets
from roadblock import tracking
from workspace.chat import switchboard

web.request_class, events.request_class = PageRequest, StreamRequest
settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# Views that ask another system and wait for its answer.
WAITS = re.compile(
    r"^/(charging/api/(license-plates|plates/recognize|battery/now)"
    r"|sshops/servers/[^/]+/(folder|file|uploads))/?$"
)
bridge = WSGIBridge(
    WhiteNoise(
        web,
        root=settings.STATIC_ROOT,
        prefix="static/",
        max_age=300,
    ),
    settings.HTTP_THREADS,
    settings.HTTP_STREAM_THREADS,
    waits=WAITS.match,
)
pages = ReadingLane(BookingLane(bridge))

EVENT_STREAMS = re.compile(
    r"^/(roadblock/(api/)?(vehicles/events|alerts)/stream|diagnosis/(api/)?diagnosis/[^/]+/status)/?$"
)


async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await websockets(scope, receive, send)
    elif scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif EVENT_STREAMS.match(scope["path"]):
        await events(scope, receive, send)
    else:
        await pages(scope, receive, send)


def keep_what_is_loaded():
    """Take all that is loaded out of later garbage collections.

    A full one would look through it in vain and stop every thread for 100 ms.
    """
    list(get_resolver().url_patterns)  # loads the views, as the first request would
    gc.collect()
    gc.freeze()


async def lifespan(receive, send):
    await receive()
    realtime.serve_on(asyncio.get_running_loop())
    keep_what_is_loaded()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await tracking.stop()  # what is in memory still goes into the database
    await switchboard.stop()
    await realtime.hub().close()
    realtime.serve_on(None)
    await send({"type": "lifespan.shutdown.complete"})
