"""A conversation of 36 MB, and ways to hold the server to it: a message that has half arrived."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.talk.life import Life

MESSAGES, MESSAGE_BYTES = 300, 120_000
HUGE_BYTES = MESSAGES * MESSAGE_BYTES
STALLED = 8  # readers that take nothing
SAID_BYTES = 12 << 20


def huge(it: Life) -> str:
    """300 messages, each a little more than 120 kB; in the hundredth stands a needle."""
    talk = it.new()
    text = "words of a long conversation " * (MESSAGE_BYTES // 29 + 1)
    for number in range(MESSAGES):
        it.say(talk, f"{number} {'needle ' if number == 100 else ''}{text}", answer=False)
    return talk


class HalfSaid:
    def __init__(self, connection: socket.socket, rest: bytes):
        self._connection, self._rest = connection, rest

    def finish(self) -> int:
        """Sends what is left: the status of the answer."""
        self._connection.sendall(self._rest)
        return int(self._connection.makefile("rb").readline().split(b" ")[1])


@contextmanager
def half_said(it: Life, conversation: str) -> Iterator[HalfSaid]:
    """A large message, of which half has been sent."""
    body = json.dumps({"text": "x " * (SAID_BYTES // 2), "answer": False}).encode()
    cookie = "; ".join(f"{one.name}={one.value}" for one in it.me.http.cookies.jar)
    head = (
        f"POST /v1/conversations/{conversation}/messages HTTP/1.1\r\nHost: 127.0.0.1:{it.steward.port}\r\nContent-Type: application/json\r\n"
        f"Cookie: {cookie}\r\nX-Steward-Csrf: {it.me.csrf}\r\nOrigin: {it.steward.url}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", it.steward.port), timeout=60) as connection:
        connection.sendall(head.encode() + body[: len(body) // 2])
        yield HalfSaid(connection, body[len(body) // 2 :])
