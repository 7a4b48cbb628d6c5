"""Sends what is typed to a terminal, in order; whoever types never waits."""

import contextlib
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import paramiko
from django.conf import settings
from django.utils.translation import gettext as _

from sshops.errors import Away

MOST_WAITING = 1 << 20
RETRY_SECONDS = 0.01

_threads = ThreadPoolExecutor(settings.SSHOPS_RUNS, thread_name_prefix="typist")


class Typist:
    """A queue to a channel, emptied by a thread that is there while it is not empty.

    What is typed before there is a channel waits for it.
    """

    def __init__(self):
        self.channel = None
        self.waiting = deque()
        self.size = 0
        self.lock = threading.Lock()
        self.is_at_work = False
        self.is_over = False

    def attach(self, channel):
        """Type into this channel from now on."""
        with self.lock:
            self.channel = channel
            self._see_to_work()

    def type(self, text):
        """Queue a text; raise Away when the other side has long stopped reading."""
        data = text.encode()
        if self.size + len(data) > MOST_WAITING:
            raise Away(_("The command does not read what is typed."))
        self._queue(self._write, data)

    def resize(self, cols, rows):
        self._queue(self._resize, (cols, rows))

    def stop(self):
        """Forget what was not yet sent."""
        with self.lock:
            self.is_over = True
            self.waiting.clear()

    def _queue(self, act, value):
        with self.lock:
            self.waiting.append((act, value))
            self.size += len(value)
            self._see_to_work()

    def _see_to_work(self):
        is_due = self.waiting and self.channel is not None and not self.is_at_work
        if is_due and not self.is_over:
            self.is_at_work = True
            _threads.submit(self._work)

    def _work(self):
        while True:
            with self.lock:
                if not self.waiting:
                    self.is_at_work = False
                    return
                act, value = self.waiting.popleft()
                self.size -= len(value)
            # A channel that has closed meanwhile is told of elsewhere.
            with contextlib.suppress(OSError, paramiko.SSHException, EOFError):
                act(value)

    def _write(self, data):
        while data and not self.is_over:
            try:
                sent = self.channel.send(data)
            except TimeoutError:  # the channel's time limit is the reader's
                time.sleep(RETRY_SECONDS)
                continue
            if not sent:
                return
            data = data[sent:]

    def _resize(self, size):
        self.channel.resize_pty(*size)
