"""Progress of long work on a terminal: one line that renews itself."""

SHOWN = 40  # letters of what is being worked on


class Line:
    """`progress(done, total, text)` for a command; silent where nobody watches."""

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
