"""Seeds for the fuzzers, cut from what providers really sent and were sent (tests/recordings). `fuzz.py --keep` keeps the few that matter."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.harness.recorded import FOLDER, Exchange, load

LONGEST = 8192  # bytes: a longer one mutates too slowly
DIALECTS = ("chat", "responses", "messages", "gemini")
STATUSES = (400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 529)  # as provider_error_fuzz.cc counts them
MACHINE = re.compile(rb"/(?:work|root)/")  # other people's paths, which tests/tidy would take for ours


def write_seeds(program: str, folder: Path) -> None:
    make = MAKERS.get(program)
    for seed in make() if make else ():
        seed = seed[:LONGEST]
        if not MACHINE.search(seed):
            (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


def _exchanges() -> Iterator[Exchange]:
    for exchanges in load(FOLDER).values():
        yield from exchanges


def _answers() -> Iterator[bytes]:
    """As upstream_stream_fuzz.cc takes them: how long the pieces are, the dialect, the bytes."""
    for one in _exchanges():
        if one.kind in DIALECTS and one.status == 200:
            amazon = 128 if "eventstream" in one.content_type else 0
            yield bytes([15 + len(one.body) % 48, DIALECTS.index(one.kind) + amazon]) + one.body


def _streams() -> Iterator[bytes]:
    for one in _exchanges():
        if one.streamed and "eventstream" not in one.content_type:
            yield one.body


def _chat_streams() -> Iterator[bytes]:
    for one in _exchanges():
        if one.streamed and one.kind == "chat":
            yield one.body


def _refusals() -> Iterator[bytes]:
    for one in _exchanges():
        if one.status in STATUSES:
            yield bytes([STATUSES.index(one.status)]) + one.body
        elif one.kind in ("count", "foreign") and not one.streamed:
            yield b"\x00" + one.body


def _asked() -> Iterator[dict]:
    for path in sorted((FOLDER / "pydantic-ai").rglob("*.json")):
        try:
            pairs = json.loads(path.read_bytes())
        except ValueError:
            continue  # one is no JSON as it was recorded (tests/checks/recordings.toml mends it)
        for one in pairs:
            if isinstance(body := one["request"].get("body"), dict):
                yield body


def _requests() -> Iterator[bytes]:
    for body in _asked():
        yield json.dumps(body, ensure_ascii=False).encode()


def _batches() -> Iterator[bytes]:
    lines = [json.dumps({"custom_id": f"r{number}", "method": "POST", "url": "/v1/chat/completions", "body": body})
             for number, body in enumerate(_asked()) if "messages" in body and not body.get("stream")]
    for at in range(0, len(lines), 3):
        yield "\n".join(lines[at : at + 3]).encode()


def _http() -> Iterator[bytes]:
    for body in list(_requests())[:40]:
        body = body[:400]
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost:7070\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        yield head.encode() + body


def _quoted() -> Iterator[bytes]:
    """Every text inside of a request: tool arguments and results, data: URLs, what models said."""
    def texts(value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                yield from texts(inner)

    for body in _asked():
        for text in texts(body):
            yield text.encode()


MAKERS = {
    "batch_fuzz": _batches,
    "chat_answer_fuzz": _chat_streams,
    "chat_request_fuzz": _requests,
    "http_fuzz": _http,
    "json_fuzz": _requests,
    "provider_error_fuzz": _refusals,
    "quoted_fuzz": _quoted,
    "sse_fuzz": _streams,
    "upstream_stream_fuzz": _answers,
}
