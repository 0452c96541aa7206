"""Request bodies share the server's memory: a client that sends many and ends none takes its own part, not everybody's."""

from __future__ import annotations

import contextlib
import json
import socket

import httpx
import pytest

from tests.harness.admin import Admin
from tests.harness.steward import Steward, lift_file_limit
from tests.talk.life import wait_for

MIB = 1 << 20
BODY = 2 * MIB
TOGETHER = 256 * MIB  # limits.max_bodies_bytes, as shipped


@pytest.fixture(scope="module")
def steward():
    lift_file_limit()
    with Steward() as running:
        yield running


def half_sent(steward: Steward, lines: str) -> socket.socket:
    """A body of which the last byte never comes."""
    made = socket.create_connection(("127.0.0.1", steward.port), timeout=20)
    made.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n{lines}Content-Length: {BODY}\r\n\r\n".encode())
    with contextlib.suppress(OSError):  # refused in the middle of it
        made.sendall(b"x" * (BODY - 1))
    return made


def refusal(made: socket.socket) -> dict | None:
    """What it was answered by now, or None while the server still waits for the rest."""
    made.settimeout(0.5)
    try:
        answer = made.recv(65536)
    except TimeoutError:
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    return {"status": int(head.split()[1]), "error": json.loads(body)["error"]}


def flood(steward: Steward, lines: str, stack: contextlib.ExitStack) -> list[dict]:
    """Twice the memory of all bodies in half-sent ones; the refusals."""
    made = [stack.enter_context(half_sent(steward, lines)) for _ in range(2 * TOGETHER // BODY)]
    return [told for one in reversed(made[-8:]) if (told := refusal(one))]


def asks(steward: Steward, secret: str, bytes_: int) -> httpx.Response:
    """An ordinary call with a body of this size: refused for its model alone, which tells that it was read."""
    body = {"model": "no-such-model", "messages": [{"role": "user", "content": "y" * bytes_}]}
    return httpx.post(steward.base_url + "/chat/completions", json=body, headers={"Authorization": f"Bearer {secret}"}, timeout=60)


@pytest.mark.timeout(180)
def test_one_key_that_ends_no_body_leaves_room_for_the_others(steward):
    with Admin(steward) as admin, contextlib.ExitStack() as stack:
        greedy, other = admin.new_key("greedy")["secret"], admin.new_key("other")["secret"]
        refused = flood(steward, f"Authorization: Bearer {greedy}\r\n", stack)
        assert refused and all(one["status"] == 429 for one in refused)
        assert "limits.max_client_bodies_bytes" in refused[0]["error"]["message"]
        assert asks(steward, other, 30 * MIB).status_code == 404
        wait_for(lambda: asks(steward, greedy, 1 * MIB).status_code == 429, "all that was sent being read", 20)
    # What was held is given back with the connections.
    assert asks(steward, greedy, 30 * MIB).status_code == 404


@pytest.mark.timeout(180)
@pytest.mark.parametrize("lines", ["", "Authorization: Bearer sk-steward-{n}\r\n"], ids=["nothing shown", "keys made up"])
def test_strangers_leave_room_for_those_who_are_known(steward, lines):
    with Admin(steward) as admin, contextlib.ExitStack() as stack:
        key = admin.new_key("known")["secret"]
        made = [stack.enter_context(half_sent(steward, lines.replace("{n}", f"{n:048d}"))) for n in range(2 * TOGETHER // BODY)]
        assert any((told := refusal(one)) and told["status"] == 429 for one in reversed(made[-8:]))
        assert asks(steward, key, 30 * MIB).status_code == 404
