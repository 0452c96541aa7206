"""A client of one cell: asks in a dialect, reads what comes in it, and says whether that is an answer, a clear error, or neither."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tests.harness import wire

DIALECTS = ("chat", "responses", "messages", "gemini")


@dataclass
class Told:
    """What the caller was told."""

    status: int = 0  # 0: no head came
    text: str = ""
    whole: bool = False  # with its dialect's good end
    error: str = ""  # the sentence of a clear error in its dialect
    cut: bool = False  # it ended in the middle, without a word
    hung: bool = False
    call: str = ""
    raw: str = ""  # the beginning, for people


def request_of(dialect: str, model: str, streamed: bool, tokens: int) -> tuple[str, dict]:
    if dialect == "gemini":
        verb = "streamGenerateContent?alt=sse" if streamed else "generateContent"
        contents = [{"role": "user", "parts": [{"text": "go"}]}]
        return f"/v1beta/models/{model}:{verb}", {"contents": contents, "generationConfig": {"maxOutputTokens": tokens}}
    if dialect == "responses":
        return "/v1/responses", {"model": model, "input": "go", "stream": streamed, "max_output_tokens": tokens, "store": False}
    body = {"model": model, "messages": [{"role": "user", "content": "go"}], "stream": streamed, "max_tokens": tokens}
    return ("/v1/messages" if dialect == "messages" else "/v1/chat/completions"), body


async def ask(port: int, key: str, dialect: str, model: str, streamed: bool, *, tokens: int, first_line: bytes = b"", deadline_s: float = 20, errors_in: str = "") -> Told:
    path, body = request_of(dialect, model, streamed, tokens)
    answer, told = wire.Answer(), Told()
    try:
        async with asyncio.timeout(deadline_s):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
            try:
                writer.write(first_line + wire.request_bytes("POST", path, key, body))
                answer.status, answer.headers = await wire.read_head(reader)
                parts: list[bytes] = []
                try:
                    await wire.read_body(reader, answer.headers, parts.append)
                    answer.whole = True
                finally:
                    answer.body = b"".join(parts)
            finally:
                writer.transport.abort()
    except TimeoutError:
        told.hung = True
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, IndexError):
        told.cut = True
    read(dialect if answer.status == 200 else errors_in or dialect, streamed, answer, told)
    return told


def read(dialect: str, streamed: bool, answer: wire.Answer, told: Told) -> None:
    told.status, told.call = answer.status, answer.headers.get("x-steward-call", "")
    told.raw = answer.body[:200].decode("utf-8", "replace")
    told.cut = told.cut or (answer.status > 0 and not answer.whole)
    try:
        if answer.status != 200:
            told.error = envelope(dialect, answer.json()) if answer.body else ""
        elif streamed:
            read_stream(dialect, answer, told)
        else:
            told.text, told.whole = WHOLE[dialect](answer.json()), True
    except (ValueError, LookupError, TypeError, AttributeError) as problem:
        told.cut, told.raw = True, f"{type(problem).__name__}: {problem}; {told.raw}"


def envelope(dialect: str, body: dict) -> str:
    """The sentence of an error, if it has the form that the dialect's clients read; else nothing."""
    error = body.get("error") or {}
    names = {"messages": ("type", "message"), "gemini": ("status", "message")}.get(dialect, ("type", "code", "message"))
    good = all(isinstance(error.get(name), str) and error[name] for name in names)
    good = good and (dialect != "messages" or body.get("type") == "error") and (dialect != "gemini" or isinstance(error.get("code"), int))
    return error["message"] if good else ""


def read_stream(dialect: str, answer: wire.Answer, told: Told) -> None:
    """In order; what follows a good end is no part of the answer."""
    for event in answer.events():
        if told.whole:
            raise ValueError("an event after the end")
        if isinstance(event, str):
            told.whole = event == "[DONE]"
            continue
        told.text += TEXT[dialect](event)
        told.whole = ENDS[dialect](event)
        told.error = told.error or error_in(dialect, event)
    if told.error:
        told.whole = False


def error_in(dialect: str, event: dict) -> str:
    if dialect == "responses":
        if event.get("type") == "response.failed":
            return (event["response"].get("error") or {}).get("message", "")
        return event.get("message", "") if event.get("type") == "error" else ""
    return envelope(dialect, event) if event.get("error") else ""


def gemini_text(body: dict) -> str:
    return "".join(part.get("text", "") for one in body.get("candidates", []) for part in (one.get("content") or {}).get("parts") or [])


TEXT = {
    "chat": lambda event: "".join(one["delta"].get("content") or "" for one in event.get("choices") or []),
    "responses": lambda event: event["delta"] if event.get("type") == "response.output_text.delta" else "",
    "messages": lambda event: event["delta"].get("text", "") if event.get("type") == "content_block_delta" else "",
    "gemini": gemini_text,
}
ENDS = {
    "chat": lambda _: False,
    "responses": lambda event: event.get("type") in ("response.completed", "response.incomplete"),
    "messages": lambda event: event.get("type") == "message_stop",
    "gemini": lambda event: any(one.get("finishReason") for one in event.get("candidates", [])),
}
WHOLE = {
    "chat": lambda body: body["choices"][0]["message"]["content"] or "",
    "responses": lambda body: "".join(part.get("text", "") for item in body["output"] for part in item.get("content") or []),
    "messages": lambda body: "".join(part.get("text", "") for part in body["content"]),
    "gemini": gemini_text,
}

__all__ = ["DIALECTS", "Told", "ask"]
