"""A chaos proxy: it stands between a server and its upstream, or between a client and the server, and breaks what passes.

It speaks raw TCP and knows as much HTTP as the faults need. Which fault a connection gets is told by the cell's name: towards the upstream
it stands in the request (the model), on the client's side in a first line that the proxy takes away. Every random choice comes from the
seed and the cell's name. Each fault writes down what it did (`Fired`): a cell whose fault did not fire proves nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

from tests.faults.spoken import Said

CELL = re.compile(rb"cell-[a-z0-9-]+-\d{4}")
HOLD_S = 20  # a stall ends when the other side gives up, or then


@dataclass
class Fired:
    """What one fault did."""

    times: int = 0
    pieces: int = 0  # of the answer that had left whole
    body: int = 0  # bytes of the body that had left, before any coding
    notes: list[str] = field(default_factory=list)


@dataclass
class Line:
    """One side of a broken connection, and the means to break it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    rng: random.Random
    fired: Fired

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def rest(self, longest_s: float = 0.01) -> None:
        await asyncio.sleep(self.rng.uniform(0, longest_s))

    def reset(self) -> None:
        """RST, not FIN."""
        sock = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def hold(self) -> None:
        """Says nothing more until the other side leaves."""
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(HOLD_S):
                while await self.reader.read(65_536):
                    pass


Play = Callable[[Line, Said], Awaitable[bool]]  # True: the connection may be used again


@dataclass
class Request:
    head: bytes
    body: bytes


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return Request(head, await reader.readexactly(int(length.group(1))) if length else b"")


async def read_answer(reader: asyncio.StreamReader) -> tuple[bytes, Said]:
    """The head and the pieces as the provider sent them: each chunk is one."""
    head = await reader.readuntil(b"\r\n\r\n")
    kind = re.search(rb"(?i)\r\ncontent-type: *([^\r]+)", head)
    pieces = []
    if re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head):
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            pieces.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
    elif length := re.search(rb"(?i)\r\ncontent-length: *(\d+)", head):
        pieces.append(await reader.readexactly(int(length.group(1))))
    return head, Said(kind.group(1).decode() if kind else "", tuple(pieces))


@dataclass
class Proxy:
    """`plays` by cell towards the upstream, `relays` by cell on the client's side; what isn't named passes unharmed."""

    target: int = 0  # the upstream's port
    plays: Mapping[str, Play] = field(default_factory=dict)
    seed: int = 1
    port: int = 0
    fired: dict[str, Fired] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="chaos-proxy", daemon=True)
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the chaos proxy did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=4096, limit=1 << 24)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        async with server:
            await self._stop.wait()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await read_request(reader):
                if not await self._one(request, reader, writer):
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    async def _one(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head, said = await self._ask(request)
        found = CELL.search(request.head) or CELL.search(request.body)
        cell = found.group(0).decode() if found else ""
        play = self.plays.get(cell)
        if play is None:
            writer.write(head + framed(said) if b"chunked" in head.lower() else head + said.body)
            await writer.drain()
            return True
        fired = self.fired.setdefault(cell, Fired())
        fired.times += 1
        line = Line(reader, writer, random.Random(f"{self.seed}:{cell}"), fired)
        return await play(line, said)

    async def _ask(self, request: Request) -> tuple[bytes, Said]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.target, limit=1 << 24)
        try:
            writer.write(request.head + request.body)
            return await read_answer(reader)
        finally:
            writer.transport.abort()


def chunk(data: bytes, extension: str = "") -> bytes:
    return f"{len(data):x}{extension}\r\n".encode() + data + b"\r\n"


def framed(said: Said) -> bytes:
    return b"".join(chunk(piece) for piece in said.pieces) + b"0\r\n\r\n"
