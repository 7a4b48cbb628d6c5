"""How fast one socket may speak: kept in its process, as a frame must cost nothing."""

import time

# A little above what must pass, which is 200 at once and 20 a second.
BURST, A_SECOND = 220, 22


class Bucket:
    """Holds BURST frames, and gains A_SECOND each second."""

    def __init__(self):
        self.frames, self.filled_at = BURST, time.monotonic()
        self.complained_at = 0.0

    def take(self):
        """Tell whether a frame may pass."""
        now = time.monotonic()
        gained = (now - self.filled_at) * A_SECOND
        self.frames, self.filled_at = min(BURST, self.frames + gained), now
        if self.frames < 1:
            return False
        self.frames -= 1
        return True

    def may_complain(self):
        """Tell whether a second has passed since this was true."""
        if self.filled_at - self.complained_at < 1:
            return False
        self.complained_at = self.filled_at
        return True
