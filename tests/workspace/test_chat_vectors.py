"""The recorded conversations, step by step, over a real server."""

import asyncio
import json
import re
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest

from config.realtime import in_thread

VECTORS = json.loads(Path(__file__).with_name("chat.json").read_text())
LISTS = {"client_list": "clients", "group_info": "groups"}
PLACEHOLDER = re.compile(r"<(?:number|uuid) of [^>]+>")


def is_moment(text):
    return datetime.fromisoformat(text).utcoffset() is not None


def is_uuid(text):
    return str(UUID(text)) == text


class Reading:
    """Compares what came with what was recorded; remembers what stands for <...>."""

    def __init__(self):
        self.known = {}

    def stands_for(self, name, value):
        if name == "<moment>":
            return is_moment(value)
        if name.startswith("<uuid"):
            # Two sockets of one id have the placeholder in common, not the value.
            return is_uuid(value)
        self.known.setdefault(name, value)
        return self.known[name] == value and 1000 <= value <= 999_999

    def same(self, wanted, came):
        if isinstance(wanted, str) and PLACEHOLDER.fullmatch(wanted):
            return self.stands_for(wanted, came)
        if wanted == "<moment>":
            return is_moment(came)
        if isinstance(wanted, dict) and set(wanted) == {"starts_with"}:
            return came.startswith(wanted["starts_with"])
        if isinstance(wanted, dict) and wanted.get("type") in LISTS:
            return self.same_list(wanted, came)
        if isinstance(wanted, dict):
            return set(came) - {"user"} == set(wanted) and all(
                self.same(value, came[name]) for name, value in wanted.items()
            )
        if isinstance(wanted, list):
            return self.same_members(wanted, came)
        if isinstance(wanted, str) and isinstance(came, str):
            return self.same_line(wanted, came)
        return wanted == came

    def same_list(self, wanted, came):
        member = LISTS[wanted["type"]]
        return came["type"] == wanted["type"] and self.same_members(
            wanted[member], came[member]
        )

    def same_members(self, wanted, came):
        rest = list(came)
        for one in wanted:
            match = next((other for other in rest if self.same(one, other)), None)
            if match is None:
                return False
            rest.remove(match)
        return not rest

    def same_line(self, wanted, came):
        head, found, listed = wanted.partition(": [{")
        if found and came.startswith(head + found):
            came = json.loads(came.removeprefix(f"{head}: "))
            return self.same(json.loads("[{" + listed), came)
        for name in PLACEHOLDER.findall(wanted):
            wanted = wanted.replace(name, str(self.known[name]))
        return wanted == came


def test_the_reading_tells_a_wrong_frame():
    reading = Reading()

    assert not reading.same({"starts_with": "Failed"}, "Message sent")
    assert not reading.same("Members: [1]", "Members: [2]")
    assert not reading.same([{"a": 1}], [{"a": 2}])


@pytest.mark.parametrize(
    ("conversation", "prefix"), [("as_the_original", ""), ("ours", "/api")]
)
async def test_the_recorded_conversation(talk, call, kim, conversation, prefix):
    talkers, reading = {}, Reading()
    for step in VECTORS[conversation]:
        if "connect" in step:
            talkers[step["as"]] = await talk(prefix + step["connect"], kim)
        elif "say" in step:
            await talkers[step["by"]].say(step["say"])
        elif "close" in step:
            await talkers.pop(step["close"]).close()
        else:
            answer = await in_thread(call, "POST", step["post"], kim, json=step["json"])
            assert answer.status_code == step["status"]
            assert answer.json()["status"] == step["answer_status"]
        heard = await asyncio.gather(*(one.all() for one in talkers.values()))
        for name, came in zip(talkers, heard, strict=True):
            wanted = step.get("received", {}).get(name, [])
            assert len(came) == len(wanted), (step, name, came)
            for one, other in zip(wanted, came, strict=True):
                assert reading.same(one, other), (step, name, one, other)
