"""Find a stop phrase in output: in a line, as it reads, however it arrives."""

import re

ESCAPES = re.compile(
    r"\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC and its kin, to their end
    r"|[ -/]+[0-~]|[0-OQ-WYZ`-~\\])"  # the short ones
)
UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)\Z")
LONGEST_SEQUENCE = 4096


class StopPhrase:
    """Looks at each text once; without a phrase it finds nothing."""

    def __init__(self, phrase):
        self.phrase = phrase
        self.rest = ""  # of a sequence that is not finished
        self.tail = ""  # of the line, as long as a phrase may begin in it

    def is_in(self, text):
        """Tell whether the phrase has shown up with this text."""
        if not self.phrase:
            return False
        text = self.rest + text
        self.rest = ""
        if "\x1b" in text:
            found = UNFINISHED.search(text, max(0, len(text) - LONGEST_SEQUENCE))
            if found:
                text, self.rest = text[: found.start()], found[0]
            text = ESCAPES.sub("", text)
        seen = self.tail + text.replace("\r", "")
        if self.phrase in seen:
            return True
        self.tail = seen[max(0, len(seen) - len(self.phrase) + 1) :]
        return False
