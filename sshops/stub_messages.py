"""Messages of the stub's clients: from JSON to checked values."""

import json
import re
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from sshops.errors import Failure, InvalidParameter, MissingField

MESSAGE_BYTES = 1 << 20
MOST_COMMAND = 65536
MOST_PHRASE = 512
MOST_THROTTLE = 5
MOST_CELLS = 500
TERM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", re.ASCII)


class BadFormat(Failure):
    """A message is a JSON object with a type, in a text frame."""

    status = 400
    code = "WS_INVALID_MESSAGE_FORMAT"
    error_code = 31002


class MessageTooLarge(Failure):
    """The message is larger than 1 MiB."""

    status = 413
    code = "WS_MESSAGE_TOO_LARGE"
    error_code = 31003


def parsed(frame):
    """Return (type, Fields) of a frame; raise BadFormat or MessageTooLarge."""
    size = len(frame)
    if size > MESSAGE_BYTES / 4 and isinstance(frame, str):
        size = len(frame.encode(errors="replace"))
    if size > MESSAGE_BYTES:
        raise MessageTooLarge
    if isinstance(frame, bytes):
        raise BadFormat
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise BadFormat from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise BadFormat
    return message["type"], message


class Fields:
    """A message's values: what stands in `data` wins over what stands beside it."""

    def __init__(self, message):
        inner = message.get("data", {})
        if not isinstance(inner, dict):
            raise InvalidParameter(_("“data” must be an object."))
        self.places = (inner, message)

    def get(self, *names):
        """Return the first value there is that is not null, or None."""
        for place in self.places:
            for name in names:
                if place.get(name) is not None:
                    return place[name]
        return None

    def text(self, *names, most, default=None):
        """Return a text; raise MissingField for none, or an empty one."""
        value = self.get(*names)
        if value is None and default is not None:
            return default
        if value is None or value == "":
            raise MissingField(_("“{name}” is missing.").format(name=names[0]))
        if not isinstance(value, str) or len(value) > most or not is_unicode(value):
            raise InvalidParameter(
                _("“{name}” must be a text of at most {most} characters.").format(
                    name=names[0], most=most
                )
            )
        return value

    def number(self, name, *, least=0, most, default=None, whole=False):
        """Return a number within bounds; raise MissingField, InvalidParameter."""
        value = self.get(name)
        if value is None:
            if default is None:
                raise MissingField(_("“{name}” is missing.").format(name=name))
            return default
        is_number = isinstance(value, int) or (isinstance(value, float) and not whole)
        fits = is_number and not isinstance(value, bool)
        if not fits or not least <= value <= most:  # as NaN is not
            raise InvalidParameter(
                _("“{name}” must be a number from {least} to {most}.").format(
                    name=name, least=least, most=most
                )
            )
        return value


def is_unicode(text):
    """Tell whether UTF-8 can carry the text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True)
class CommandRequest:
    """What an `ssh_command` asks for; no stop phrase means the server's own."""

    server_name: str
    command: str
    stop_phrase: str | None
    throttle: float
    cols: int
    rows: int
    term: str

    @classmethod
    def of(cls, fields):
        """Read the fields of a message; raise MissingField, InvalidParameter."""
        server_name = fields.text("server_name", "server", most=255)
        command = fields.text("command", most=MOST_COMMAND)
        if "\0" in command:
            raise InvalidParameter(_("A command has no zero character."))
        phrase = fields.get("stop_phrase")
        if phrase is not None:
            phrase = fields.text("stop_phrase", most=MOST_PHRASE)
            if "\n" in phrase or "\r" in phrase:
                raise InvalidParameter(_("A stop phrase is within one line."))
        term = fields.text("term", most=64, default="vt100")
        if not TERM.fullmatch(term):
            raise InvalidParameter(_("There is no such kind of terminal."))
        cols, rows = size(fields, default=(80, 24))
        return cls(
            server_name=server_name,
            command=command,
            stop_phrase=phrase,
            throttle=fields.number(
                "throttle_interval",
                most=MOST_THROTTLE,
                default=settings.SSHOPS_THROTTLE_INTERVAL,
            ),
            cols=cols,
            rows=rows,
            term=term,
        )


def size(fields, default=(None, None)):
    """Return columns and rows of a terminal."""
    return tuple(
        fields.number(name, least=1, most=MOST_CELLS, whole=True, default=value)
        for name, value in zip(("cols", "rows"), default, strict=True)
    )
