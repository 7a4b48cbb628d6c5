"""The last bytes of an endless stream, each known by its place in the whole."""


class Ring:
    """Keeps the newest `size` bytes; `start` and `end` are offsets into the stream."""

    def __init__(self, size):
        self.size = size
        self.buffer = bytearray(size)
        self.start = self.end = 0

    def write(self, data):
        """Add bytes; the oldest make room."""
        if len(data) > self.size:
            self.end += len(data) - self.size
            data = data[-self.size :]
        at = self.end % self.size
        first = min(len(data), self.size - at)
        self.buffer[at : at + first] = data[:first]
        if first < len(data):
            self.buffer[: len(data) - first] = data[first:]
        self.end += len(data)
        self.start = max(self.start, self.end - self.size)

    def read(self, offset, most):
        """Return up to `most` bytes from an offset between start and end on.

        Fewer come back at the buffer's edge, none only at the end.
        """
        at = offset % self.size
        length = min(most, self.end - offset, self.size - at)
        return bytes(memoryview(self.buffer)[at : at + length])

    def line_start(self, within=4096):
        """Return where a replay may begin: at the stream's start, or past the first
        line break where the start has been overwritten."""
        if self.start == 0:
            return 0
        head = self.read(self.start, within)
        return self.start + head.find(b"\n") + 1
