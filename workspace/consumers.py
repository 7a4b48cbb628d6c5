"""The chat sockets, of web pages and of scripts."""

import json
import logging
from urllib.parse import parse_qs

from django.conf import settings

from config.consumers import BAD_REQUEST, Consumer, Refusal
from config.errors import Unavailable
from config.realtime import in_thread
from workspace.chat import commands, history, lines, names
from workspace.chat.rate import Bucket
from workspace.chat.register import TO_ALL, TO_GROUP, TO_ID, Place
from workspace.chat.switchboard import switchboard

log = logging.getLogger(__name__)

PAGE = 500


class ChatSocket(Consumer):
    """What all chat sockets have: a place among the others, and the lists."""

    max_frame_bytes = 1 << 24
    max_queue = 10_000
    max_queue_bytes = 64 << 20  # of frames that all their receivers share

    @property
    def explains_refusal(self):
        """Browsers alone send an origin, and cannot read the status of a handshake."""
        return any(name == b"origin" for name, _value in self.scope["headers"])

    async def connect(self):
        client, group = self.address()
        self.read_query()
        self.rate = Bucket()
        self.place = Place(client, self.user, group)
        self.listed_in = None  # the group that the switchboard has it in
        self.version = self.seen = 0  # of its entry, and of the lists it has
        self.lists_due = False
        self.board = await switchboard()
        self.deliver({"type": "chat.welcome"})  # before all else
        await self.board.join(self)

    def address(self):
        """Return client and group; raise Refusal for one that cannot be."""
        return None, ""

    def read_query(self):
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"))
        # In place of lines, for clients that want to know a message's id.
        self.wants_frames = query.get("frames") == ["json"]
        last = query.get("resume", [""])[-1]
        if last and not (last.isascii() and last.isdigit() and len(last) < 19):
            raise Refusal(BAD_REQUEST)
        self.resumed_to = int(last) if last else None

    async def left(self):
        await self.board.leave(self)

    # From the client

    async def receive(self, data):
        if not self.rate.take():
            if self.rate.may_complain():
                self.send("Invalid: too many frames a second, some were dropped")
        elif isinstance(data, bytes):
            self.send("Invalid frame: only text is understood")
        elif is_long(data, settings.WORKSPACE_WS_MAX_BYTES):
            log.warning("A text of %d on %s", len(data), self.scope["path"])
            self.send("Invalid frame: too long")
        else:
            await self.answer(data)

    async def answer(self, text):
        self.send(f"Message text was: {text}")

    def answer_error(self, error):
        return f"Failed: {error.text}"

    # From the switchboard, never waiting

    def take(self, message):
        """Pass on a message."""
        frame = message.frame if self.wants_frames else message.line
        if self.resumed_to is None:
            self.send(frame)
        else:
            self.deliver(
                {"type": "chat.message", "id": message.get("id"), "frame": frame}
            )

    def spoke(self, message):
        """The socket's own message has been handed out."""

    def settle(self, version):
        """The socket's own change has come by."""

    def expect_lists(self, version):
        if version > self.seen and not self.lists_due:
            self.lists_due = True
            self.deliver({"type": "chat.lists", "version": version})

    # To the client, in turn

    async def chat_welcome(self, event):
        await self.show_lists(self.version)
        if greeting := self.greeting():
            await self.transmit(greeting)
        if self.resumed_to is not None and self.place.group:
            await self.catch_up(self.place.group)

    def greeting(self):
        return ""

    async def chat_lists(self, event):
        self.lists_due = False
        await self.show_newer_lists(event["version"])

    async def show_lists(self, version):
        """Send the lists as they are by now, unless the client has them."""
        lists = await self.board.lists_since(version)
        if lists.version > self.seen:
            self.seen = lists.version
            await self.transmit(lists.client_list)
            await self.transmit(lists.group_info)

    async def show_newer_lists(self, version):
        try:
            await self.show_lists(version)
        except Unavailable:
            log.warning("Lists are told later: Valkey is away")

    async def catch_up(self, group):
        """Send what the group said since; live messages wait in the queue meanwhile."""
        while True:
            missed = await in_thread(history.since, group, self.resumed_to, PAGE)
            for message in missed:
                wording = lines.as_frame if self.wants_frames else lines.of_message
                await self.transmit(wording(message))
                self.resumed_to = message["id"]
            if len(missed) < PAGE:
                return

    async def chat_message(self, event):
        if event["id"] is None or event["id"] > self.resumed_to:
            await self.transmit(event["frame"])


class BasicConsumer(ChatSocket):
    """/ws: no id; what it says comes back to it alone."""


class SignedInConsumer(ChatSocket):
    """/ws/auth: like /ws, and told as whom it is connected."""

    def greeting(self):
        user = self.user
        return f"Connected as authenticated user: {user.uname} ({user.email})"


class ChatConsumer(ChatSocket):
    """/ws/{client_id} and /ws/{client_id}/{group}: talks to all, to a group, to one."""

    def address(self):
        kwargs = self.scope["url_route"]["kwargs"]
        client, group = kwargs["client_id"], kwargs.get("group")
        # /ws/auth is an address of its own.
        if not names.is_name(client) or client == "auth":
            raise Refusal(BAD_REQUEST)
        if group is not None and not names.is_name(group):
            raise Refusal(BAD_REQUEST)
        if b"%2f" in self.scope.get("raw_path", b"").lower():
            raise Refusal(BAD_REQUEST)  # a segment holds no slash
        self.confirms = group is None
        self.moves = []  # lines that wait for the word of a change to come by
        return names.client(client), group or ""

    def greeting(self):
        place = self.place
        return lines.greeting(place.client, place.number, place.group)

    @property
    def me(self):
        return self.place.client.id

    # Commands

    async def answer(self, text):
        try:
            verb, arguments = commands.parse(text)
        except commands.WrongCommand as error:
            self.send(f"Invalid command: {error}")
            return
        await self.verbs[verb](self, *arguments)

    async def tell(self, kind, text, toward, name="", **fields):
        """Hand a message to others; return how many sockets get it."""
        message = {
            "kind": kind,
            "sender": self.me,
            "user_id": str(self.user.pk),
            "by": self.place.id,
            "text": text,
            **fields,
        }
        return await self.board.register.say(message, toward, name)

    async def say(self, text):
        self.send(f"Client '{self.me}' says: {text}")
        if group := self.place.group:
            await self.tell(lines.SAID, text, TO_GROUP, group, room=group)
        else:
            await self.tell(lines.SAID, text, TO_ALL)

    async def send_to(self, target, text):
        client = names.client(target)
        key = f"{client.kind}{client.id}"
        if await self.tell(lines.PRIVATE, text, TO_ID, key, to=target):
            self.send(f"Message sent to client '{target}'")
        else:
            self.send(f"Failed to send to client '{target}': nobody has this id")

    async def say_to_group(self, text):
        if group := self.place.group:
            await self.tell(lines.TO_GROUP, text, TO_GROUP, group, room=group)
        else:
            self.send(lines.NO_GROUP)

    def spoke(self, message):
        if message["kind"] == lines.TO_GROUP and self.confirms:
            self.send(f"Message sent to groups: ['{message['room']}']")

    async def join_group(self, group):
        await self.move(group, f"Joined group: {group}")

    async def leave_group(self, group):
        if group == self.place.group:
            await self.move("", f"Left group: {group}")
        else:
            self.send(f"Failed to leave group '{group}': you are not in it")

    async def leave_all(self):
        if self.place.group:
            await self.move("", "Left all groups")
        else:
            self.send("Left all groups")

    async def move(self, group, line):
        self.moves.append(line)
        try:
            await self.board.register.move(self.place, group)
        except Unavailable:
            self.moves.remove(line)
            raise

    def settle(self, version):
        if self.moves:
            event = {"type": "chat.moved", "version": version}
            self.deliver({**event, "line": self.moves.pop(0)})

    async def chat_moved(self, event):
        await self.show_newer_lists(event["version"])
        await self.transmit(event["line"])

    async def my_groups(self):
        group = self.place.group
        self.send(f"Your groups: ['{group}']" if group else lines.NO_GROUP)

    async def groups(self):
        groups = await self.board.register.groups()
        self.send(f"Available groups: {json.dumps(groups, ensure_ascii=False)}")

    async def group_members(self, group):
        members = await self.board.register.members(group)
        shown = json.dumps(members, ensure_ascii=False)
        self.send(f"Members in group '{group}': {shown}")

    verbs = {
        "say": say,
        "send_to": send_to,
        "group": say_to_group,
        "join": join_group,
        "leave": leave_group,
        "leave_all": leave_all,
        "my_groups": my_groups,
        "groups": groups,
        "group_members": group_members,
    }


def is_long(text, most):
    """Tell whether a text has more bytes than that in UTF-8."""
    return len(text) > most or (len(text) * 4 > most and len(text.encode()) > most)
