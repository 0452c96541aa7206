"""What a provider was asked, taken out of the request in its own dialect: what a cell of the matrix is judged by."""

from __future__ import annotations

import json
from dataclasses import dataclass, field


@dataclass
class Heard:
    raw: str = ""  # the whole body
    words: str = ""  # all that is said in it, system and user
    images: list[str] = field(default_factory=list)  # base64, or an address
    documents: list[str] = field(default_factory=list)
    tools: dict[str, dict] = field(default_factory=dict)
    hosted: list[str] = field(default_factory=list)  # the types of tools that the provider runs
    choice: str = ""  # "any", "none", "auto", a tool's name
    one_at_a_time: bool = False
    schema: dict | None = None
    thinks: bool = False
    n: int = 1
    stop: list[str] = field(default_factory=list)
    seed: int | None = None
    temperature: float | None = None
    top_k: int | None = None
    penalty: float | None = None
    logprobs: bool = False
    calls: list[tuple[str, str, dict | str]] = field(default_factory=list)  # id, name, arguments; a text: of a custom tool
    results: list[tuple[str, str]] = field(default_factory=list)  # id, text
    limit: int | None = None


def heard(dialect: str, body: dict) -> Heard:
    out = READERS[dialect](body)
    out.raw = json.dumps(body)
    return out


def _base64_of(url: str) -> str:
    return url.partition(";base64,")[2] if url.startswith("data:") else url


# --- Chat Completions ----------------------------------------------------------------------------------------------------------------
def _chat(body: dict) -> Heard:
    out = Heard(n=body.get("n") or 1, seed=body.get("seed"), temperature=body.get("temperature"), top_k=body.get("top_k"),
                penalty=body.get("presence_penalty"), logprobs=bool(body.get("logprobs")), limit=body.get("max_completion_tokens") or body.get("max_tokens"))
    for message in body["messages"]:
        _chat_message(out, message)
    for tool in body.get("tools") or []:
        inner = tool.get(tool["type"]) or {}
        if tool["type"] in ("function", "custom"):
            out.tools[inner["name"]] = inner.get("parameters")
        else:
            out.hosted.append(tool["type"])
    choice = body.get("tool_choice") or ""
    out.choice = choice[choice["type"]]["name"] if isinstance(choice, dict) else {"required": "any"}.get(choice, choice)
    out.one_at_a_time = body.get("parallel_tool_calls") is False
    out.schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
    out.thinks = any(name in body for name in ("reasoning_effort", "reasoning", "thinking", "enable_thinking"))
    stop = body.get("stop") or []
    out.stop = [stop] if isinstance(stop, str) else stop
    return out


def _chat_message(out: Heard, message: dict) -> None:
    content = message.get("content") or ""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    text = "".join(part["text"] for part in parts if part["type"] == "text")
    for part in parts:
        if part["type"] == "image_url":
            out.images.append(_base64_of(part["image_url"]["url"]))
        if part["type"] == "file":
            out.documents.append(_base64_of(part["file"]["file_data"]))
    if message["role"] == "tool":
        out.results.append((message["tool_call_id"], text))
    elif message["role"] != "assistant":
        out.words += text + "\n"
    for call in message.get("tool_calls") or []:
        inner = call[call["type"]]
        out.calls.append((call["id"], inner["name"], inner["input"] if call["type"] == "custom" else json.loads(inner["arguments"])))


# --- Responses -----------------------------------------------------------------------------------------------------------------------
def _responses(body: dict) -> Heard:
    out = Heard(words=(body.get("instructions") or "") + "\n", temperature=body.get("temperature"), limit=body.get("max_output_tokens"),
                logprobs="message.output_text.logprobs" in (body.get("include") or []))
    items = [{"role": "user", "content": body["input"]}] if isinstance(body["input"], str) else body["input"]
    for item in items:
        _responses_item(out, item)
    for tool in body.get("tools") or []:
        if tool["type"] in ("function", "custom"):
            out.tools[tool["name"]] = tool.get("parameters")
        else:
            out.hosted.append(tool["type"])
    choice = body.get("tool_choice") or ""
    out.choice = choice.get("name", "") if isinstance(choice, dict) else {"required": "any"}.get(choice, choice)
    out.one_at_a_time = body.get("parallel_tool_calls") is False
    out.schema = ((body.get("text") or {}).get("format") or {}).get("schema")
    out.thinks = "effort" in (body.get("reasoning") or {})
    return out


def _responses_parts(out: Heard, content: object) -> str:
    if isinstance(content, str):
        return content
    for part in content:
        if part["type"] == "input_image":
            out.images.append(_base64_of(part["image_url"]))
        if part["type"] == "input_file":
            out.documents.append(_base64_of(part.get("file_data") or part["file_url"]))
    return "".join(part.get("text", "") for part in content)


def _responses_item(out: Heard, item: dict) -> None:
    kind = item.get("type", "message")
    if kind == "message":
        text = _responses_parts(out, item["content"])
        out.words += text + "\n" if item["role"] != "assistant" else ""
    elif kind == "function_call":
        out.calls.append((item["call_id"], item["name"], json.loads(item["arguments"])))
    elif kind == "custom_tool_call":
        out.calls.append((item["call_id"], item["name"], item["input"]))
    elif kind in ("function_call_output", "custom_tool_call_output"):
        out.results.append((item["call_id"], _responses_parts(out, item["output"])))


# --- Messages ------------------------------------------------------------------------------------------------------------------------
def _messages(body: dict) -> Heard:
    out = Heard(temperature=body.get("temperature"), top_k=body.get("top_k"), stop=body.get("stop_sequences") or [], limit=body.get("max_tokens"))
    system = body.get("system") or ""
    out.words = (system if isinstance(system, str) else "".join(one["text"] for one in system)) + "\n"
    for message in body["messages"]:
        content = message["content"]
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            _messages_block(out, message["role"], block)
    for tool in body.get("tools") or []:
        if "input_schema" in tool:
            out.tools[tool["name"]] = tool["input_schema"]
        else:
            out.hosted.append(tool["type"])
    choice = body.get("tool_choice") or {}
    out.choice = choice.get("name") or choice.get("type", "")
    out.one_at_a_time = choice.get("disable_parallel_tool_use") is True
    out.schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    out.thinks = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    return out


def _messages_block(out: Heard, role: str, block: dict) -> str:
    kind = block["type"]
    if kind == "text":
        out.words += block["text"] + "\n" if role != "assistant" else ""
        return block["text"]
    if kind == "image":
        out.images.append(block["source"].get("data") or block["source"]["url"])
    elif kind == "document":
        out.documents.append(block["source"].get("data") or block["source"]["url"])
    elif kind == "tool_use":
        out.calls.append((block["id"], block["name"], block["input"]))
    elif kind == "tool_result":
        content = block.get("content") or ""
        inner = [{"type": "text", "text": content}] if isinstance(content, str) else content
        out.results.append((block["tool_use_id"], "".join(_messages_block(out, "assistant", one) for one in inner)))
    return ""


# --- Gemini --------------------------------------------------------------------------------------------------------------------------
def _gemini(body: dict) -> Heard:
    config = body.get("generationConfig") or {}
    out = Heard(n=config.get("candidateCount") or 1, stop=config.get("stopSequences") or [], seed=config.get("seed"), temperature=config.get("temperature"),
                top_k=config.get("topK"), penalty=config.get("presencePenalty"), logprobs=bool(config.get("responseLogprobs")), limit=config.get("maxOutputTokens"))
    out.words = "".join(part.get("text", "") for part in (body.get("systemInstruction") or {}).get("parts") or []) + "\n"
    for content in body["contents"]:
        for part in content["parts"]:
            _gemini_part(out, content.get("role", "user"), part)
    for tool in body.get("tools") or []:
        for one in tool.get("functionDeclarations") or []:
            out.tools[one["name"]] = one.get("parametersJsonSchema") or one.get("parameters")
        out.hosted += [name for name in tool if name != "functionDeclarations"]
    how = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    names = how.get("allowedFunctionNames") or []
    out.choice = names[0] if len(names) == 1 else how.get("mode", "").lower()
    out.schema = config.get("responseJsonSchema") or config.get("responseSchema")
    out.thinks = any(name in (config.get("thinkingConfig") or {}) for name in ("thinkingBudget", "thinkingLevel"))
    return out


def _gemini_part(out: Heard, role: str, part: dict) -> None:
    if "text" in part and not part.get("thought") and role != "model":
        out.words += part["text"] + "\n"
    for data in [part.get("inlineData")] if "inlineData" in part else []:
        (out.documents if data["mimeType"] == "application/pdf" else out.images).append(data["data"])
    if "functionCall" in part:
        call = part["functionCall"]
        out.calls.append((call.get("id") or call["name"], call["name"], call.get("args") or {}))
    if "functionResponse" in part:
        told = part["functionResponse"]
        out.results.append((told.get("id") or told["name"], json.dumps(told["response"], ensure_ascii=False)))
        out.images += [one["inlineData"]["data"] for one in told.get("parts") or [] if "inlineData" in one]


READERS = {"chat": _chat, "responses": _responses, "messages": _messages, "gemini": _gemini}
