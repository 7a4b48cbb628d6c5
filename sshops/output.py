"""From bytes of a terminal to the messages of an output: decoded, throttled, folded.

A terminal fed with all messages shows what it would have shown fed with the bytes,
however they were split into reads. No clock inside: who feeds tells the time.

    output = Output(throttle=0.1)
    messages = output.feed(data, now)     what is to be sent at once
    output.due                            when to call flush(now), or None
    messages = output.end()               the rest
"""

import codecs
import re
import unicodedata
from functools import lru_cache

MESSAGE_CHARACTERS = 65536

# What waits for the rest of it: returns that a newline may follow, an unfinished CSI.
UNFINISHED = re.compile(r"(?:\r+|\x1b(?:\[[0-?]*[ -/]*)?)\Z")
NEWLINE = re.compile(r"(\r*\n)")
COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
RESET = re.compile(r"\x1b\[0?(;[0-9;:]*)?m")
ERASE = re.compile(r"\x1b\[[02]?K")


class Output:
    """The output of one run on its way to a client."""

    def __init__(self, throttle):
        self.throttle = throttle
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.pending = ""
        self.sent_at = None
        self.folding = Folding()

    def text_of(self, data):
        """Return the text in some bytes; an incomplete character waits."""
        return self.decode(data)

    def feed(self, text, now):
        """Take a text in; return the messages that are to be sent now."""
        self.pending += text
        return self.flush(now)

    @property
    def due(self):
        """The moment from which flush() has something to send, or None."""
        if not self.pending or UNFINISHED.fullmatch(self.pending):
            return None
        return 0 if self.sent_at is None else self.sent_at + self.throttle

    def flush(self, now):
        """Return the messages that are to be sent by now."""
        messages = []
        while len(self.pending) >= MESSAGE_CHARACTERS:
            messages += self._message(MESSAGE_CHARACTERS)
        if self.pending and (
            self.sent_at is None or now >= self.sent_at + self.throttle
        ):
            messages += self._message(len(self.pending))
        if messages:
            self.sent_at = now
        return messages

    def end(self):
        """Return the last messages: nothing follows that could complete a sequence."""
        self.pending += self.decode(b"", True)
        messages = []
        while len(self.pending) > MESSAGE_CHARACTERS:
            messages += self._message(MESSAGE_CHARACTERS)
        last = self.folding.fold(self.pending)
        self.pending = ""
        return [*messages, last] if last else messages

    def _message(self, length):
        """Take a message of at most that length off what is pending, in a list."""
        text = self.pending[:length]
        found = UNFINISHED.search(text, max(0, length - 256))
        if found and len(found[0]) < len(text):
            text = text[: found.start()]
        elif found and length < MESSAGE_CHARACTERS:
            return []
        self.pending = self.pending[len(text) :]
        message = self.folding.fold(text)
        return [message] if message else []


class Folding:
    """Leaves out what is overwritten before anybody sees it, message by message."""

    def __init__(self):
        self.is_fresh = True  # nothing of the present line was sent, it starts at 0

    def fold(self, text):
        """Return the text without parts of lines that the next part covers."""
        if text.count("\r") == text.count("\r\n"):
            self._note_end_of(text)
            return text
        pieces = NEWLINE.split(text)
        folded = []
        for line, newline in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
            folded += (self._line(line), newline)
            self._note_end_of(line + newline)
        return "".join(folded)

    def _note_end_of(self, text):
        before, newline, line = text.rpartition("\n")
        if newline:
            # A bare newline goes straight down: the column stays what it was.
            before = before.rstrip("\n")
            self.is_fresh = before.endswith("\r") or (not before and self.is_fresh)
        self.is_fresh = self.is_fresh and not line

    def _line(self, line):
        if "\r" not in line:
            return line
        parts = line.split("\r")
        kept, colours = [], ""
        for index, part in enumerate(parts[:-1]):
            following = parts[index + 1]
            stays = index == 0 and not self.is_fresh
            if stays and erases(part, following):
                kept.append(colours_of(part))
            elif stays or not covers(part, following):
                kept.append(colours + part)
                colours = ""
            else:
                colours = since_reset(colours + colours_of(part))
        kept.append(colours + parts[-1])
        return "\r".join(kept)


def covers(part, following):
    """Tell whether nothing of a part is left to see under the following one."""
    first, second = look_of(part), look_of(following)
    if first is None or second is None:
        return False
    (width, has_erased), (next_width, erases_too) = first, second
    return erases_too or (not has_erased and width <= next_width)


def erases(part, following):
    first, second = look_of(part), look_of(following)
    return first is not None and second is not None and second[1]


@lru_cache(256)
def look_of(part):
    """Return (width, whether it erases) of a part, or None when it does more."""
    text = COLOURS.sub("", part)
    text, erasures = ERASE.subn("", text)
    if not all(map(is_printable, text)):
        return None
    return sum(map(width_of, text)), erasures > 0


def is_printable(character):
    return character.isprintable() or unicodedata.category(character) == "Zs"


def width_of(character):
    """Return the columns of a character: none, one or two."""
    if character < "\u0300":
        return 1
    if unicodedata.category(character) in ("Mn", "Me") or "ᅠ" <= character <= "ᇿ":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def colours_of(part):
    return since_reset("".join(COLOURS.findall(part)))


def since_reset(colours):
    """Return colour sequences from the last one on that resets."""
    resets = [found.start() for found in RESET.finditer(colours)]
    return colours[resets[-1] :] if resets else colours
