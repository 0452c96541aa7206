"""What a scripted model is asked, whichever of the four dialects the request came in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from tests.harness.provider import Seen


@dataclass
class Asked:
    dialect: str  # chat, responses, messages, gemini
    model: str
    streamed: bool
    tools: dict[str, dict] = field(default_factory=dict)  # name → JSON Schema of its arguments
    said: str = ""  # all that users and systems said
    results: list[str] = field(default_factory=list)  # the texts of tool results, in order

    def tool(self, *names: str) -> str | None:
        """The first of these that is offered."""
        return next((name for name in names if name in self.tools), None)


def read(seen: Seen) -> Asked:
    path = seen.path.split("?")[0]
    if path.endswith("/chat/completions"):
        return _chat(seen.body)
    if path.endswith(("/responses", "/responses/input_tokens")):
        return _responses(seen.body)
    if path.endswith(("/messages", "/messages/count_tokens")):
        return _messages(seen.body)
    if ":" in path.rsplit("/", 1)[-1]:
        return _gemini(path, seen.body.get("generateContentRequest") or seen.body)  # countTokens wraps what it counts
    raise ValueError(f"a provider was asked for {seen.path}")


def _texts(content: object) -> str:
    """The text of a content, wherever in it the text stands."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(_texts(part) for part in content)
    if isinstance(content, dict):
        for name in ("text", "content", "output", "parts"):
            if name in content:
                return _texts(content[name])
        return json.dumps(content)
    return ""


def _chat(body: dict) -> Asked:
    asked = Asked("chat", body["model"], bool(body.get("stream")))
    for tool in body.get("tools") or []:
        asked.tools[tool["function"]["name"]] = tool["function"].get("parameters") or {}
    for message in body["messages"]:
        if message["role"] == "tool":
            asked.results.append(_texts(message["content"]))
        elif message["role"] != "assistant":
            asked.said += _texts(message["content"]) + "\n"
    return asked


def _responses(body: dict) -> Asked:
    asked = Asked("responses", body["model"], bool(body.get("stream")), said=body.get("instructions") or "")
    for tool in body.get("tools") or []:
        for one in tool["tools"] if tool["type"] == "namespace" else [tool]:
            asked.tools[one.get("name") or one["type"]] = one.get("parameters") or {}
    items = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
    for item in items:
        if item.get("type", "message").endswith("_call_output"):
            asked.results.append(_texts(item["output"]))
        elif item.get("type", "message") == "message" and item.get("role") != "assistant":
            asked.said += _texts(item["content"]) + "\n"
    return asked


def _messages(body: dict) -> Asked:
    asked = Asked("messages", body["model"], bool(body.get("stream")), said=_texts(body.get("system") or ""))
    for tool in body.get("tools") or []:
        asked.tools[tool["name"]] = tool.get("input_schema") or {}
    for message in body["messages"]:
        for block in message["content"] if isinstance(message["content"], list) else [{"type": "text", "text": message["content"]}]:
            if block["type"] == "tool_result":
                asked.results.append(_texts(block.get("content") or ""))
            elif block["type"] == "text" and message["role"] != "assistant":
                asked.said += block["text"] + "\n"
    return asked


def _gemini(path: str, body: dict) -> Asked:
    model, _, verb = path.rsplit("/", 1)[-1].partition(":")
    asked = Asked("gemini", model, verb == "streamGenerateContent", said=_texts(body.get("systemInstruction") or ""))
    for tool in body.get("tools") or []:
        for one in tool.get("functionDeclarations") or []:
            asked.tools[one["name"]] = one.get("parameters") or one.get("parametersJsonSchema") or one.get("parameters_json_schema") or {}
    for content in body["contents"]:
        for part in content["parts"]:
            if "functionResponse" in part:
                asked.results.append(json.dumps(part["functionResponse"]["response"], ensure_ascii=False))
            elif "text" in part and content.get("role") != "model":
                asked.said += part["text"] + "\n"
    return asked
