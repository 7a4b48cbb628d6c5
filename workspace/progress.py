"""Progress of long work: `progress(done, total, text)` is called now and then."""

SHOWN = 40  # letters of what is being worked on


def nothing(done, total, text=""):
    """Progress that nobody watches."""


class Line:
    """Progress on a terminal, in one line that renews itself; silent elsewhere."""

    def __init__(self, stream):
        self.stream = stream
        self.is_watched = stream.isatty()

    def __call__(self, done, total, text=""):
        if self.is_watched:
            share = min(done / total, 1) if total else 0
            self.stream.write(f"\r{share:4.0%} {text[:SHOWN]:<{SHOWN}}", ending="")
            self.stream.flush()

    def end(self):
        if self.is_watched:
            self.stream.write("\r" + " " * (SHOWN + 5) + "\r", ending="")
