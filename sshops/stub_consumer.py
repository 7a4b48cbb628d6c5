"""The socket of the replaced service's clients: commands, session, locks, health."""

import asyncio
import dataclasses
import json
import logging
import uuid

from django.conf import settings
from django.db import DatabaseError
from django.utils.translation import gettext as _

from config.auth import user_of_handshake
from config.consumers import FORBIDDEN, SIGNED_OUT, Consumer, Refusal
from config.errors import DomainError, Unavailable
from config.realtime import in_thread
from sshops import audit, commands, health, leases, stub_messages, transfers
from sshops.commands import Caller
from sshops.errors import Away, Failure, NotConnected
from sshops.keeping import keeper
from sshops.leases import STATE_GROUP
from sshops.models import AuditEntry, Lease, Server
from sshops.servers import SERVERS_GROUP
from sshops.stub_messages import CommandRequest, Fields, size
from sshops.stub_tasks import CommandTask
from sshops.stub_transfers import TransferTask
from sshops.transfers import DEFAULT_NAME

log = logging.getLogger(__name__)

USE_TERMINAL = "sshops.use_terminal"
USE_TRANSFER = "sshops.use_transfer"
HARD_LIMIT = 1 << 24
TELL_STATE = (leases.SessionTaken, leases.SessionOfAnother, leases.Locked)


class NoHandler(Failure):
    """There is no message of this type."""

    status = 404
    code = "WS_HANDLER_NOT_FOUND"
    error_code = 32000


class HandlerBroke(Failure):
    """This message could not be handled; it has been logged."""

    status = 500
    code = "WS_HANDLER_ERROR"
    error_code = 32001


class NothingToCancel(Failure):
    """Nothing is running on this connection."""

    status = 404
    code = "STUB_TASK_NOT_FOUND"
    error_code = 50011


class SignedOut(Exception):
    """The credentials of the handshake count no longer; the socket closes."""


@dataclasses.dataclass(frozen=True)
class Session:
    """The session that a connection has."""

    lease: Lease
    entry: AuditEntry


class StubConsumer(Consumer):
    """/ws/v1/stub: one client with at most one running task."""

    explains_refusal = True
    max_frame_bytes = HARD_LIMIT

    async def connect(self):
        if not await in_thread(self.user.has_perm, USE_TERMINAL):
            raise Refusal(FORBIDDEN)
        self.id = str(uuid.uuid4())
        self.caller = Caller(self.user, self.id, (self.scope.get("client") or [""])[0])
        self.task = None
        self.session = None  # our Session
        self.state = None
        self.follows = False
        self.changing = asyncio.Lock()  # what we change is seen first by who asked
        self.names = set()
        for group in (STATE_GROUP, health.HEALTH_GROUP, SERVERS_GROUP):
            await self.join(group)
        await self.accept()
        keeper().enter(self)
        self.state, server_health = await in_thread(self.look_around)
        self.names = set(server_health)
        self.tell(
            "welcome",
            message=_("Welcome."),
            connection_id=self.id,
            lock_status=lock_fields(self.shown(self.state)),
            session_status={
                "active": self.state.session_owner is not None,
                "owner": self.state.session_owner,
            },
            **session_fields(self.state),
            server_health=server_health,
        )

    def look_around(self):
        servers = Server.objects.visible_to(self.user)
        return leases.state(), health.by_name(servers)

    async def left(self):
        if self.task is not None:
            await self.task.stop("disconnected")
        session = self.session
        self.forget_session()
        await keeper().leave(self)
        await in_thread(self.give_back, session)

    def give_back(self, session):
        leases.release(self.id)
        if session is not None:
            audit.finish(session.entry, "disconnected")

    # Messages of the client

    async def receive(self, data):
        try:
            kind, message = stub_messages.parsed(data)
            handler = HANDLERS.get(kind)
            if handler is None:
                raise NoHandler
            await handler(self, Fields(message))
        except SignedOut:
            self.close(SIGNED_OUT)
        except DomainError as error:
            await self.refuse_message(error)
        except DatabaseError:
            log.exception("The database failed a message of %s", self.id)
            self.tell_error(Away())
        except Exception:
            log.exception("A message of %s could not be handled", self.id)
            self.tell_error(HandlerBroke())

    async def refuse_message(self, error):
        state = self.state
        if isinstance(error, Unavailable):
            error = Away()
        if isinstance(error, TELL_STATE):
            state = await in_thread(leases.state)  # as it is, not as we have heard
        self.tell_error(error, state)

    async def authorize(self, permission):
        """Look again whether the user may; raise SignedOut or Forbidden."""
        user = await user_of_handshake(self.scope)
        if user is None:
            raise SignedOut
        await in_thread(commands.require, user, permission)
        self.caller = dataclasses.replace(self.caller, user=user)

    async def start_session(self, fields):
        await self.authorize(USE_TERMINAL)
        async with self.changing:
            change, self.session = await in_thread(self.take_session)
            keeper().hold(self.session.lease, self.session_lost)
            self.tell(
                "session_started",
                message=_("Your session has started."),
                session_owner=self.id,
            )
            self.see(change.state)

    def take_session(self):
        change = leases.start_session(self.id)
        entry = self.caller.audited(kind="session")
        return change, Session(change.lease, entry)

    async def end_session(self, fields):
        await in_thread(leases.has_session, self.id)
        failure = None
        if self.task is not None and self.session is not None:
            failure = await self.task.stop("cancelled")
        async with self.changing:
            change = await in_thread(self.return_session)
            self.forget_session()
            self.tell("session_ended", message=_("Your session has ended."))
            self.see(change.state)
        if failure is not None:
            raise failure

    def return_session(self):
        change = leases.end_session(self.id)
        if self.session is not None:
            audit.finish(self.session.entry, "complete")
        return change

    def forget_session(self):
        if self.session is not None:
            keeper().let_go(self.session.lease)
            self.session = None

    def session_lost(self):
        """The lease ran out without us: somebody else may have the session by now."""
        log.error("Connection %s has lost its session", self.id)
        self.session = None
        if self.task is not None:
            lost = _("The session was lost: this server could not renew it in time.")
            self.task.lose(leases.SessionOfAnother(lost))

    async def ssh_command(self, fields):
        await self.authorize(USE_TERMINAL)
        request = CommandRequest.of(fields)
        is_busy = self.task is not None
        begun = await in_thread(commands.begin, self.caller, request, is_busy=is_busy)
        self.see(begun.change.state)
        self.task = CommandTask(self, begun, request)
        self.task.begin()

    async def scp_transfer(self, fields):
        await self.authorize(USE_TRANSFER)
        name = fields.text("transfer_name", most=255, default=DEFAULT_NAME)
        is_busy = self.task is not None
        run = await in_thread(transfers.ask, self.caller, name, is_busy=is_busy)
        self.task = TransferTask(self, run)
        self.task.begin()

    async def ssh_input(self, fields):
        text = fields.text("input", most=stub_messages.MESSAGE_BYTES)
        task = self.typing_task()
        task.type(text)
        if settings.SSHOPS_AUDIT_INPUT:
            await in_thread(task.note_input, text)

    async def ssh_resize(self, fields):
        cols, rows = size(fields)
        self.typing_task().resize(cols, rows)

    def typing_task(self):
        if self.task is None or not self.task.takes_input:
            raise NotConnected
        return self.task

    async def ssh_cancel(self, fields):
        if self.task is None:
            raise NothingToCancel
        failure = await self.task.stop("cancelled")
        if failure is not None:
            raise failure
        self.tell("cancelled", message=_("Cancelled."))

    async def get_lock_status(self, fields):
        state = await in_thread(leases.state)
        await self.learn(state)
        self.tell_locks(state)

    async def follow_transfers(self, fields):
        """Tell from now on of all runs that this person has asked for."""
        await self.authorize(USE_TRANSFER)
        if not self.follows:
            self.follows = True
            await self.join(transfers.group_of_user(self.user.pk))

    # Events

    async def transfer_run(self, event):
        told = {name: event[name] for name in ("run", *transfers.PROGRESS)}
        self.tell("transfer_run", **told)

    async def stub_state(self, event):
        state = leases.State(event["version"], event["session_owner"], event["locks"])
        await self.learn(state)
        async with self.changing:
            self.see(state)

    async def server_health(self, event):
        shown = event["health"]
        if shown["server_name"] in self.names:
            self.tell(
                "server_health",
                server_name=shown["server_name"],
                is_healthy=shown["is_healthy"],
                status=shown,
            )

    async def servers_changed(self, event):
        self.names = await in_thread(self.visible_names)

    async def learn(self, state):
        """Look whether a locked server that we do not know of is this person's."""
        if not self.names.issuperset(state.locks):
            self.names = await in_thread(self.visible_names)

    def visible_names(self):
        servers = Server.objects.visible_to(self.user).filter(is_active=True)
        return set(servers.values_list("name", flat=True))

    async def task_output(self, event):
        await self.transmit(event["frame"])
        event["sent"]()

    # Messages to the client

    def tell(self, type, **fields):
        self.send(json.dumps({"type": type, **fields}, ensure_ascii=False))

    def tell_error(self, error, state=None):
        state = state or self.state
        fields = {"message": error.text}
        if detail := getattr(error, "detail", None):
            fields["detail"] = detail
        fields["error_code"] = getattr(error, "error_code", Failure.error_code)
        if isinstance(error, leases.SessionTaken | leases.SessionOfAnother):
            fields |= session_fields(state)
        if isinstance(error, leases.Locked):
            fields |= lock_fields(state)
        level = logging.ERROR if error.status >= 500 else logging.WARNING
        log.log(level, "%s got %d: %s", self.id, fields["error_code"], error.text)
        self.tell("error", **fields)

    def see(self, state):
        """Tell the client what has changed since the last state it was told of."""
        before = self.state
        if before is None or state.version <= before.version:
            return
        self.state = state
        if state.session_owner != before.session_owner:
            message = (
                _("A session is active.")
                if state.session_owner
                else _("No session is active.")
            )
            self.tell("session_status", **session_fields(state), message=message)
        if self.shown(state).locks != self.shown(before).locks:
            self.tell_locks(state)

    def shown(self, state):
        """Return a state without the locks of servers that are not this person's."""
        names = self.names
        locks = {n: of for n, of in state.locks.items() if n in names or of == self.id}
        return dataclasses.replace(state, locks=locks)

    def tell_locks(self, state):
        state = self.shown(state)
        message = (
            _("Locked: {names}").format(names=", ".join(state.locks))
            if state.locks
            else _("No server is locked.")
        )
        self.tell(
            "lock_status", **lock_fields(state), locks=state.locks, message=message
        )


def session_fields(state):
    return {
        "session_active": state.session_owner is not None,
        "session_owner": state.session_owner,
    }


def lock_fields(state):
    return {"locked": bool(state.locks), "lock_owner": state.lock_owner}


HANDLERS = {
    "start_session": StubConsumer.start_session,
    "end_session": StubConsumer.end_session,
    "ssh_command": StubConsumer.ssh_command,
    "scp_transfer": StubConsumer.scp_transfer,
    "ssh_input": StubConsumer.ssh_input,
    "ssh_resize": StubConsumer.ssh_resize,
    "ssh_cancel": StubConsumer.ssh_cancel,
    "get_lock_status": StubConsumer.get_lock_status,
    "follow_transfers": StubConsumer.follow_transfers,
}
