"""Commands in one go, on a real Valkey."""

import pytest
import redis

from config.valkey import ask, valkey


def test_replies_come_in_the_order_of_the_commands():
    valkey().delete("test:list")

    replies = ask(
        ("RPUSH", "test:list", "a", b"\xff"),
        ("LRANGE", "test:list", 0, -1),
        ("GET", "test:nothing"),
    )

    assert replies == [2, [b"a", b"\xff"], None]


def test_what_follows_a_failure_is_no_later_reply():
    valkey().set("test:text", "no list")

    with pytest.raises(redis.ResponseError):
        ask(("LPUSH", "test:text", 1), ("GET", "test:text"))

    assert ask(("ECHO", "mine")) == [b"mine"]


def test_a_line_that_broke_meanwhile_is_replaced():
    (number,) = ask(("CLIENT", "ID"))
    valkey().client_kill_filter(_id=number)

    assert ask(("ECHO", "mine")) == [b"mine"]
