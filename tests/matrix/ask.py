"""What a client asks, said once and written in each dialect as its official client writes it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

DIALECTS = ("chat", "responses", "messages", "gemini")
LIMIT = 4_000


@dataclass(frozen=True)
class Turn:
    """One turn: of the user (text, image, document), of the model (text, calls), or the results of tools."""

    role: str  # "user", "model", "tools"
    text: str = ""
    image: str = ""  # base64 of a PNG, or an address
    document: str = ""  # base64 of a PDF, or an address (Chat Completions knows none)
    calls: tuple[tuple[str, str, dict | str], ...] = ()  # id, name, arguments; a text: of a custom tool
    results: tuple[tuple[str, str, str, str], ...] = ()  # id, name, text, image
    custom: bool = False  # the results are custom tools'
    given: object = None  # of the model: what the client got, given back as it came


@dataclass(frozen=True)
class Ask:
    turns: tuple[Turn, ...] = (Turn("user", "Hello."),)
    system: str = ""
    tools: tuple[tuple[str, str, dict], ...] = ()  # name, description, schema
    custom: tuple[tuple[str, str, str], ...] = ()  # tools of free text: name, description, grammar
    hosted: str = ""  # "code", "search": what the caller's own provider would run
    choice: str = ""  # "any", "none", or a tool's name
    one_at_a_time: bool = False
    schema: dict = field(default_factory=dict)
    effort: str = ""
    n: int = 1
    stop: tuple[str, ...] = ()
    seed: int | None = None
    temperature: float | None = None
    top_k: int | None = None
    penalty: float | None = None
    logprobs: bool = False
    extra: dict = field(default_factory=dict)  # members of the body that no dialect knows
    limit: int = LIMIT  # tokens of output


def write(dialect: str, model: str, ask: Ask, streamed: bool) -> tuple[str, dict]:
    """The path and the body."""
    path, body = WRITERS[dialect](model, ask, streamed)
    return path, body | ask.extra


def data_url(mime: str, data: str) -> str:
    return data if is_address(data) else f"data:{mime};base64,{data}"


def is_address(data: str) -> bool:
    return data.startswith("http")


# --- Chat Completions ----------------------------------------------------------------------------------------------------------------
def _chat(model: str, ask: Ask, streamed: bool) -> tuple[str, dict]:
    body: dict = {"model": model, "messages": [{"role": "system", "content": ask.system}] if ask.system else [], "max_completion_tokens": ask.limit}
    for turn in ask.turns:
        body["messages"] += _chat_turn(turn)
    if ask.tools:
        body["tools"] = [{"type": "function", "function": {"name": n, "description": d, "parameters": s}} for n, d, s in ask.tools]
    for name, description, grammar in ask.custom:
        form = {"type": "grammar", "grammar": {"syntax": "lark", "definition": grammar}}
        body.setdefault("tools", []).append({"type": "custom", "custom": {"name": name, "description": description, "format": form}})
    if ask.choice:
        kind = "custom" if ask.choice in [name for name, *_ in ask.custom] else "function"
        named = {"type": kind, kind: {"name": ask.choice}}
        body["tool_choice"] = {"any": "required", "none": "none"}.get(ask.choice, named)
    if ask.one_at_a_time:
        body["parallel_tool_calls"] = False
    if ask.schema:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": ask.schema, "strict": True}}
    told = {"reasoning_effort": ask.effort or None, "n": ask.n if ask.n > 1 else None, "stop": list(ask.stop) or None, "seed": ask.seed,
            "temperature": ask.temperature, "top_k": ask.top_k, "presence_penalty": ask.penalty, "logprobs": True if ask.logprobs else None,
            "top_logprobs": 1 if ask.logprobs else None}
    body |= {name: value for name, value in told.items() if value is not None}
    return "/v1/chat/completions", body | ({"stream": True, "stream_options": {"include_usage": True}} if streamed else {})


def _chat_turn(turn: Turn) -> list[dict]:
    if turn.given is not None:
        return [turn.given]
    if turn.role == "tools":
        out = []
        for key, _, text, image in turn.results:
            parts = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": data_url("image/png", image)}}]
            out.append({"role": "tool", "tool_call_id": key, "content": parts if image else text})
        return out
    if turn.role == "model":
        calls = [{"id": key, "type": "custom", "custom": {"name": name, "input": given}} if isinstance(given, str) else
                 {"id": key, "type": "function", "function": {"name": name, "arguments": json.dumps(given)}} for key, name, given in turn.calls]
        return [{"role": "assistant", "content": turn.text or None} | ({"tool_calls": calls} if calls else {})]
    parts: list[dict] = [{"type": "text", "text": turn.text}]
    if turn.image:
        parts.append({"type": "image_url", "image_url": {"url": data_url("image/png", turn.image)}})
    if turn.document:
        parts.append({"type": "file", "file": {"filename": "a.pdf", "file_data": data_url("application/pdf", turn.document)}})
    return [{"role": "user", "content": parts if len(parts) > 1 else turn.text}]




# --- Responses -----------------------------------------------------------------------------------------------------------------------
def _responses(model: str, ask: Ask, streamed: bool) -> tuple[str, dict]:
    body: dict = {"model": model, "input": [], "max_output_tokens": ask.limit, "store": False}
    if ask.system:
        body["instructions"] = ask.system
    for turn in ask.turns:
        body["input"] += _responses_turn(turn)
    if ask.tools:
        body["tools"] = [{"type": "function", "name": n, "description": d, "parameters": s, "strict": False} for n, d, s in ask.tools]
    for name, description, grammar in ask.custom:
        form = {"type": "grammar", "syntax": "lark", "definition": grammar}
        body.setdefault("tools", []).append({"type": "custom", "name": name, "description": description, "format": form})
    if ask.hosted:
        body.setdefault("tools", []).append({"code": {"type": "code_interpreter", "container": {"type": "auto"}}, "search": {"type": "web_search"}}[ask.hosted])
    if ask.choice:
        kind = "custom" if ask.choice in [name for name, *_ in ask.custom] else "function"
        body["tool_choice"] = {"any": "required", "none": "none"}.get(ask.choice, {"type": kind, "name": ask.choice})
    if ask.one_at_a_time:
        body["parallel_tool_calls"] = False
    if ask.schema:
        body["text"] = {"format": {"type": "json_schema", "name": "answer", "schema": ask.schema, "strict": True}}
    if ask.effort:
        body |= {"reasoning": {"effort": ask.effort, "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
    if ask.logprobs:
        body |= {"include": ["message.output_text.logprobs"], "top_logprobs": 1}
    if ask.temperature is not None:
        body["temperature"] = ask.temperature
    return "/v1/responses", body | ({"stream": True} if streamed else {})


def _responses_turn(turn: Turn) -> list[dict]:
    if turn.given is not None:
        return list(turn.given)
    if turn.role == "tools":
        out = []
        for key, _, text, image in turn.results:
            parts = [{"type": "input_text", "text": text}, {"type": "input_image", "image_url": data_url("image/png", image), "detail": "auto"}]
            out.append({"type": "custom_tool_call_output" if turn.custom else "function_call_output", "call_id": key, "output": parts if image else text})
        return out
    if turn.role == "model":
        said = [{"role": "assistant", "content": turn.text}] if turn.text else []
        return said + [{"type": "custom_tool_call", "call_id": key, "name": name, "input": given} if isinstance(given, str) else
                       {"type": "function_call", "call_id": key, "name": name, "arguments": json.dumps(given)} for key, name, given in turn.calls]
    parts: list[dict] = [{"type": "input_text", "text": turn.text}]
    if turn.image:
        parts.append({"type": "input_image", "image_url": data_url("image/png", turn.image), "detail": "auto"})
    if turn.document:
        file = {"file_url": turn.document} if is_address(turn.document) else {"filename": "a.pdf", "file_data": data_url("application/pdf", turn.document)}
        parts.append({"type": "input_file"} | file)
    return [{"role": "user", "content": parts}]


# --- Messages ------------------------------------------------------------------------------------------------------------------------
def _messages(model: str, ask: Ask, streamed: bool) -> tuple[str, dict]:
    body: dict = {"model": model, "messages": [_messages_turn(turn) for turn in ask.turns], "max_tokens": ask.limit}
    if ask.system:
        body["system"] = ask.system
    if ask.tools:
        body["tools"] = [{"name": n, "description": d, "input_schema": s} for n, d, s in ask.tools]
    if ask.hosted:
        code, search = {"type": "code_execution_20250825", "name": "code_execution"}, {"type": "web_search_20250305", "name": "web_search"}
        body.setdefault("tools", []).append({"code": code, "search": search}[ask.hosted])
    if ask.choice or ask.one_at_a_time:
        body["tool_choice"] = {"any": {"type": "any"}, "none": {"type": "none"}, "": {"type": "auto"}}.get(ask.choice, {"type": "tool", "name": ask.choice})
        body["tool_choice"] |= {"disable_parallel_tool_use": True} if ask.one_at_a_time else {}
    if ask.schema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
    if ask.effort:
        body["thinking"] = {"type": "enabled", "budget_tokens": {"low": 1_500, "medium": 2_000, "high": 3_000}[ask.effort]}
    if ask.stop:
        body["stop_sequences"] = list(ask.stop)
    told = {"temperature": ask.temperature, "top_k": ask.top_k}
    body |= {name: value for name, value in told.items() if value is not None}
    return "/v1/messages", body | ({"stream": True} if streamed else {})


def _source(mime: str, data: str) -> dict:
    return {"type": "url", "url": data} if is_address(data) else {"type": "base64", "media_type": mime, "data": data}


def _messages_turn(turn: Turn) -> dict:
    if turn.given is not None:
        return {"role": "assistant", "content": turn.given}
    if turn.role == "tools":
        content = []
        for key, _, text, image in turn.results:
            parts = [{"type": "text", "text": text}] + ([{"type": "image", "source": _source("image/png", image)}] if image else [])
            content.append({"type": "tool_result", "tool_use_id": key, "content": parts})
        return {"role": "user", "content": content}
    if turn.role == "model":
        said = [{"type": "text", "text": turn.text}] if turn.text else []
        return {"role": "assistant", "content": said + [{"type": "tool_use", "id": key, "name": name, "input": given} for key, name, given in turn.calls]}
    parts: list[dict] = [{"type": "text", "text": turn.text}]
    if turn.image:
        parts.append({"type": "image", "source": _source("image/png", turn.image)})
    if turn.document:
        parts.append({"type": "document", "source": _source("application/pdf", turn.document), "title": "a.pdf"})
    return {"role": "user", "content": parts if len(parts) > 1 else turn.text}


# --- Gemini --------------------------------------------------------------------------------------------------------------------------
def _gemini(model: str, ask: Ask, streamed: bool) -> tuple[str, dict]:
    config: dict = {"maxOutputTokens": ask.limit}
    body: dict = {"contents": [_gemini_turn(turn) for turn in ask.turns], "generationConfig": config}
    if ask.system:
        body["systemInstruction"] = {"parts": [{"text": ask.system}]}
    if ask.tools:
        body["tools"] = [{"functionDeclarations": [{"name": n, "description": d, "parametersJsonSchema": s} for n, d, s in ask.tools]}]
    if ask.hosted:
        body.setdefault("tools", []).append({{"code": "codeExecution", "search": "googleSearch"}[ask.hosted]: {}})
    if ask.choice:
        how = {"any": {"mode": "ANY"}, "none": {"mode": "NONE"}}.get(ask.choice, {"mode": "ANY", "allowedFunctionNames": [ask.choice]})
        body["toolConfig"] = {"functionCallingConfig": how}
    if ask.schema:
        config |= {"responseMimeType": "application/json", "responseJsonSchema": ask.schema}
    if ask.effort:
        config["thinkingConfig"] = {"thinkingBudget": {"low": 1_500, "medium": 2_000, "high": 3_000}[ask.effort], "includeThoughts": True}
    told = {"candidateCount": ask.n if ask.n > 1 else None, "stopSequences": list(ask.stop) or None, "seed": ask.seed, "temperature": ask.temperature,
            "topK": ask.top_k, "presencePenalty": ask.penalty, "responseLogprobs": True if ask.logprobs else None, "logprobs": 1 if ask.logprobs else None}
    config |= {name: value for name, value in told.items() if value is not None}
    return f"/v1beta/models/{model}:" + ("streamGenerateContent?alt=sse" if streamed else "generateContent"), body


def _gemini_data(mime: str, data: str) -> dict:
    return {"fileData": {"mimeType": mime, "fileUri": data}} if is_address(data) else {"inlineData": {"mimeType": mime, "data": data}}


def _gemini_turn(turn: Turn) -> dict:
    if turn.given is not None:
        return {"role": "model", "parts": turn.given}
    if turn.role == "tools":
        parts = []
        for key, name, text, image in turn.results:
            response: dict = {"id": key, "name": name, "response": {"output": text}}
            if image:
                response["parts"] = [{"inlineData": {"mimeType": "image/png", "data": image}}]
            parts.append({"functionResponse": response})
        return {"role": "user", "parts": parts}
    if turn.role == "model":
        said = [{"text": turn.text}] if turn.text else []
        return {"role": "model", "parts": said + [{"functionCall": {"id": key, "name": name, "args": given}} for key, name, given in turn.calls]}
    parts = [{"text": turn.text}]
    if turn.image:
        parts.append(_gemini_data("image/png", turn.image))
    if turn.document:
        parts.append(_gemini_data("application/pdf", turn.document))
    return {"role": "user", "parts": parts}


WRITERS = {"chat": _chat, "responses": _responses, "messages": _messages, "gemini": _gemini}
