"""How a scripted model says what it says, in each provider's own words: streamed in small pieces, or whole.

Written after the providers' documentation and recorded traffic; none of the product's code has a part in it.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field

from tests.harness import scripts
from tests.harness.provider import Call

PIECE = 7  # characters of text or arguments in one event


@dataclass(frozen=True)
class ToolCall:
    id: str
    name: str
    arguments: dict


@dataclass(frozen=True)
class Say:
    """One answer of the model: a text, then calls of tools; and the tokens it tells."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    prompt_tokens: int = 40
    completion_tokens: int = 12
    id: str = field(default_factory=lambda: uuid.uuid4().hex)  # some agents take two answers of one id for one answer


def pieces(text: str) -> list[str]:
    return [text[i : i + PIECE] for i in range(0, len(text), PIECE)]


def _chunk(call: Call, say: Say, delta: dict | None, **more: object) -> dict:
    return scripts.chunk(call, delta, **more) | {"id": f"chatcmpl-{say.id}"}


async def chat(call: Call, say: Say) -> None:
    finish = "tool_calls" if say.calls else "stop"
    usage = scripts.usage_of(say.prompt_tokens, say.completion_tokens)
    tools = [{"id": one.id, "type": "function", "function": {"name": one.name, "arguments": json.dumps(one.arguments)}} for one in say.calls]
    if not call.streamed:
        message = {"role": "assistant", "content": say.text or None} | ({"tool_calls": tools} if tools else {})
        return await call.json(scripts.completion(call, [say.text], usage, finish, message) | {"id": f"chatcmpl-{say.id}"})
    await call.begin_stream()
    await call.event(_chunk(call, say, {"role": "assistant", "content": ""}))
    for text in pieces(say.text):
        await call.event(_chunk(call, say, {"content": text}))
    for index, tool in enumerate(tools):
        head = tool | {"index": index, "function": {"name": tool["function"]["name"], "arguments": ""}}
        await call.event(_chunk(call, say, {"tool_calls": [head]}))
        for text in pieces(tool["function"]["arguments"]):
            await call.event(_chunk(call, say, {"tool_calls": [{"index": index, "function": {"arguments": text}}]}))
    await call.event(_chunk(call, say, {}, finish=finish))
    if scripts.wants_usage(call):
        await call.event(_chunk(call, say, None, usage=usage))
    await call.end_stream()


async def _named(call: Call, body: dict) -> None:
    """An event that carries its type as its name too."""
    data = json.dumps(body, ensure_ascii=False)
    await call.piece(f"event: {body['type']}\ndata: {data}\n\n".encode())
    call.seen.chunks_sent += 1


async def messages(call: Call, say: Say) -> None:
    blocks = ([{"type": "text", "text": say.text}] if say.text else []) + [
        {"type": "tool_use", "id": one.id, "name": one.name, "input": one.arguments} for one in say.calls
    ]
    stop = "tool_use" if say.calls else "end_turn"
    usage = {"input_tokens": say.prompt_tokens, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": say.completion_tokens}
    whole = {"id": f"msg_{say.id}", "type": "message", "role": "assistant", "model": call.body["model"], "content": blocks,
             "stop_reason": stop, "stop_sequence": None, "usage": usage}
    if not call.streamed:
        return await call.json(whole)
    await call.begin_stream()
    start = whole | {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}
    await _named(call, {"type": "message_start", "message": start})
    for index, block in enumerate(blocks):
        empty = block | ({"text": ""} if block["type"] == "text" else {"input": {}})
        await _named(call, {"type": "content_block_start", "index": index, "content_block": empty})
        text = block["text"] if block["type"] == "text" else json.dumps(block["input"])
        for piece in pieces(text):
            delta = {"type": "text_delta", "text": piece} if block["type"] == "text" else {"type": "input_json_delta", "partial_json": piece}
            await _named(call, {"type": "content_block_delta", "index": index, "delta": delta})
        await _named(call, {"type": "content_block_stop", "index": index})
    delta = {"stop_reason": stop, "stop_sequence": None}
    await _named(call, {"type": "message_delta", "delta": delta, "usage": usage})
    await _named(call, {"type": "message_stop"})
    await call.raw(b"0\r\n\r\n")


async def gemini(call: Call, say: Say, streamed: bool) -> None:
    usage = {"promptTokenCount": say.prompt_tokens, "candidatesTokenCount": say.completion_tokens,
             "totalTokenCount": say.prompt_tokens + say.completion_tokens}

    def chunk(parts: list[dict], finish: str | None = None) -> dict:
        candidate = {"content": {"role": "model", "parts": parts}, "index": 0} | ({"finishReason": finish} if finish else {})
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "script", "responseId": say.id}

    calls = [{"functionCall": {"name": one.name, "args": one.arguments}} for one in say.calls]
    if not streamed:
        return await call.json(chunk(([{"text": say.text}] if say.text else []) + calls, "STOP"))
    await call.begin_stream()
    for piece in pieces(say.text):
        await call.event(chunk([{"text": piece}]))
    for part in calls:
        await call.event(chunk([part]))
    await call.event(chunk([{"text": ""}], "STOP"))
    await call.raw(b"0\r\n\r\n")


@dataclass
class _Response:
    """An answer of the Responses API on its way: the items that are done, and the number of the next event."""

    call: Call
    say: Say
    done: list[dict] = field(default_factory=list)
    sequence: int = 0

    def whole(self, status: str) -> dict:
        usage = {"input_tokens": self.say.prompt_tokens, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}, "output_tokens": self.say.completion_tokens,
                 "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": self.say.prompt_tokens + self.say.completion_tokens}
        return {
            "id": f"resp_{self.say.id}", "object": "response", "created_at": 1, "status": status, "model": self.call.body["model"], "output": list(self.done),
            "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True, "temperature": 1.0,
            "tool_choice": "auto", "tools": [], "top_p": 1.0, "usage": usage if status == "completed" else None,
        }

    async def event(self, kind: str, **fields: object) -> None:
        await _named(self.call, {"type": kind, "sequence_number": self.sequence, **fields})
        self.sequence += 1

    async def message(self) -> None:
        index, item = len(self.done), {"id": f"msg_{self.say.id}", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        at = {"item_id": item["id"], "output_index": index, "content_index": 0}
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        await self.event("response.output_item.added", output_index=index, item=item)
        await self.event("response.content_part.added", **at, part=part)
        for piece in pieces(self.say.text):
            await self.event("response.output_text.delta", **at, delta=piece, logprobs=[])
        await self.event("response.output_text.done", **at, text=self.say.text, logprobs=[])
        part = part | {"text": self.say.text}
        await self.event("response.content_part.done", **at, part=part)
        await self._end(index, item | {"status": "completed", "content": [part]})

    async def function(self, one: ToolCall) -> None:
        index, arguments = len(self.done), json.dumps(one.arguments)
        item = {"id": f"fc_{one.id}", "type": "function_call", "status": "in_progress", "call_id": one.id, "name": one.name, "arguments": ""}
        at = {"item_id": item["id"], "output_index": index}
        await self.event("response.output_item.added", output_index=index, item=item)
        for piece in pieces(arguments):
            await self.event("response.function_call_arguments.delta", **at, delta=piece)
        await self.event("response.function_call_arguments.done", **at, name=one.name, arguments=arguments)
        await self._end(index, item | {"status": "completed", "arguments": arguments})

    async def _end(self, index: int, item: dict) -> None:
        self.done.append(item)
        await self.event("response.output_item.done", output_index=index, item=item)


class _Silent:
    """A call whose events go nowhere: the whole answer is made the way the stream is."""

    def __init__(self, call: Call):
        self.body, self.seen = call.body, call.seen

    async def piece(self, data: bytes) -> None:
        del data


async def responses(call: Call, say: Say) -> None:
    answer = _Response(call if call.streamed else _Silent(call), say)
    if call.streamed:
        await call.begin_stream()
    await answer.event("response.created", response=answer.whole("in_progress"))
    await answer.event("response.in_progress", response=answer.whole("in_progress"))
    if say.text:
        await answer.message()
    for one in say.calls:
        await answer.function(one)
    await answer.event("response.completed", response=answer.whole("completed"))
    await (call.raw(b"0\r\n\r\n") if call.streamed else call.json(answer.whole("completed")))


__all__ = ["Say", "ToolCall", "chat", "gemini", "messages", "pieces", "responses"]
