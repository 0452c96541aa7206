"""A provider that lies: about its use, about its form, about its end. Each lie says what the caller has to get and what may be charged."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.expect import (
    ALLOWED,
    CLEAR_ERROR,
    NOTHING,
    RIGHT,
    Charge,
    Expect,
    broken_stream,
    garbage,
    input_only,
)
from tests.faults.spoken import (
    AMAZON,
    EGRESSES,
    OUTPUT,
    PIECES,
    PROMPT,
    TEXT,
    Said,
    came,
    encode,
    events_of,
    kind_of,
    say,
    spoken,
)
from tests.harness.provider import Call
from tests.matrix import answer as answers
from tests.matrix.answer import Answer

WHOLE_COUNT = -(-len(TEXT) // 4)  # a whole text is counted by its bytes
HUGE_BYTES = 300_000_000
BIG = Answer("", calls=(("call_1", "lookup", {"city": "Oslo", "country": "Norway"}),), input=PROMPT, output=OUTPUT)
Script = Callable[[Call, str, bool], Awaitable[None]]  # the egress, and whether a stream was asked for


@dataclass(frozen=True)
class Lie:
    script: Script
    stream: Callable[[str], Expect] | None  # by egress; None: it can't be told in a stream
    whole: Callable[[str], Expect] | None
    egresses: tuple[str, ...] = EGRESSES
    heavy: bool = False  # sends so much that one runs at a time


async def give(call: Call, said: Said, status: int = 200, headers: dict[str, str] | None = None) -> None:
    """A stream in chunks, anything else with its length."""
    if said.kind in ("text/event-stream", AMAZON):
        await call.raw(f"HTTP/1.1 {status} OK\r\nContent-Type: {said.kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for piece in said.pieces:
            await call.piece(piece)
        return await call.raw(b"0\r\n\r\n")
    await call.bytes(said.body, status, said.kind, headers)


async def good(call: Call, egress: str, streamed: bool) -> None:
    await give(call, say(egress, streamed))


def always(expect: Expect) -> Callable[[str], Expect]:
    return lambda _: expect


# --- lies about use ------------------------------------------------------------------------------------------------------------------
def usage_block(egress: str, output: object, prompt: object = PROMPT) -> dict:
    names = {"chat": ("prompt_tokens", "completion_tokens"), "gemini": ("promptTokenCount", "candidatesTokenCount")}
    told = names.get(spoken(egress), ("input_tokens", "output_tokens"))
    return {told[0]: prompt, told[1]: output}


def retold(egress: str, doc: dict, block: dict | None) -> dict:
    """One event or whole answer with another usage; None takes it away. At Messages' start the input's count stays true."""
    doc = copy.deepcopy(doc)
    if spoken(egress) == "gemini":
        place, name = doc, "usageMetadata"
    else:
        place, name = doc.get("response") or doc.get("message") or doc, "usage"
    if "message" in doc and block is not None:
        return doc
    if place.get(name):
        place.pop(name) if block is None else place.__setitem__(name, block)
    return doc


def tells(block: Callable[[str], dict | None]) -> Script:
    async def run(call: Call, egress: str, streamed: bool) -> None:
        if streamed:
            events = [one if isinstance(one, str) else retold(egress, one, block(egress)) for one in events_of(egress)]
            return await give(call, say(egress, True, events))
        await give(call, say(egress, False, whole=retold(egress, answers.WHOLE[spoken(egress)](answers_good()), block(egress))))

    return run


def answers_good() -> Answer:
    return Answer(TEXT, input=PROMPT, output=OUTPUT)


def outputs(value: object) -> Script:
    return tells(lambda egress: usage_block(egress, value))


def counted(streamed: bool, *, prompt: int | None, disputed: bool = True) -> Expect:
    return Expect(text=TEXT, charge=Charge(prompt, PIECES if streamed else WHOLE_COUNT, estimated=True, disputed=disputed))


def not_believed(prompt_in_stream: int | None = None) -> dict:
    """The whole block is left aside; what Messages told at its start stands."""
    def stream(egress: str) -> Expect:
        return counted(True, prompt=PROMPT if spoken(egress) == "messages" else prompt_in_stream)

    return {"stream": stream, "whole": always(counted(False, prompt=prompt_in_stream))}


def lie_of_output(value: object) -> Lie:
    return Lie(outputs(value), **not_believed())


def believed(output: int) -> Expect:
    return Expect(text=TEXT, charge=Charge(PROMPT, output))


async def told_twice(call: Call, egress: str, streamed: bool) -> None:
    """First as it was, then less."""
    events = events_of(egress)
    if spoken(egress) == "gemini":
        events = [one if number == 0 else retold(egress, one, usage_block(egress, 4)) for number, one in enumerate(events)]
    else:
        at = next(i for i, one in enumerate(events) if isinstance(one, dict) and one.get("usage"))
        events.insert(at + 1, retold(egress, events[at], usage_block(egress, 4)))
    await give(call, say(egress, True, events))


# --- lies about the end --------------------------------------------------------------------------------------------------------------
def error_event(egress: str) -> dict:
    if spoken(egress) == "responses":
        return {"type": "error", "code": "server_error", "message": "overloaded", "param": None, "sequence_number": 99}
    return answers.error(spoken(egress), 500, "overloaded")


def middle(egress: str) -> int:
    return len(events_of(egress)) // 2


async def error_first(call: Call, egress: str, streamed: bool) -> None:
    doc = error_event(egress) if streamed else answers.error(spoken(egress), 500, "overloaded")
    await give(call, say(egress, streamed, [doc], doc))


async def error_in_the_middle(call: Call, egress: str, streamed: bool) -> None:
    await give(call, say(egress, True, [*events_of(egress)[: middle(egress)], error_event(egress)]))


def broke_in_the_middle(egress: str) -> Expect:
    return broken_stream(came(egress, events_of(egress)[: middle(egress)]))


async def ends_twice(call: Call, egress: str, streamed: bool) -> None:
    events = events_of(egress)
    await give(call, say(egress, True, [*events, events[-1]]))


async def goes_on(call: Call, egress: str, streamed: bool) -> None:
    """Content after the end."""
    events = events_of(egress)
    extra = next(one for one in events if isinstance(one, dict) and '"alpha ' in json.dumps(one))
    await give(call, say(egress, True, [*events, extra]))


async def open_tool_call(call: Call, egress: str, streamed: bool) -> None:
    """The arguments stop in the middle, the call is never closed, the answer ends as if all were well."""
    closes = ("content_block_stop",)
    kept = [one for one in answers.EVENTS[spoken(egress)](BIG) if one.get("type") not in closes]
    arguments = [one for one in kept if "partial_json" in json.dumps(one) or ('"arguments": "' in json.dumps(one) and '"id": "call_1"' not in json.dumps(one))]
    for one in arguments[-2:]:
        kept.remove(one)
    await give(call, say(egress, True, [*kept, "[DONE]"] if egress == "chat" else kept))


# --- lies about the form -------------------------------------------------------------------------------------------------------------
def mislabelled(kind: str) -> Script:
    async def run(call: Call, egress: str, streamed: bool) -> None:
        await call.bytes(say(egress, streamed).body, 200, kind)

    return run


async def json_for_a_stream(call: Call, egress: str, streamed: bool) -> None:
    await give(call, say(egress, not streamed))


async def empty(call: Call, egress: str, streamed: bool) -> None:
    await give(call, Said(kind_of(egress, streamed), ()))


async def no_content(call: Call, egress: str, streamed: bool) -> None:
    await call.raw(b"HTTP/1.1 204 No Content\r\n\r\n")


def redirects(status: int) -> Script:
    async def run(call: Call, egress: str, streamed: bool) -> None:
        to = f"http://127.0.0.1:{call.provider.port}/stolen/{call.seen.model}"
        await call.bytes(b"moved", status, "text/plain", {"Location": to})

    return run


async def not_utf8(call: Call, egress: str, streamed: bool) -> None:
    """A byte that no text holds, in the middle of one."""
    said = say(egress, streamed)
    if not streamed:
        return await call.bytes(said.body.replace(b"seven", b"se\xffen"), 200, said.kind)
    pieces = list(said.pieces)
    at = middle(egress)
    pieces[at] = bad_frame() if egress == "bedrock" else pieces[at].replace(b'"type"', b'"ty\xffpe"').replace(b'"delta"', b'"del\xffta"').replace(b'"parts"', b'"par\xffts"')
    await give(call, Said(said.kind, tuple(pieces)))


def bad_frame() -> bytes:
    """A frame of Amazon's whose event is no text."""
    good_frame = encode("bedrock", [{"type": "ping", "x": "seven"}])[0]
    return good_frame[:40] + b"\xff" + good_frame[41:]  # its checksum tells


async def byte_by_byte(call: Call, egress: str, streamed: bool) -> None:
    """Each byte a chunk of its own."""
    said = say(egress, streamed)
    await call.raw(f"HTTP/1.1 200 OK\r\nContent-Type: {said.kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for number, byte in enumerate(said.body):
        await call.piece(bytes([byte]))
        if number % 64 == 0:
            await asyncio.sleep(0)
    await call.raw(b"0\r\n\r\n")


async def huge(call: Call, egress: str, streamed: bool) -> None:
    """Three hundred megabytes in one event, or in one body."""
    start = b'{"x": "' if not streamed else b"\x11\xe1\xa3\x00\x00\x00\x00\x00" if egress == "bedrock" else b'data: {"x": "'
    await call.raw(f"HTTP/1.1 200 OK\r\nContent-Type: {kind_of(egress, streamed)}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    await call.piece(start)
    block = b"a" * 1_000_000
    for _ in range(HUGE_BYTES // len(block)):
        await call.piece(block)
    await call.raw(b"0\r\n\r\n")


async def flood_of_numbers(call: Call, egress: str, streamed: bool) -> None:
    """As many values as fit into the largest answer that is taken: a tree of them takes many times their bytes."""
    await call.bytes(b'{"x": [' + b"0," * 15_000_000 + b"0]}")


async def endless(call: Call, egress: str, streamed: bool) -> None:
    """Words until the caller leaves."""
    events = events_of(egress)
    word = next(one for one in events if isinstance(one, dict) and '"alpha ' in json.dumps(one))
    before = events[: events.index(word)]
    if not streamed:
        return await huge(call, egress, False)
    await call.raw(f"HTTP/1.1 200 OK\r\nContent-Type: {kind_of(egress, True)}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for piece in encode(egress, before):
        await call.piece(piece)
    again = encode(egress, [word])[0]
    while True:
        await call.piece(again)
        await asyncio.sleep(0.002)


def cut_at_what_was_allowed(egress: str) -> Expect:
    """Counted as far as it was let; Gemini's events tell a use each, Messages' start the input."""
    told = {"gemini": PROMPT, "messages": PROMPT}.get(spoken(egress))
    return Expect(text="alpha " * ALLOWED, error=True, charge=Charge(told, ALLOWED, estimated=True))


async def comments_for_ever(call: Call, egress: str, streamed: bool) -> None:
    await call.raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await call.piece(b": still working\n\n")
        await asyncio.sleep(0.1)


def deep_json() -> bytes:
    return b'{"error": ' + b"[" * 28_000 + b"]" * 28_000 + b"}"


async def deep(call: Call, egress: str, streamed: bool) -> None:
    """Nested so deep that whoever walks the tree runs out of stack."""
    body = b'{"choices": ' + b"[" * 400_000 + b"]" * 400_000 + b"}"
    data = b"data: " + body + b"\n\n" if streamed else body
    await give(call, Said(kind_of("chat", streamed), (data,)))


async def deep_error(call: Call, egress: str, streamed: bool) -> None:
    await call.bytes(deep_json(), 500)


def whole_size(egress: str, streamed: bool) -> int:
    return len(say(egress, streamed).body)


SSE_ONLY = ("chat", "responses", "messages", "gemini")
LIES: dict[str, Lie] = {
    "usage-low": Lie(outputs(3), always(believed(3)), always(believed(3))),
    "usage-high": Lie(outputs(90), always(believed(90)), always(believed(90))),
    "usage-missing": Lie(tells(lambda _: None), always(counted(True, prompt=None, disputed=False)), always(counted(False, prompt=None, disputed=False))),
    "usage-negative": lie_of_output(-12),
    "usage-fraction": lie_of_output(12.5),
    "usage-text": lie_of_output("12"),
    "usage-absurd": lie_of_output(10**12),
    "usage-int64": lie_of_output(2**63 - 1),
    "usage-beyond-int": lie_of_output(10**30),
    "usage-true": lie_of_output(True),
    "usage-zero": Lie(outputs(0), **not_believed(PROMPT)),
    "usage-null": Lie(outputs(None), **not_believed(PROMPT)),
    "usage-twice": Lie(told_twice, always(RIGHT), None, ("chat", "messages", "gemini", "bedrock")),
    "usage-nan": Lie(outputs(float("nan")), lambda egress: nan_stream(egress), lambda egress: garbage(nan_size(egress))),
    "error-first": Lie(error_first, always(NOTHING), always(NOTHING)),
    "error-in-the-middle": Lie(error_in_the_middle, broke_in_the_middle, None),
    "ends-twice": Lie(ends_twice, always(RIGHT), None),
    "goes-on": Lie(goes_on, always(RIGHT), None, ("chat",)),
    "open-tool-call": Lie(open_tool_call, always(Expect(text="", either=True, charge=Charge(PROMPT, OUTPUT))), None, ("chat", "messages", "bedrock")),
    "html": Lie(mislabelled("text/html"), always(NOTHING), always(RIGHT)),
    "json-for-a-stream": Lie(json_for_a_stream, always(RIGHT), None),
    "stream-for-json": Lie(json_for_a_stream, None, lambda egress: garbage(whole_size(egress, True))),
    "empty": Lie(empty, always(NOTHING), always(input_only())),
    "no-content": Lie(no_content, always(NOTHING), always(NOTHING)),
    "redirect-307": Lie(redirects(307), always(NOTHING), always(NOTHING)),
    "redirect-302": Lie(redirects(302), always(NOTHING), always(NOTHING)),
    "not-utf8": Lie(not_utf8, broke_in_the_middle, lambda egress: garbage(whole_size(egress, False))),
    "byte-by-byte": Lie(byte_by_byte, always(RIGHT), always(RIGHT)),
    "huge": Lie(huge, always(NOTHING), always(garbage(HUGE_BYTES)), heavy=True),
    "flood": Lie(flood_of_numbers, None, always(Expect(error=True, charge=Charge(None, None, estimated=True, or_reserved=True))), ("chat", "gemini"), heavy=True),
    "endless": Lie(endless, cut_at_what_was_allowed, always(garbage(HUGE_BYTES)), heavy=True),
    "comments": Lie(comments_for_ever, always(input_only()), None, SSE_ONLY),
    "deep": Lie(deep, always(NOTHING), always(garbage(800_000)), SSE_ONLY),
    "deep-error": Lie(deep_error, always(NOTHING), always(NOTHING)),
}


def nan_stream(egress: str) -> Expect:
    """NaN is no JSON: the event that holds it is garbage, the answer breaks there."""
    events = events_of(egress)
    if spoken(egress) == "gemini":
        return NOTHING
    at = next(i for i, one in enumerate(events) if isinstance(one, dict) and (one.get("usage") or (one.get("response") or {}).get("usage")))
    return broken_stream(came(egress, events[:at]))


def nan_size(egress: str) -> int:
    return len(json.dumps(retold(egress, answers.WHOLE[spoken(egress)](answers_good()), usage_block(egress, float("nan")))))


__all__ = ["CLEAR_ERROR", "LIES", "Lie", "Script", "give", "good", "middle"]
