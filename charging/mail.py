"""Letters to drivers, through whatever Django's mail is set to."""

from django.conf import settings
from django.core.mail import send_mail

from charging import hours


def send(address, subject, text):
    """Send one letter; raise OSError (smtplib's are that) when it cannot be sent."""
    send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, [address])


def span(start, end):
    """Return a span of time as the site's clock shows it."""
    start, end = hours.local(start), hours.local(end)
    return f"{start:%Y-%m-%d %H:%M} – {end:%H:%M}"
