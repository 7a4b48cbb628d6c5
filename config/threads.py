"""Threads that do the blocking work of an event loop.

Why not ThreadPoolExecutor: its threads take turns, and every piece of work wakes the
next one in line for nothing, which costs a request 0.1 ms. Here the thread that was
last at work is the next to work, its memory still in the processor's cache.
"""

import asyncio
import threading
from collections import deque
from contextlib import suppress
from queue import SimpleQueue


class Threads:
    """At most so many threads, started when first needed; more work waits in line.

    A process that ends does not wait for them. What nobody waits for any more is done
    all the same.
    """

    def __init__(self, most, name):
        self.most, self.name = most, name
        self.started = 0
        self.idle = []
        self.waiting = deque()
        self.lock = threading.Lock()  # tests run several event loops

    def run(self, function, *args):
        """Return the future of function(*args), called on a thread."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        work = loop, future, function, args
        with self.lock:
            if self.idle:
                self.idle.pop().put(work)
            elif self.started < self.most:
                self.start(work)
                self.started += 1
            else:
                self.waiting.append(work)
        return future

    def start(self, work):
        inbox = SimpleQueue()
        inbox.put(work)
        threading.Thread(
            target=self.serve,
            args=(inbox,),
            name=f"{self.name}_{self.started + 1}",
            daemon=True,
        ).start()

    def serve(self, inbox):
        while True:
            loop, future, function, args = inbox.get()
            result = error = None
            try:
                result = function(*args)
            except BaseException as raised:
                error = raised
            with self.lock:
                if self.waiting:
                    inbox.put(self.waiting.popleft())
                else:
                    self.idle.append(inbox)
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, future, result, error)
            del future, function, args, result, error  # else kept until the next work


def settle(future, result, error):
    """Give a future its outcome, if anybody still waits for it."""
    if future.cancelled():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
