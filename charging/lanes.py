"""What the fast lanes share: who may take one, and what Django's answer depends on.

A lane answers guests without Django's own handling of a request. What it says in its
headers is what Django said before to a request that Django judges alike.
"""

from django.conf import settings
from django.http import parse_cookie

# Django refuses or redirects by these, or repeats them in its headers.
JUDGED = (b"host", b"x-forwarded-proto", b"accept-language", b"origin")


def is_guest(scope):
    """Tell whether a request names nobody: by no token and no session."""
    if any(name == b"authorization" for name, _value in scope["headers"]):
        return False
    return settings.SESSION_COOKIE_NAME not in cookies(scope)


def judged(scope):
    """Return a key: the same for requests that Django gives the same headers."""
    return (
        scope["scheme"],
        cookies(scope).get(settings.LANGUAGE_COOKIE_NAME),
        *(pair for pair in scope["headers"] if pair[0] in JUDGED),
    )


def cookies(scope):
    lines = [value for name, value in scope["headers"] if name == b"cookie"]
    return parse_cookie(b"; ".join(lines).decode("latin-1"))
