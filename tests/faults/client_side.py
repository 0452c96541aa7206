"""Faults between a client and the server: what the proxy does to a request on its way in, or to an answer on its way out.

The client says in a first line which cell it is; the proxy takes the line away. `What` names what has to come of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import random
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import brotli

from tests.faults.network import noise, slices
from tests.faults.proxy import Fired, Line, Proxy, Request, chunk, read_request

RIGHT, REFUSED, EITHER, LEFT = "right", "refused", "either", "left"  # LEFT: the client is gone, nobody reads an answer
READS_OF_A_SLOW_CLIENT = 3


@dataclass
class Relay:
    """The client's line, its request, and the line to the server."""

    client: Line
    server: Line
    request: Request

    async def answer(self) -> None:
        """Passes on what the server says, to its end."""
        while data := await self.server.reader.read(65_536):
            await self.client.send(data)


Play = Callable[[Relay], Awaitable[None]]


@dataclass(frozen=True)
class ClientFault:
    play: Play
    what: str
    script: str = "good"  # what the provider does: "good", "held" in the middle, "large"
    streams: bool = True
    wholes: bool = True


def raw(request: Request) -> bytes:
    return request.head + request.body


def with_header(request: Request, line: str, body: bytes | None = None) -> bytes:
    """Another header, and with another body its length."""
    head = request.head[:-2] + line.encode() + b"\r\n\r\n" if line else request.head
    if body is not None:
        head = re.sub(rb"(?i)content-length: *\d+", b"Content-Length: %d" % len(body), head)
    return head + (request.body if body is None else body)


def length_off_by(request: Request, more: int) -> bytes:
    return re.sub(rb"(?i)content-length: *\d+", b"Content-Length: %d" % (len(request.body) + more), request.head) + request.body


# --- on the way in -------------------------------------------------------------------------------------------------------------------
async def slow_in(relay: Relay) -> None:
    for part in slices(raw(relay.request), relay.client.rng, 64):
        await relay.server.rest(0.004)
        await relay.server.send(part)
    await relay.answer()


async def bytes_in(relay: Relay) -> None:
    for number, part in enumerate(slices(raw(relay.request), relay.client.rng, 1)):
        relay.server.writer.write(part)
        await asyncio.sleep(0.001 if number % 60 == 0 else 0)
    await relay.answer()


async def chunked_in(relay: Relay) -> None:
    head = re.sub(rb"(?i)content-length: *\d+", b"Transfer-Encoding: chunked", relay.request.head)
    body = b"".join(chunk(part, ';x="y"') for part in slices(relay.request.body, relay.client.rng, 20))
    await relay.server.send(head + body + b"0;last\r\nX-Trailer: 1\r\n\r\n")
    await relay.answer()


async def old_http_in(relay: Relay) -> None:
    await relay.server.send(raw(relay.request).replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1))
    await relay.answer()


def packed_in(coding: str, pack: Callable[[bytes], bytes]) -> Play:
    async def play(relay: Relay) -> None:
        await relay.server.send(with_header(relay.request, f"Content-Encoding: {coding}", pack(relay.request.body)))
        await relay.answer()

    return play


async def half_closed(relay: Relay) -> None:
    """Ends its sending side behind the request: for the server the client is gone, but it can still be told."""
    relay.server.writer.write(raw(relay.request))
    relay.server.writer.write_eof()
    await relay.answer()


async def trailing_in(relay: Relay) -> None:
    """Behind the body what is no request."""
    await relay.server.send(raw(relay.request).replace(b"Connection: close", b"Connection: keep-alive") + b"NOISE noise\r\n\r\n")
    await relay.answer()


async def too_long(relay: Relay) -> None:
    relay.server.writer.write(length_off_by(relay.request, 50))
    relay.server.writer.write_eof()
    await relay.answer()


async def too_long_and_silent(relay: Relay) -> None:
    await relay.server.send(length_off_by(relay.request, 50))
    await relay.answer()


async def too_short(relay: Relay) -> None:
    await relay.server.send(length_off_by(relay.request, -9))
    await relay.answer()


async def stalled_head(relay: Relay) -> None:
    await relay.server.send(relay.request.head[:-2])
    await relay.answer()


async def garbage_in(relay: Relay) -> None:
    await relay.server.send(noise(relay.client.rng, 200) + b"\r\n\r\n")
    await relay.answer()


async def garbage_in_body(relay: Relay) -> None:
    body = bytearray(relay.request.body)
    at = relay.client.rng.randrange(len(body) - 8)
    body[at : at + 8] = noise(relay.client.rng, 8)
    await relay.server.send(relay.request.head + bytes(body))
    await relay.answer()


async def reset_in_request(relay: Relay) -> None:
    await relay.server.send(relay.request.head + relay.request.body[:10])
    await asyncio.sleep(0.03)
    relay.server.reset()


# --- on the way out ------------------------------------------------------------------------------------------------------------------
async def sliced_out(relay: Relay) -> None:
    await relay.server.send(raw(relay.request))
    while data := await relay.server.reader.read(256):
        for part in slices(data, relay.client.rng, 3):
            relay.client.writer.write(part)
        await relay.client.rest(0.002)


async def slow_out(relay: Relay) -> None:
    await relay.server.send(raw(relay.request))
    while data := await relay.server.reader.read(100):
        await relay.client.rest(0.004)
        await relay.client.send(data)


async def reset_out(relay: Relay) -> None:
    """Leaves once the answer stands still in the middle (or, whole, before it begins)."""
    await relay.server.send(raw(relay.request))
    with contextlib.suppress(TimeoutError):
        while True:
            await asyncio.wait_for(relay.server.reader.read(65_536), 0.7)
    relay.server.reset()


async def closed_out(relay: Relay) -> None:
    await relay.server.send(raw(relay.request))
    with contextlib.suppress(TimeoutError):
        while True:
            await asyncio.wait_for(relay.server.reader.read(65_536), 0.7)


async def stops_reading(relay: Relay) -> None:
    """Takes a little of a large answer, and then nothing more, with the connection open."""
    await relay.server.send(raw(relay.request))
    for _ in range(READS_OF_A_SLOW_CLIENT):
        await relay.server.reader.read(1_000)
    await asyncio.sleep(4)  # beyond limits.write_timeout_ms of the check


CLIENT_FAULTS: dict[str, ClientFault] = {
    "slow-request": ClientFault(slow_in, RIGHT),
    "bytes-of-a-request": ClientFault(bytes_in, RIGHT),
    "chunked-request": ClientFault(chunked_in, RIGHT),
    "http10-request": ClientFault(old_http_in, RIGHT),
    "gzip-request": ClientFault(packed_in("gzip", gzip.compress), EITHER),
    "brotli-request": ClientFault(packed_in("br", brotli.compress), EITHER),
    "half-closed-request": ClientFault(half_closed, EITHER),
    "trailing-request": ClientFault(trailing_in, RIGHT),
    "too-long-request": ClientFault(too_long, REFUSED),
    "too-long-silent-request": ClientFault(too_long_and_silent, REFUSED),
    "too-short-request": ClientFault(too_short, REFUSED),
    "stalled-request": ClientFault(stalled_head, REFUSED),
    "garbage-request": ClientFault(garbage_in, REFUSED),
    "garbage-in-request": ClientFault(garbage_in_body, REFUSED),
    "reset-request": ClientFault(reset_in_request, LEFT),
    "sliced-answer": ClientFault(sliced_out, RIGHT),
    "slow-answer": ClientFault(slow_out, RIGHT),
    "reset-answer": ClientFault(reset_out, LEFT, "held"),
    "closed-answer": ClientFault(closed_out, LEFT, "held"),
    "unread-answer": ClientFault(stops_reading, LEFT, "large", wholes=False),
}


class ClientProxy(Proxy):
    """Before the server: a client names its cell in a first line."""

    relays: Mapping[str, Play] = {}

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: asyncio.StreamWriter | None = None
        try:
            cell = (await reader.readuntil(b"\n")).decode().strip()
            request = await read_request(reader)
            if request is None:
                return
            server_reader, upstream = await self._to_server()
            fired = self.fired.setdefault(cell, Fired())
            fired.times += 1
            rng = random.Random(f"{self.seed}:{cell}")
            relay = Relay(Line(reader, writer, rng, fired), Line(server_reader, upstream, rng, fired), request)
            await self.relays[cell](relay)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            for one in (writer, upstream):
                if one is not None:
                    one.close()

    async def _to_server(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """With a small window, so that a client that doesn't read is felt soon."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.target))
        return await asyncio.open_connection(sock=sock, limit=4_096)
