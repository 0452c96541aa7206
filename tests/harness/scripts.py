"""Scripts for the scripted provider: how upstreams answer, well and badly."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.harness.provider import Call, Gate, Script


def completion(call: Call, texts: Sequence[str], usage: dict | None, finish: str = "stop", message: dict | None = None) -> dict:
    """A whole chat completion, one choice a text."""
    choices = [
        {"index": i, "message": message or {"role": "assistant", "content": text}, "finish_reason": finish, "logprobs": None}
        for i, text in enumerate(texts)
    ]
    body = {"id": "chatcmpl-up", "object": "chat.completion", "created": 1, "model": call.seen.model, "choices": choices}
    return body | ({"usage": usage} if usage else {})


def chunk(call: Call, delta: dict | None, index: int = 0, finish: str | None = None, usage: dict | None = None) -> dict:
    """One chunk of a stream; `delta` None makes the closing usage chunk without choices."""
    choices = [] if delta is None else [{"index": index, "delta": delta, "finish_reason": finish, "logprobs": None}]
    body = {"id": "chatcmpl-up", "object": "chat.completion.chunk", "created": 1, "model": call.seen.model, "choices": choices}
    return body | ({"usage": usage} if usage else {})


def usage_of(prompt: int, completion_tokens: int, cached: int = 0) -> dict:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def wants_usage(call: Call) -> bool:
    return bool((call.body.get("stream_options") or {}).get("include_usage"))


def asked_for(call: Call, default: int = 16) -> int:
    """The most output tokens the caller allows, under either of its names."""
    return int(call.body.get("max_completion_tokens") or call.body.get("max_tokens") or default)


def answer(
    text: str = "Hello there.",
    *,
    prompt: int = 7,
    tokens: int | None = None,
    latency_s: float = 0.0,
    chunk_s: float = 0.0,
    gate: Gate | None = None,
    usage: bool = True,
) -> Script:
    """A good upstream. Without `tokens` it uses as many as it may; each word is a chunk of a stream."""

    async def run(call: Call) -> None:
        if call.seen.path.endswith("/embeddings"):
            return await embed(call)
        if gate:
            await gate.wait()
        if latency_s:
            await asyncio.sleep(latency_s)
        used = asked_for(call) if tokens is None else tokens
        told = usage_of(prompt, used * int(call.body.get("n") or 1)) if usage else None
        texts = [text] * int(call.body.get("n") or 1)
        if call.seen.path.endswith("/v1/completions"):
            return await _text_completion(call, texts, told)
        if not call.streamed:
            return await call.json(completion(call, texts, told))
        await _stream(call, texts, told, chunk_s)

    return run


async def _stream(call: Call, texts: Sequence[str], told: dict | None, chunk_s: float) -> None:
    await call.begin_stream()
    for index in range(len(texts)):
        await call.event(chunk(call, {"role": "assistant", "content": ""}, index))
    words = [text.split(" ") for text in texts]
    for turn in range(max(map(len, words))):
        for index, own in enumerate(words):
            if turn < len(own):
                await call.event(chunk(call, {"content": ("" if turn == 0 else " ") + own[turn]}, index))
                await asyncio.sleep(chunk_s)
    for index in range(len(texts)):
        await call.event(chunk(call, {}, index, finish="stop"))
    if told and wants_usage(call):
        await call.event(chunk(call, None, usage=told))
    await call.end_stream()


async def _text_completion(call: Call, texts: Sequence[str], told: dict | None) -> None:
    choices = [{"index": i, "text": text, "finish_reason": "stop", "logprobs": None} for i, text in enumerate(texts)]
    body = {"id": "cmpl-up", "object": "text_completion", "created": 1, "model": call.seen.model, "choices": choices}
    if not call.streamed:
        return await call.json(body | ({"usage": told} if told else {}))
    await call.begin_stream()
    await call.event(body)
    if told and wants_usage(call):
        await call.event(body | {"choices": [], "usage": told})
    await call.end_stream()


async def embed(call: Call) -> None:
    inputs = call.body["input"] if isinstance(call.body["input"], list) else [call.body["input"]]
    data = [{"object": "embedding", "index": i, "embedding": [0.6, 0.8, 0.0]} for i in range(len(inputs))]
    usage = {"prompt_tokens": 5 * len(inputs), "total_tokens": 5 * len(inputs)}
    await call.json({"object": "list", "data": data, "model": call.seen.model, "usage": usage})


def dies_before_first_byte(call_delay_s: float = 0.0) -> Script:
    async def run(call: Call) -> None:
        await asyncio.sleep(call_delay_s)
        call.die()

    return run


def dies_after(chunks: int, word: str = "word ") -> Script:
    """Streams so many chunks of one token, then resets the connection."""

    async def run(call: Call) -> None:
        await call.begin_stream()
        for _ in range(chunks):
            await call.event(chunk(call, {"content": word}))
        await asyncio.sleep(0.05)  # what was written should be on its way before the reset
        call.die()

    return run


def endless(chunk_s: float = 0.01, word: str = "word ") -> Script:
    """Streams one token a chunk until the caller goes away or has all it asked for."""

    async def run(call: Call) -> None:
        if not call.streamed:
            await asyncio.sleep(3600)
        await call.begin_stream()
        for _ in range(asked_for(call, 100_000)):
            await call.event(chunk(call, {"content": word}))
            await asyncio.sleep(chunk_s)
        await call.event(chunk(call, {}, finish="length"))
        if wants_usage(call):
            await call.event(chunk(call, None, usage=usage_of(7, asked_for(call))))
        await call.end_stream()

    return run


def fails(status: int, code: str = "overloaded", headers: dict[str, str] | None = None) -> Script:
    async def run(call: Call) -> None:
        error = {"message": f"the upstream says {code}", "type": "server_error", "param": None, "code": code}
        await call.json({"error": error}, status, headers)

    return run


def garbage(data: bytes = b"<html>bad gateway</html>", kind: str = "text/html", status: int = 200) -> Script:
    async def run(call: Call) -> None:
        await call.bytes(data, status, kind)

    return run
