"""What a client keeps of an answer to give it back in the next call: as its dialect's official client assembles it."""

from __future__ import annotations

import json

from tests.judges import said


def raw_answer(dialect: str, body: bytes, streamed: bool) -> object:
    """What a client keeps of an answer to give it back: as its official client assembles it."""
    if not streamed:
        told = json.loads(body)
        return {"chat": lambda: told["choices"][0]["message"], "responses": lambda: told["output"], "messages": lambda: told["content"],
                "gemini": lambda: told["candidates"][0]["content"]["parts"]}[dialect]()
    events = [event for _, event in said.events(body) if event != "[DONE]"]
    if dialect == "responses":
        return next(one["response"]["output"] for one in events if one["type"] == "response.completed")
    if dialect == "gemini":
        return [part for one in events for part in one["candidates"][0].get("content", {}).get("parts") or []]
    if dialect == "messages":
        return _assembled_blocks(events)
    return _assembled_message([one["choices"][0]["delta"] for one in events if one["choices"]])


def _assembled_blocks(events: list[dict]) -> list[dict]:
    blocks: list[dict] = []
    for one in events:
        if one["type"] == "content_block_start":
            blocks.append(dict(one["content_block"]) | ({"input": ""} if one["content_block"]["type"] == "tool_use" else {}))
        if one["type"] == "content_block_delta":
            delta, block = one["delta"], blocks[one["index"]]
            for name, into in (("text", "text"), ("thinking", "thinking"), ("signature", "signature"), ("partial_json", "input")):
                if name in delta:
                    block[into] = block.get(into, "") + delta[name]
    return [block | ({"input": json.loads(block["input"] or "{}")} if block["type"] == "tool_use" else {}) for block in blocks]


def _assembled_message(deltas: list[dict]) -> dict:
    message: dict = {"role": "assistant", "content": "", "tool_calls": [], "reasoning_details": []}
    for delta in deltas:
        message["content"] += delta.get("content") or ""
        if delta.get("reasoning_content"):
            message["reasoning_content"] = message.get("reasoning_content", "") + delta["reasoning_content"]
        for detail in delta.get("reasoning_details") or []:
            same = next((one for one in message["reasoning_details"] if one.get("index") == detail.get("index") and one["type"] == detail["type"]), None)
            if same is None:
                message["reasoning_details"].append(dict(detail))
            else:
                for name, value in detail.items():
                    same[name] = same.get(name, "") + value if name in ("text", "summary") else value
        for call in delta.get("tool_calls") or []:
            if call["index"] == len(message["tool_calls"]):
                message["tool_calls"].append({"type": "function"} | {k: v for k, v in call.items() if k != "index"} | {"function": dict(call["function"])})
            else:
                into = message["tool_calls"][call["index"]]
                into["function"]["arguments"] += (call.get("function") or {}).get("arguments", "")
                into |= {k: v for k, v in call.items() if k not in ("index", "function", "id", "type")}
    return {name: value for name, value in message.items() if value}


def ids_of(dialect: str, given: object) -> list[str]:
    if dialect == "chat":
        return [one["id"] for one in given["tool_calls"]]
    if dialect == "responses":
        return [one["call_id"] for one in given if one["type"] == "function_call"]
    if dialect == "messages":
        return [one["id"] for one in given if one["type"] == "tool_use"]
    return [one["functionCall"].get("id", "") for one in given if "functionCall" in one]
