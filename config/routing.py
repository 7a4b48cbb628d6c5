"""Socket map: the five apps' routing, and a calm refusal for an unknown path."""

from importlib import import_module

from channels.routing import URLRouter
from django.conf import settings
from django.urls import re_path

from config.auth import SocketAuthentication
from config.consumers import UnknownPath

# Flat: a router inside a router raises on an unknown path instead of passing it on.
websockets = SocketAuthentication(
    URLRouter(
        [
            re_path(rf"^{app}/{path}/?$", consumer.as_asgi())
            for app in settings.APPS
            for path, consumer in import_module(f"{app}.routing").routes
        ]
        + [re_path(r"", UnknownPath.as_asgi())]
    )
)
