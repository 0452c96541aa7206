"""Streams that a check holds open: the provider says half of its answer and waits at a gate; a client reads what came, and later the rest."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field

import websockets

from tests.faults.client import Told, read, request_of
from tests.faults.lies import middle
from tests.faults.spoken import encode, events_of, kind_of, say
from tests.harness import wire
from tests.harness.provider import Call, Gate


async def gated(call: Call, gate: Gate, egress: str) -> None:
    """Half of the stream, the gate, the other half; a whole answer waits before it begins."""
    streamed = call.streamed or "stream" in call.seen.path
    if not streamed:
        await gate.wait()
        return await call.bytes(say(egress, False).body)
    pieces = encode(egress, events_of(egress))
    await call.raw(f"HTTP/1.1 200 OK\r\nContent-Type: {kind_of(egress, True)}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for piece in pieces[: middle(egress)]:
        await call.piece(piece)
    await gate.wait()
    for piece in pieces[middle(egress) :]:
        await call.piece(piece)
        await asyncio.sleep(0.002)
    await call.raw(b"0\r\n\r\n")


@dataclass
class OpenStream:
    """One streamed call whose answer has begun."""

    dialect: str
    answer: wire.Answer = field(default_factory=wire.Answer)
    parts: list[bytes] = field(default_factory=list)

    async def open(self, port: int, key: str, model: str) -> OpenStream:
        path, body = request_of(self.dialect, model, True, 40)
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        raw = wire.request_bytes("POST", path, key, body).replace(b"Connection: close\r\n", b"")
        self.writer.write(raw)
        self.answer.status, self.answer.headers = await wire.read_head(self.reader)
        self.task = asyncio.ensure_future(wire.read_body(self.reader, self.answer.headers, self.parts.append))
        while self.answer.status == 200 and b"alpha" not in b"".join(self.parts) and not self.task.done():
            await asyncio.sleep(0.005)
        return self

    async def finish(self, deadline_s: float = 20) -> Told:
        told = Told()
        try:
            await asyncio.wait_for(self.task, deadline_s)
            self.answer.whole = True
        except TimeoutError:
            told.hung = True
        except (OSError, asyncio.IncompleteReadError, ValueError):
            told.cut = True
        self.answer.body = b"".join(self.parts)
        read(self.dialect, True, self.answer, told)
        self.writer.transport.abort()
        return told


@dataclass
class Socket:
    """A WebSocket session of Responses: idle, or in the middle of an answer."""

    url: str
    key: str
    texts: list[str] = field(default_factory=list)
    events: list[dict] = field(default_factory=list)

    async def open(self, model: str | None) -> Socket:
        self.socket = await websockets.connect(self.url, additional_headers={"Authorization": f"Bearer {self.key}"}, max_size=None)
        if model:
            await self.socket.send(json.dumps({"type": "response.create", "model": model, "input": "go", "max_output_tokens": 40, "store": False}))
            while not self.texts:
                self._take(await asyncio.wait_for(self.socket.recv(), 10))
        return self

    async def finish(self, deadline_s: float = 20) -> tuple[Told, int]:
        """What was told until the end, and the code with which the server closed."""
        told = Told(status=101)
        try:
            async with asyncio.timeout(deadline_s):
                while True:
                    self._take(await self.socket.recv())
        except TimeoutError:
            told.hung = True
        except websockets.ConnectionClosed:
            pass
        told.text = "".join(self.texts)
        told.whole = any(one["type"] == "response.completed" for one in self.events)
        errors = [one for one in self.events if one["type"] in ("error", "response.failed")]
        told.error = json.dumps(errors[0]) if errors else ""
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(self.socket.close(), 2)
        return told, self.socket.close_code or 0

    def _take(self, message: str | bytes) -> None:
        event = json.loads(message)
        self.events.append(event)
        if event["type"] == "response.output_text.delta":
            self.texts.append(event["delta"])


async def one_answer(port: int, raw: bytes, deadline_s: float = 5) -> dict:
    """Status, body and whether the connection is ended by the server's word; status 0: it could not be reached."""
    try:
        async with asyncio.timeout(deadline_s):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                return await exchange(reader, writer, raw)
            finally:
                writer.transport.abort()
    except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
        return {"status": 0, "body": repr(error), "close": True}


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytes) -> dict:
    writer.write(raw)
    status, headers = await wire.read_head(reader)
    body = bytearray()
    await wire.read_body(reader, headers, body.extend)
    return {"status": status, "body": bytes(body).decode("utf-8", "replace"), "close": headers.get("connection", "").lower() == "close"}


def plain_get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
