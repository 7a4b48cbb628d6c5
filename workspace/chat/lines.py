"""The lines that clients get, word for word as existing clients know them.

A message is a flat dict: `kind`, `text`, `sent_at`; `sender` and `user_id`, `room` (its
group) or `to` where it has them; `id` when it is kept.
"""

import json
from datetime import UTC, datetime

SAID, TO_GROUP, PRIVATE = "said", "group", "private"  # from a client
SERVER, ANNOUNCED = "server", "announced"  # from HTTP, to a client and a group


def of_message(message):
    """Return the line of a message."""
    return WORDING[message["kind"]].format_map(message)


# format_map() reads the braces of these texts alone, not those of a message.
WORDING = {
    SAID: "Client '{sender}': {text}",
    TO_GROUP: "Group message from client '{sender}': {text}",
    PRIVATE: "Private message from client '{sender}': {text}",
    SERVER: "Server message to client '{to}': {text}",
    ANNOUNCED: "Server broadcast to group '{room}': {text}",
}


def as_frame(message):
    """Return a message in JSON, for clients that ask for it."""
    frame = {"type": "message", **as_json(message)}
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def as_json(message):
    """Return a message as HTTP and JSON frames show it."""
    return {
        "id": message.get("id"),
        "kind": message["kind"],
        "group": message.get("room"),
        "to": message.get("to"),
        "sender": message.get("sender"),
        "user_id": message.get("user_id"),
        "text": message["text"],
        "sent_at": moment(message["sent_at"]),
    }


def moment(micros):
    """Return microseconds of Unix time in ISO 8601."""
    text = datetime.fromtimestamp(micros / 1e6, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def greeting(client, number, group):
    """Return what greets a client of a number or a text."""
    if client.kind == "n":
        text = f"Connected as client #{client.id}"
    else:
        text = f"Connected as client '{client.id}' (mapped to numeric ID: {number})"
    return f"{text} in group '{group}'" if group else text


def as_list(groups):
    """Return groups, name to number of members, as lists and lines show them."""
    return [
        {"name": name, "member_count": count} for name, count in sorted(groups.items())
    ]


NO_GROUP = "You are not in any group. Join one first: /join <group>"
