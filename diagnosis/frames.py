"""The headset's frames: JSON texts with an action and its data; no database inside."""

import base64
import binascii
import json
import re

from config.errors import DomainError


class BadFrame(DomainError):
    """A frame must be a JSON text with an action and its data."""

    code = "bad_frame"


class UnknownAction(DomainError):
    """There is no such action."""

    code = "unknown_action"


class BadData(DomainError):
    """The data does not fit the action."""

    code = "bad_data"


def frame(action, data=None):
    """Return a frame to the headset."""
    return json.dumps({"action": action, "data": data}, ensure_ascii=False)


def parse(frame):
    """Return the action and the data of a headset's frame; raise BadFrame."""
    if not isinstance(frame, str):
        raise BadFrame
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise BadFrame from error
    if not isinstance(message, dict) or not isinstance(message.get("action"), str):
        raise BadFrame
    return message["action"], message.get("data")


class Data:
    """The data of an action, read field by field; what does not fit is BadData."""

    def __init__(self, data):
        if not isinstance(data, dict):
            raise BadData
        self.data = data

    def number(self, name):
        """Return a whole number; digits in a text are as good."""
        value = self.data.get(name)
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value, re.ASCII):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadData
        if not 0 <= value < 2**63:
            raise BadData
        return value

    def text(self, name):
        """Return a text as its bytes in UTF-8."""
        value = self.data.get(name)
        if not isinstance(value, str):
            raise BadData
        try:
            return value.encode()
        except UnicodeEncodeError as error:  # half a character
            raise BadData from error

    def digest(self, name):
        """Return a SHA-256 in small hexadecimal letters."""
        value = self.data.get(name)
        if not isinstance(value, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", value):
            raise BadData
        return value.lower()

    def base64(self, name):
        """Return the bytes of a text in base64."""
        try:
            return base64.b64decode(self.text(name), validate=True)
        except binascii.Error as error:
            raise BadData from error
