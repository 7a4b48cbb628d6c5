"""Links that show one chase to who has no account: signed, and for a time only."""

from datetime import datetime, timedelta

from django.core import signing
from django.utils import timezone

from config.errors import DomainError, NotFound
from roadblock import replay
from roadblock.models import Chase

SALT = "roadblock.replay"
MOST_HOURS = 30 * 24


class LinkExpired(DomainError):
    """This link has expired. Ask for a new one."""

    status = 410
    code = "link_expired"


def make(chase, hours):
    """Return (token, when it expires); it shows the chase up to this moment alone."""
    _begin, end = replay.span(chase)
    expires = timezone.now() + timedelta(hours=hours)
    said = [chase.pk, end.timestamp(), int(expires.timestamp())]
    return signing.dumps(said, salt=SALT, compress=True), expires


def read(token):
    """Return (chase, until which moment it may be seen).

    Raises NotFound for what we never signed, LinkExpired.
    """
    try:
        id, until, expires = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        raise NotFound from None
    if timezone.now().timestamp() >= expires:
        raise LinkExpired
    chase = Chase.objects.select_related("runner").filter(pk=id).first()
    if chase is None:
        raise NotFound
    return chase, datetime.fromtimestamp(until, tz=timezone.get_default_timezone())
