"""Alerts to another system: signed, to allowed hosts alone, tried again with patience.

The row of an alert is the truth about its delivery; a task only looks for due rows.
"""

import hashlib
import hmac
import json
import logging
import time
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from roadblock.alerts import as_json
from roadblock.models import Alert

log = logging.getLogger(__name__)

SECONDS = 5
MOST_ATTEMPTS = 8
FIRST_PAUSE = 10  # seconds; doubled with each attempt, so the last is after 21 minutes
LEASE = timedelta(seconds=60)  # while one worker tries, no other does
BATCH = 50


def is_allowed(url):
    """Tell whether a webhook may go there.

    ROADBLOCK_WEBHOOK_HOSTS lists `host` or `host:port` for HTTPS, and with `http://`
    before it for plain HTTP. The whole origin must be as listed.
    """
    return _origin(url) in {
        _origin(entry if "://" in entry else f"https://{entry}")
        for entry in settings.ROADBLOCK_WEBHOOK_HOSTS
    } - {None}


def check_allowed(url):
    """Raise Django's ValidationError unless a webhook may go there, or nowhere."""
    if url and not is_allowed(url):
        raise ValidationError(
            _("This address is not on the list of webhooks' hosts."), "not_allowed"
        )


def signature(body, moment):
    """Return the value of X-Madang-Signature for a body sent at a Unix time."""
    key = settings.ROADBLOCK_WEBHOOK_KEY.encode()
    mac = hmac.new(key, f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={mac.hexdigest()}"


def deliver_due():
    """Try every alert whose time has come; return how many arrived."""
    arrived = 0
    for _turn in range(BATCH):
        alert = _claim()
        if alert is None:
            break
        arrived += deliver(alert)
    return arrived


def deliver(alert):
    """Send an alert once, and note what became of it; tell whether it arrived."""
    failure = post(alert.webhook, as_json(alert))
    if failure is None:
        values = {"delivery": Alert.Delivery.DELIVERED, "due_at": None, "failure": ""}
    elif alert.attempts >= MOST_ATTEMPTS:
        log.error("Alert %s is not delivered: %s", alert.pk, failure)
        values = {"delivery": Alert.Delivery.FAILED, "due_at": None, "failure": failure}
    else:
        pause = FIRST_PAUSE * 2 ** (alert.attempts - 1)
        due_at = timezone.now() + timedelta(seconds=pause)
        values = {"due_at": due_at, "failure": failure}
    Alert.objects.filter(pk=alert.pk).update(**values)
    return failure is None


def post(url, content):
    """POST signed JSON; return None when the answer is 2xx, else what went wrong.

    Follows no redirect: it could lead to a host that is not allowed.
    """
    if not settings.ROADBLOCK_WEBHOOK_KEY:
        return "ROADBLOCK_WEBHOOK_KEY is not set"
    if not is_allowed(url):
        return "the host is not allowed"
    body = json.dumps(content, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Madang-Signature": signature(body, int(time.time())),
    }
    try:
        # No proxy of the environment: it would go where it likes. The answer's body
        # is not read.
        with (
            httpx.Client(
                follow_redirects=False, trust_env=False, timeout=SECONDS
            ) as client,
            client.stream("POST", url, content=body, headers=headers) as answer,
        ):
            status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return type(error).__name__
    return None if 200 <= status < 300 else f"the answer was {status}"


@transaction.atomic
def _claim():
    """Return a due alert, counted as tried and safe from other workers, or None."""
    now = timezone.now()
    due = Alert.objects.filter(delivery=Alert.Delivery.WAITING, due_at__lte=now)
    alert = due.select_for_update(skip_locked=True).order_by("due_at").first()
    if alert is not None:
        alert.attempts += 1
        alert.due_at = now + LEASE
        alert.save(update_fields=["attempts", "due_at"])
    return alert


def _origin(url):
    """Return (scheme, host, port) of a plain http(s) URL, else None."""
    with suppress(ValueError):
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
        plain = "@" not in parts.netloc and "\\" not in url and url.isprintable()
        if port and parts.hostname and plain and " " not in url:
            return parts.scheme, parts.hostname.lower().rstrip("."), port
    return None
