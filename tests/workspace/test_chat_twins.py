"""The HTTP side of chat: for programs that push a line or look who is there."""

import pytest

from config.realtime import in_thread

READS = ["clients", "groups", "groups/red", "groups/red/messages"]


@pytest.fixture
async def alpha(talk, kim):
    talker = await talk("/ws/alpha/red", kim)
    await talker.line()
    return talker


@pytest.mark.parametrize("prefix", ["/api/ws", "/ws"])
async def test_who_is_there(alpha, talk, call, kim, prefix):
    await talk("/ws/7", kim)

    async def get(path):
        answer = await in_thread(call, "GET", f"{prefix}/{path}", kim)
        assert answer.status_code == 200
        return answer.json()

    entries = {
        one["original_client_id"]: one for one in (await get("clients"))["clients"]
    }
    assert set(entries) == {"alpha", 7}
    entry = entries["alpha"]
    assert entry["groups"] == ["red"]
    assert entry["id_mapping"] == {
        "string_id": "alpha",
        "numeric_id": entry["client_id"],
    }
    assert await get("groups") == {"groups": [{"name": "red", "member_count": 1}]}
    shown = ("client_id", "original_client_id", "connected_at")
    assert await get("groups/red/") == {
        "group": "red",
        "members": [{name: entry[name] for name in shown}],
    }
    assert await get("groups/none") == {"group": "none", "members": []}
    assert (await get("groups/none/messages"))["messages"] == []


@pytest.mark.parametrize("prefix", ["/api/ws", "/ws"])
async def test_a_word_to_a_client_or_a_group(alpha, talk, call, kim, prefix):
    again = await talk("/ws/alpha", kim)
    number = (await again.line()).partition("numeric ID: ")[2][:-1]

    async def post(path, **body):
        answer = await in_thread(call, "POST", f"{prefix}/{path}", kim, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()["status"], answer.json()["delivered"]

    assert await post("send_to/alpha", json={"message": "공지", "more": 1}) == (
        *("success", 2),
    )
    assert await post(f"send_to/{number}/", json={}) == ("success", 2)
    assert await post("send_to/none", json={"message": "x"}) == ("error", 0)
    assert await post("broadcast_to_group/red", json={"message": ""}) == ("success", 1)
    assert await post("broadcast_to_group/none", json={}) == ("success", 0)

    first = "Server message to client 'alpha': 공지"
    second = f"Server message to client '{number}': Server message"
    assert await again.lines(2) == [first, second]
    assert await alpha.lines(3) == [
        *(first, second, "Server broadcast to group 'red': "),
    ]


@pytest.mark.parametrize("path", ["send_to/alpha", "broadcast_to_group/red"])
@pytest.mark.parametrize(
    "body", [b"", b"[]", b'"x"', b"{", b'{"message": 1}', b'{"message": null}']
)
async def test_wrong_bodies_are_refused(alpha, call, kim, path, body):
    answer = await in_thread(call, "POST", f"/api/ws/{path}", kim, content=body)

    assert answer.status_code == 422
    assert answer.json()["code"]


async def test_nobody_is_refused(call, house):
    for path in READS:
        answer = await in_thread(call, "GET", f"/api/ws/{path}", None)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    for path in ("send_to/alpha", "broadcast_to_group/red"):
        answer = await in_thread(call, "POST", f"/ws/{path}", None, json={})
        assert answer.status_code == 401
