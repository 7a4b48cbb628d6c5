"""What a stub client has running: a command; and how it is told of and ended."""

import asyncio
import logging
from functools import partial

from django.conf import settings
from django.utils.translation import gettext as _

from config.errors import Unavailable
from config.realtime import in_thread
from sshops import audit, leases, recordings
from sshops.errors import Away, Failure
from sshops.keeping import keeper
from sshops.runs import Cancelled, CommandRun

log = logging.getLogger(__name__)

CLOSING_SECONDS = 5


class NotClosed(Failure):
    """The remote side could not be closed in time."""

    status = 504
    code = "STUB_TASK_CANCELLATION_TIMEOUT"
    error_code = 50012


class Task:
    """Something that runs for a client, which gets one complete or one error of it.

    A subclass has `run()`, which returns the fields of `complete`, or raises a Failure
    or Cancelled; `cancel()`, which has it end soon; and `finished(outcome, …)`, in a
    thread, which notes the end and returns what has changed of the leases, or None.
    """

    takes_input = False

    def __init__(self, socket):
        self.socket = socket
        self.outcome = None  # of a task that is being stopped
        self.lost = None  # the Failure of one that has lost its lease
        self.carrying = None

    def begin(self):
        self.carrying = asyncio.create_task(self.carry_out())

    async def carry_out(self):
        failure = fields = None
        try:
            fields = await self.run()
        except Cancelled:
            failure = self.lost
        except Failure as error:
            failure = error
        except Unavailable:
            failure = Away()
        except Exception:
            log.exception("A task of %s broke", self.socket.id)
            failure = Failure()
        try:
            await self.note_end(fields, failure)
        finally:
            self.free()
        if self.outcome is not None:
            return  # who stops it says so
        if failure is not None:
            self.socket.tell_error(failure)
        else:
            self.socket.tell("complete", **fields)

    async def note_end(self, fields, failure):
        if failure is not None:
            outcome = {"outcome": "error", "error_code": failure.error_code}
        elif self.outcome is not None:
            outcome = {"outcome": self.outcome}
        else:
            outcome = {"outcome": "complete", "exit_status": fields.get("exit_status")}
        try:
            change = await in_thread(self.finished, **outcome)
        except Exception:
            log.exception("The end of a task of %s could not be noted", self.socket.id)
        else:
            if change is not None:
                self.socket.see(change.state)

    def free(self):
        if self.socket.task is self:
            self.socket.task = None

    async def stop(self, outcome):
        """End it, by then noted as `outcome`; return a Failure when it does not."""
        self.outcome = outcome
        self.cancel()
        done, _pending = await asyncio.wait([self.carrying], timeout=CLOSING_SECONDS)
        if done:
            return None
        self.free()
        return NotClosed()

    def lose(self, failure):
        """End it with a Failure, for its lease is somebody else's by now."""
        self.lost = failure
        self.cancel()


class CommandTask(Task):
    takes_input = True

    def __init__(self, socket, begun, request):
        super().__init__(socket)
        self.entry, self.lease = begun.entry, begun.change.lease
        self.command = CommandRun(
            begun.server,
            request,
            tell=lambda text: socket.tell("status", message=text),
            emit=self.emit,
            record=partial(
                recordings.begin,
                kind="command",
                user=socket.caller.user,
                server=begun.server,
                text=request.command,
                cols=request.cols,
                rows=request.rows,
            ),
        )
        self.typed = [0, 0]  # messages and characters
        if self.lease.server_id:  # else it is the session's, which the socket holds
            keeper().hold(self.lease, self.lock_lost)

    def lock_lost(self):
        self.lose(
            leases.Locked(
                _("The lock was lost: this server could not renew it in time.")
            )
        )

    def emit(self, frame):
        sent = self.command.sent
        self.socket.deliver({"type": "task.output", "frame": frame, "sent": sent})

    async def run(self):
        ending = await self.command.execute()
        return {
            "message": _("Finished: {command}").format(command=self.command.text),
            "exit_status": ending.exit_status,
            "reason": ending.reason,
        }

    def cancel(self):
        self.command.cancel()

    def free(self):
        if self.lease.server_id:
            keeper().let_go(self.lease)
        super().free()

    def finished(self, outcome, **how):
        change = leases.unlock(self.lease) if self.lease.server_id else None
        audit.finish(self.entry, outcome, **how)
        times, characters = self.typed
        if times and not settings.SSHOPS_AUDIT_INPUT:
            text = _("{times} times, {characters} characters in all").format(
                times=times, characters=characters
            )
            self.note_input(text)
        return change

    # What is typed

    def type(self, text):
        self.command.typist.type(text)
        self.typed[0] += 1
        self.typed[1] += len(text)

    def note_input(self, text):
        self.socket.caller.audited(
            kind="input",
            server_name=self.command.server.name,
            text=text,
            outcome="complete",
        )

    def resize(self, cols, rows):
        self.command.typist.resize(cols, rows)
