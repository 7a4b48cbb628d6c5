"""Who is connected and in which group, and a word to them, over HTTP."""

import redis
from django.utils.translation import gettext as _

from config.errors import Unavailable
from config.valkey import valkey
from workspace.chat import lines, names, scripts
from workspace.chat.register import (
    TO_GROUP,
    TO_ID,
    counts_of,
    members_of,
    told,
    utterance,
)


def entries():
    """Return the entries of all sockets as JSON, with commas between."""
    sweep()
    return run(scripts.LISTS)[1].decode()


def groups():
    """Return the groups that have members."""
    sweep()
    return lines.as_list(counts_of(run(scripts.GROUPS)))


def members(group):
    """Return the members of a group."""
    sweep()
    return members_of(run(scripts.MEMBERS, group))


def sweep():
    """Forget the sockets of killed processes, also where no socket lives to do it."""
    run(scripts.SWEEP, *told())


def send_to(target, text):
    """Send a server's message to a client; return how many sockets get it."""
    client = names.client(target)
    message = {"kind": lines.SERVER, "to": target, "text": text}
    key = f"{client.kind}{client.id}"
    return run(scripts.SAY, *utterance(message, TO_ID, key))


def broadcast(group, text):
    """Send a server's message to a group; return how many sockets get it."""
    if not names.is_name(group):
        return 0  # nobody can be in it
    message = {"kind": lines.ANNOUNCED, "room": group, "text": text}
    return run(scripts.SAY, *utterance(message, TO_GROUP, group))


def state_now():
    """Return the app's state and figures for the home page."""
    try:
        sweep()
        people = ask(valkey().hlen, "madang:chat:people")
        groups = ask(valkey().hlen, "madang:chat:groups")
    except Unavailable:
        return {"state": "down", "figures": []}
    return {
        "state": "live" if people else "idle",
        "figures": [(_("people online"), people), (_("groups"), groups)],
    }


def run(script, *arguments):
    """Return what a script answers; raise Unavailable while Valkey is away."""
    return ask(valkey().eval, script, 0, *arguments)


def ask(command, *arguments):
    try:
        return command(*arguments)
    except redis.RedisError as error:
        raise Unavailable from error
