"""A small HTTP/1.1 client on asyncio, made for judging: one connection a call, times of every part, bytes as they came.

A library would retry, pool or decode behind our back; here a call that was cut off says so.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field


class CutOff(Exception):
    """The answer did not come whole."""


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = False
    sent_at: float = 0.0
    head_at: float = 0.0
    ended_at: float = 0.0

    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def error(self) -> dict:
        """The error of an OpenAI envelope, or an empty one."""
        try:
            return self.json().get("error") or {}
        except (ValueError, AttributeError):
            return {}

    def events(self) -> list[dict | str]:
        return sse_events(self.body)

    def comments(self) -> list[str]:
        lines = self.body.decode("utf-8", "replace").splitlines()
        return [line[1:].strip() for line in lines if line.startswith(":")]


def sse_events(body: bytes) -> list[dict | str]:
    """The data of each event: parsed, or "[DONE]"."""
    events: list[dict | str] = []
    for block in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        data = [line[5:].lstrip(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]
        if data:
            text = b"\n".join(data).decode("utf-8")
            events.append(text if text == "[DONE]" else json.loads(text))
    return events


def request_bytes(method: str, path: str, key: str | None, body: object | None, headers: dict[str, str] | None = None) -> bytes:
    payload = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if body is not None:
        kind = [] if "Content-Type" in (headers or {}) else ["Content-Type: application/json"]
        lines += [*kind, f"Content-Length: {len(payload)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in rest if ":" in line)
    return int(first.split(" ")[1]), {name.lower(): value.strip() for name, _, value in fields}


async def read_body(reader: asyncio.StreamReader, headers: dict[str, str], take: Callable[[bytes], None]) -> None:
    """Hands every piece to `take`; raises IncompleteReadError when the answer is cut short."""
    if "chunked" in headers.get("transfer-encoding", ""):
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            take(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
    elif "content-length" in headers:
        take(await reader.readexactly(int(headers["content-length"])))
    else:
        while piece := await reader.read(65_536):
            take(piece)


async def call(
    port: int,
    path: str,
    key: str | None = None,
    body: object | None = None,
    *,
    method: str | None = None,
    headers: dict[str, str] | None = None,
    on_piece: Callable[[bytes], bool | None] | None = None,
    deadline_s: float = 60.0,
) -> Answer:
    """One call. `on_piece` sees the body as it comes; when it answers False the client goes away at once.

    Raises CutOff with the connection's end before the answer's, ConnectionError when there is no server.
    """
    answer = Answer()
    async with asyncio.timeout(deadline_s):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        try:
            writer.write(request_bytes(method or ("GET" if body is None else "POST"), path, key, body, headers))
            answer.sent_at = time.monotonic()
            await writer.drain()
            await _receive(reader, answer, on_piece)
        except (asyncio.IncompleteReadError, ConnectionResetError, BrokenPipeError) as end:
            raise CutOff(f"cut off after {len(answer.body)} bytes of the body") from end
        finally:
            answer.ended_at = time.monotonic()
            writer.transport.abort()
    return answer


async def _receive(reader: asyncio.StreamReader, answer: Answer, on_piece: Callable[[bytes], bool | None] | None) -> None:
    class GoneAway(Exception):
        pass

    def take(piece: bytes) -> None:
        answer.body += piece
        if on_piece and on_piece(piece) is False:
            raise GoneAway

    answer.status, answer.headers = await read_head(reader)
    answer.head_at = time.monotonic()
    try:
        await read_body(reader, answer.headers, take)
        answer.whole = True
    except GoneAway:
        pass
