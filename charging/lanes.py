"""What the fast lanes share: who may take one, and what Django's answer depends on.

A lane answers guests without Django's own handling of a request. What it says in its
headers is what Django said before to a request that Django judges alike.
"""

from collections import OrderedDict

from django.conf import settings
from django.http import parse_cookie

# Django refuses or redirects by these, or repeats them in its headers.
JUDGED = (b"host", b"x-forwarded-proto", b"accept-language", b"origin")
KEY_BYTES = 2048  # what is longer is kept for nobody
MOST_KEPT = 512


class Kept(OrderedDict):
    """What a lane keeps of Django's answers; the oldest makes way for the newest."""

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        if len(self) > MOST_KEPT:
            self.popitem(last=False)


def is_guest(scope):
    """Tell whether a request names nobody: by no token and no session."""
    if any(name == b"authorization" for name, _value in scope["headers"]):
        return False
    return settings.SESSION_COOKIE_NAME not in cookies(scope)


def judged(scope):
    """Return a key: the same for requests that Django gives the same headers.

    None for a request whose headers are too long to be kept.
    """
    language = cookies(scope).get(settings.LANGUAGE_COOKIE_NAME, "")
    pairs = [pair for pair in scope["headers"] if pair[0] in JUDGED]
    if len(language) + sum(len(value) for _name, value in pairs) > KEY_BYTES:
        return None
    return scope["scheme"], scope.get("server"), language, *pairs


def are_for_all(headers):
    """Tell whether an answer's headers may be given to others."""
    return all(name != b"set-cookie" for name, _value in headers)


def cookies(scope):
    """Return the cookies of a request as Django reads them."""
    lines = [value for name, value in scope["headers"] if name == b"cookie"]
    return parse_cookie(b"; ".join(lines).decode(errors="replace"))
