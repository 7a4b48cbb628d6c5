"""Tell operators of trouble: a log line and a mail, however many processes see it.

Of one kind of trouble at most one mail in WORKSPACE_ALERT_MINUTES goes to ADMINS, and
one more when that trouble is over.
"""

import logging
import threading
import time
from contextlib import suppress
from smtplib import SMTPException

import redis
from django.conf import settings
from django.core.mail import mail_admins

from config.valkey import valkey

log = logging.getLogger(__name__)

LAPSE_SECONDS = 30  # trouble whose every witness was killed is news again then
MAILED, SILENT = b"mailed", b"silent"


def tell(name, *, subject, text):
    """Tell of trouble that is a moment, not a state."""
    log.error(text)
    if may_mail(name):
        mail(subject, text)


class Trouble:
    """A state that begins and ends; the first process to see either tells of it."""

    def __init__(self, name, *, subject, text):
        self.key = f"madang:trouble:{name}"
        self.alone = None  # what we told, when there is no Valkey to know of others
        try:
            is_news = valkey().set(self.key, SILENT, nx=True, ex=LAPSE_SECONDS)
        except redis.RedisError:
            is_news, self.alone = True, SILENT
        if is_news:
            log.error(text)
            if may_mail(name):
                self.note_mail()
                mail(subject, text)

    def note_mail(self):
        if self.alone is not None:
            self.alone = MAILED
            return
        with suppress(redis.RedisError):
            valkey().set(self.key, MAILED, ex=LAPSE_SECONDS)

    def goes_on(self):
        """Say so, well within LAPSE_SECONDS."""
        with suppress(redis.RedisError):
            valkey().expire(self.key, LAPSE_SECONDS)

    def end(self, *, subject, text):
        """Tell that it is over, unless another process has."""
        told = self.alone
        if told is None:
            with suppress(redis.RedisError):
                told = valkey().getdel(self.key)
        if told is not None:
            log.error(text)
        if told == MAILED:
            mail(subject, text)


_mailed = {}  # name -> when this process mailed without asking Valkey


def may_mail(name):
    """Tell whether it is time for a mail about this; the next one has to wait then."""
    seconds = settings.WORKSPACE_ALERT_MINUTES * 60
    try:
        return bool(valkey().set(f"madang:mailed:{name}", 1, nx=True, ex=seconds))
    except redis.RedisError:
        now = time.monotonic()
        if now - _mailed.get(name, -seconds) < seconds:
            return False
        _mailed[name] = now
        return True


def mail(subject, text):
    """Send a mail to ADMINS; nobody waits for the mail server."""
    threading.Thread(target=_send, args=(subject, text), name="alert").start()


def _send(subject, text):
    try:
        mail_admins(subject, text)
    except (OSError, SMTPException):
        log.exception("A mail to ADMINS could not be sent")
