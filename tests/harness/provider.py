"""A scripted provider: an OpenAI-compatible upstream that does what a test tells it and writes down what it saw.

It speaks raw HTTP/1.1 on asyncio in a thread of its own, so a script can hold an answer, cut it at any byte, send garbage, or split a
character between two writes. Every request is a `Seen`: when it came, when its first byte left, when the other side went away.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote

from tests.harness.wire import read_body, read_head


class Gone(Exception):
    """The caller closed the connection while the script ran."""


@dataclass
class Seen:
    """One request as the provider saw it; times are time.monotonic()."""

    path: str
    headers: dict[str, str]
    body: dict
    came_at: float
    first_byte_at: float | None = None
    disconnected_at: float | None = None
    ended_at: float | None = None
    chunks_sent: int = 0
    raw: bytes = b""  # the body as it came
    method: str = "POST"

    @property
    def model(self) -> str:
        """In the body, or (Gemini, Bedrock) in the address."""
        if "model" in self.body:
            return str(self.body["model"])
        found = re.search(r"/models?/([^/:?]+)", self.path)
        return unquote(found.group(1)) if found else "None"


class Call:
    """What a script is handed: the request, and ways to answer it."""

    def __init__(self, seen: Seen, writer: asyncio.StreamWriter, provider: Provider):
        self.seen, self.body, self.provider = seen, seen.body, provider
        self._writer = writer

    @property
    def streamed(self) -> bool:
        return bool(self.body.get("stream"))

    async def raw(self, data: bytes) -> None:
        """These bytes and no others, as one write."""
        self._writer.write(data)
        if self.seen.first_byte_at is None:
            self.seen.first_byte_at = time.monotonic()
        await self._writer.drain()

    async def json(self, body: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        await self.bytes(json.dumps(body).encode(), status, "application/json", headers)

    async def bytes(self, data: bytes, status: int = 200, kind: str = "application/json", headers: dict[str, str] | None = None) -> None:
        extra = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        head = f"HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n{extra}\r\n"
        await self.raw(head.encode() + data)

    async def begin_stream(self) -> None:
        await self.raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")

    async def piece(self, data: bytes) -> None:
        """One HTTP chunk of the stream, wherever it is cut."""
        await self.raw(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def event(self, body: object) -> None:
        data = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        await self.piece(b"data: " + data.encode() + b"\n\n")
        self.seen.chunks_sent += 1

    async def end_stream(self) -> None:
        await self.event("[DONE]")
        await self.raw(b"0\r\n\r\n")

    def die(self) -> None:
        """Resets the connection: the other side sees it end in the middle."""
        self._writer.transport.abort()


Script = Callable[[Call], Awaitable[None]]


@dataclass
class Provider:
    """`scripts` by model name; "*" answers any other. `models` is what GET /models tells."""

    scripts: dict[str, Script] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    key: str = "upstream-secret-key"
    port: int = 0
    in_flight: int = 0
    peak_in_flight: int = 0
    batches: Callable[[Call], Awaitable[bool]] | None = None  # a Batches (provider_batches.py): answers what is about a batch

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="provider", daemon=True)
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the scripted provider did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def calls(self, model: str | None = None) -> list[Seen]:
        """Requests that were asked to generate or embed (not the list of models)."""
        return [one for one in list(self.seen) if one.path != "/v1/models" and model in (None, one.model)]

    def wait_for(self, condition: Callable[[], bool], deadline_s: float = 10) -> bool:
        end = time.monotonic() + deadline_s
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(0.002)
        return True

    def gate(self) -> Gate:
        """A gate that scripts of this provider can wait at, opened from any thread."""
        return Gate(self)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, backlog=4096, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        async with server:
            await self._stop.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        seen = await self._read(reader)
        self.seen.append(seen)
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        script = asyncio.ensure_future(self._answer(Call(seen, writer, self)))
        watch = asyncio.ensure_future(reader.read(1))  # nobody pipelines: a byte or an end here means the caller left
        try:
            await asyncio.wait({script, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not script.done():
                seen.disconnected_at = time.monotonic()
                return False
            script.result()
            return not writer.transport.is_closing() and not watch.done()
        except (ConnectionError, Gone):
            seen.disconnected_at = seen.disconnected_at or time.monotonic()
            return False
        finally:
            seen.ended_at = time.monotonic()
            self.in_flight -= 1
            for task in (script, watch):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                    await task

    async def _read(self, reader: asyncio.StreamReader) -> Seen:
        first = await reader.readuntil(b"\r\n")
        path = first.split(b" ")[1].decode()
        headers = (await _head_fields(reader)) if first.strip() else {}
        body = bytearray()
        if "content-length" in headers or "transfer-encoding" in headers:
            await read_body(reader, headers, body.extend)
        is_form = headers.get("content-type", "").startswith("multipart/")
        read = json.loads(bytes(body)) if body and not is_form else {}
        return Seen(path, headers, read, time.monotonic(), raw=bytes(body), method=first.split(b" ")[0].decode())

    async def _answer(self, call: Call) -> None:
        if self.batches and await self.batches(call):
            return
        if call.seen.path == "/v1/models":
            offered = [{"id": name, "object": "model", "created": 1, "owned_by": "script"} for name in self.scripts if name != "*"]
            await call.json({"object": "list", "data": offered})
        elif script := self.scripts.get(call.seen.model) or self.scripts.get("*"):
            await script(call)
        else:
            await call.json({"error": {"message": "no such model", "type": "invalid_request_error", "code": "model_not_found"}}, 404)


async def _head_fields(reader: asyncio.StreamReader) -> dict[str, str]:
    rest = await reader.readuntil(b"\r\n\r\n")
    fields = (line.partition(":") for line in rest.decode("latin-1").split("\r\n") if ":" in line)
    return {name.lower(): value.strip() for name, _, value in fields}


class Gate:
    """Scripts wait; a test opens."""

    def __init__(self, provider: Provider):
        self._provider, self._event = provider, threading.Event()
        self.waiting = 0

    async def wait(self) -> None:
        self.waiting += 1
        while not self._event.is_set():
            await asyncio.sleep(0.005)

    def open(self) -> None:
        self._event.set()


__all__ = ["Call", "Gate", "Gone", "Provider", "Script", "Seen", "read_head"]
