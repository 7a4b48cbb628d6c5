"""Keeps the leases of this server process alive, and tells owners of lost ones; looks
whether health has gone stale.

One task for all sockets of an event loop; it runs while there are any.
"""

import asyncio
import logging
import time

from config.realtime import end, in_thread
from sshops import health, leases

log = logging.getLogger(__name__)


class Keeper:
    def __init__(self):
        self.sockets = set()
        self.held = {}  # number of a lease: whom to call when it is lost
        self.task = None

    def enter(self, socket):
        """Run while this socket is there."""
        self.sockets.add(socket)
        if self.task is None:
            self.task = asyncio.create_task(self.run())

    async def leave(self, socket):
        self.sockets.discard(socket)
        if not self.sockets and self.task is not None:
            task, self.task = self.task, None
            _keepers.pop(asyncio.get_running_loop(), None)
            await end(task)

    def hold(self, lease, lost):
        """Call lost() should the lease end without let_go()."""
        self.held[lease.pk] = lost

    def let_go(self, lease):
        self.held.pop(lease.pk, None)

    @staticmethod
    def renew(numbers):
        health.take_back_stale()
        return leases.renew(numbers)

    async def run(self):
        renewed_at = time.monotonic()
        while True:
            await asyncio.sleep(leases.RENEWAL_SECONDS)
            known = tuple(self.held)
            try:
                standing = await in_thread(self.renew, known)
            except Exception:
                log.exception("Leases cannot be renewed")
                # They have run out by now, and may be somebody else's.
                is_over = time.monotonic() - renewed_at > leases.LEASE_SECONDS
                standing = () if is_over else known
            else:
                renewed_at = time.monotonic()
            for number in known:
                if number not in standing and (lost := self.held.pop(number, None)):
                    lost()


_keepers = {}


def keeper():
    """Return the keeper of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _keepers:
        for stale in [other for other in _keepers if other.is_closed()]:
            del _keepers[stale]
        _keepers[loop] = Keeper()
    return _keepers[loop]
