"""What a provider answers, said once and written in each dialect, whole or streamed, after the providers' documentation and recordings."""

from __future__ import annotations

import json
from dataclasses import dataclass

MODEL = "upstream-model"
PIECE = 6  # characters of a text in one event
SIGNATURE = "c2lnbmF0dXJlLW9mLXRoZS1wcm92aWRlcg=="


@dataclass(frozen=True)
class Answer:
    text: str = ""
    reasoning: str = ""
    signature: str = ""
    calls: tuple[tuple[str, str, dict | str], ...] = ()  # id, name, arguments; a text: of a custom tool
    refusal: str = ""
    cited: str = ""  # an address that the text cites
    logprobs: bool = False
    stop: str = ""  # "length", or empty: as the content has it
    choices: int = 1
    input: int = 100  # tokens with all that was cached and written
    cached: int = 0
    written_5m: int = 0
    written_1h: int = 0
    output: int = 20  # with reasoning
    thought: int = 0
    stopped_by: str = ""  # which of the words to stop at it came to; Anthropic alone tells it


def _written(answer: Answer) -> int:
    """Into a cache, for however long: OpenAI tells one count."""
    return answer.written_5m + answer.written_1h


def pieces(text: str) -> list[str]:
    return [text[i : i + PIECE] for i in range(0, len(text), PIECE)]


def _as_function(given: dict | str) -> dict:
    """The arguments of a call where only functions are known: a custom tool was offered as one with a single text."""
    return {"input": given} if isinstance(given, str) else given


def _entries(answer: Answer) -> list[dict]:
    return [{"token": one, "logprob": -0.25, "bytes": list(one.encode()), "top_logprobs": [{"token": one, "logprob": -0.25, "bytes": list(one.encode())}]}
            for one in pieces(answer.text)]


# --- Chat Completions ----------------------------------------------------------------------------------------------------------------
def _chat_finish(answer: Answer) -> str:
    return answer.stop or ("tool_calls" if answer.calls else "stop")


def _chat_usage(answer: Answer) -> dict:
    return {
        "prompt_tokens": answer.input, "completion_tokens": answer.output, "total_tokens": answer.input + answer.output,
        "prompt_tokens_details": {"cached_tokens": answer.cached, "cache_write_tokens": _written(answer)},
        "completion_tokens_details": {"reasoning_tokens": answer.thought},
    }


def _chat_calls(answer: Answer) -> list[dict]:
    return [{"id": key, "type": "custom", "custom": {"name": name, "input": given}} if isinstance(given, str) else
            {"id": key, "type": "function", "function": {"name": name, "arguments": json.dumps(given)}} for key, name, given in answer.calls]


def _annotations(answer: Answer) -> list[dict]:
    inner = {"url": answer.cited, "title": "A page", "start_index": 0, "end_index": len(answer.text)}
    return [{"type": "url_citation", "url_citation": inner}] if answer.cited else []


def chat(answer: Answer) -> dict:
    message = {"role": "assistant", "content": answer.text or None, "refusal": answer.refusal or None}
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.signature:
        message["reasoning_details"] = [{"type": "reasoning.text", "text": answer.reasoning, "signature": answer.signature, "index": 0}]
    if answer.calls:
        message["tool_calls"] = _chat_calls(answer)
    if answer.cited:
        message["annotations"] = _annotations(answer)
    logprobs = {"content": _entries(answer), "refusal": None} if answer.logprobs else None
    choices = [{"index": i, "message": message, "finish_reason": _chat_finish(answer), "logprobs": logprobs} for i in range(answer.choices)]
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": choices, "usage": _chat_usage(answer)}


def chat_events(answer: Answer) -> list[dict]:
    deltas: list[dict] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": one} for one in pieces(answer.reasoning)]
    if answer.signature:
        deltas.append({"reasoning_details": [{"type": "reasoning.text", "text": "", "signature": answer.signature, "index": 0}]})
    deltas += [{"content": one} for one in pieces(answer.text)] + [{"refusal": one} for one in pieces(answer.refusal)]
    if answer.cited:
        deltas.append({"annotations": _annotations(answer)})
    for index, call in enumerate(_chat_calls(answer)):
        kind, told = ("custom", "input") if "custom" in call else ("function", "arguments")
        deltas.append({"tool_calls": [call | {"index": index, kind: call[kind] | {told: ""}}]})
        deltas += [{"tool_calls": [{"index": index, kind: {told: one}}]} for one in pieces(call[kind][told])]
    entries = iter(_entries(answer))

    def chunk(index: int, delta: dict, finish: str | None = None) -> dict:
        told = {"content": [next(entries)], "refusal": None} if answer.logprobs and delta.get("content") else None
        one = {"index": index, "delta": delta, "finish_reason": finish, "logprobs": told}
        return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": [one]}

    out = [chunk(index, delta) for delta in deltas for index in range(answer.choices)]
    out += [chunk(index, {}, _chat_finish(answer)) for index in range(answer.choices)]
    return [*out, {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": [], "usage": _chat_usage(answer)}]


# --- Responses -----------------------------------------------------------------------------------------------------------------------
def _items(answer: Answer) -> list[dict]:
    out: list[dict] = []
    if answer.reasoning or answer.signature:
        item = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": answer.reasoning}] if answer.reasoning else []}
        out.append(item | ({"encrypted_content": answer.signature} if answer.signature else {}))
    content: list[dict] = []
    if answer.text:
        cited = [{"type": "url_citation", "url": answer.cited, "title": "A page", "start_index": 0, "end_index": len(answer.text)}] if answer.cited else []
        content.append({"type": "output_text", "text": answer.text, "annotations": cited, "logprobs": _entries(answer) if answer.logprobs else []})
    if answer.refusal:
        content.append({"type": "refusal", "refusal": answer.refusal})
    if content:
        out.append({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content})
    out += [{"id": f"ctc_{key}", "type": "custom_tool_call", "status": "completed", "call_id": key, "name": name, "input": given} if isinstance(given, str) else
            {"id": f"fc_{key}", "type": "function_call", "status": "completed", "call_id": key, "name": name, "arguments": json.dumps(given)}
            for key, name, given in answer.calls]
    return out


def responses(answer: Answer) -> dict:
    usage = {
        "input_tokens": answer.input, "input_tokens_details": {"cached_tokens": answer.cached, "cache_write_tokens": _written(answer)},
        "output_tokens": answer.output, "output_tokens_details": {"reasoning_tokens": answer.thought}, "total_tokens": answer.input + answer.output,
    }
    cut = answer.stop == "length"
    return {
        "id": "resp_1", "object": "response", "created_at": 1, "status": "incomplete" if cut else "completed", "model": MODEL, "output": _items(answer), "usage": usage,
        "error": None, "incomplete_details": {"reason": "max_output_tokens"} if cut else None, "instructions": None, "metadata": {}, "parallel_tool_calls": True,
        "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0,
    }


def responses_events(answer: Answer) -> list[dict]:
    whole = responses(answer)
    begun = whole | {"status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    out: list[dict] = [{"type": "response.created", "response": begun}, {"type": "response.in_progress", "response": begun}]
    for index, item in enumerate(whole["output"]):
        at = {"item_id": item["id"], "output_index": index}
        empty = {"reasoning": {"summary": []}, "message": {"content": [], "status": "in_progress"}, "function_call": {"arguments": "", "status": "in_progress"},
                 "custom_tool_call": {"input": "", "status": "in_progress"}}
        added = {k: v for k, v in item.items() if k != "encrypted_content"} | empty[item["type"]]
        out.append({"type": "response.output_item.added", "output_index": index, "item": added})
        if item["type"] == "reasoning":
            for part in item["summary"]:
                out.append({"type": "response.reasoning_summary_part.added", **at, "summary_index": 0, "part": part | {"text": ""}})
                out += [{"type": "response.reasoning_summary_text.delta", **at, "summary_index": 0, "delta": one} for one in pieces(part["text"])]
                out.append({"type": "response.reasoning_summary_text.done", **at, "summary_index": 0, "text": part["text"]})
                out.append({"type": "response.reasoning_summary_part.done", **at, "summary_index": 0, "part": part})
        elif item["type"] == "message":
            for number, part in enumerate(item["content"]):
                out += _content_events(at | {"content_index": number}, part, answer)
        elif item["type"] == "custom_tool_call":
            out += [{"type": "response.custom_tool_call_input.delta", **at, "delta": one} for one in pieces(item["input"])]
            out.append({"type": "response.custom_tool_call_input.done", **at, "input": item["input"]})
        else:
            out += [{"type": "response.function_call_arguments.delta", **at, "delta": one} for one in pieces(item["arguments"])]
            out.append({"type": "response.function_call_arguments.done", **at, "name": item["name"], "arguments": item["arguments"]})
        out.append({"type": "response.output_item.done", "output_index": index, "item": item})
    out.append({"type": "response.incomplete" if answer.stop == "length" else "response.completed", "response": whole})
    return [one | {"sequence_number": number} for number, one in enumerate(out)]


def _content_events(at: dict, part: dict, answer: Answer) -> list[dict]:
    if part["type"] == "refusal":
        deltas = [{"type": "response.refusal.delta", **at, "delta": one} for one in pieces(part["refusal"])]
        empty: dict = {"type": "refusal", "refusal": ""}
        done = {"type": "response.refusal.done", **at, "refusal": part["refusal"]}
    else:
        entries = _entries(answer)
        deltas = [{"type": "response.output_text.delta", **at, "delta": one, "logprobs": [entries[i]] if answer.logprobs else []} for i, one in enumerate(pieces(part["text"]))]
        deltas += [{"type": "response.output_text.annotation.added", **at, "annotation_index": i, "annotation": one} for i, one in enumerate(part["annotations"])]
        empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        done = {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": part["logprobs"]}
    return [{"type": "response.content_part.added", **at, "part": empty}, *deltas, done, {"type": "response.content_part.done", **at, "part": part}]


# --- Messages ------------------------------------------------------------------------------------------------------------------------
def messages(answer: Answer) -> dict:
    content: list[dict] = []
    if answer.reasoning:
        content.append({"type": "thinking", "thinking": answer.reasoning, "signature": answer.signature})
    elif answer.signature:
        content.append({"type": "redacted_thinking", "data": answer.signature})
    if answer.text or answer.refusal:
        block: dict = {"type": "text", "text": answer.text + answer.refusal}
        if answer.cited:
            block["citations"] = [{"type": "web_search_result_location", "url": answer.cited, "title": "A page", "cited_text": "so", "encrypted_index": "ZW5j"}]
        content.append(block)
    content += [{"type": "tool_use", "id": key, "name": name, "input": _as_function(given)} for key, name, given in answer.calls]
    stop = "max_tokens" if answer.stop == "length" else "tool_use" if answer.calls else "refusal" if answer.refusal else "end_turn"
    written = _written(answer)
    usage = {
        "input_tokens": answer.input - answer.cached - written, "cache_read_input_tokens": answer.cached, "cache_creation_input_tokens": written,
        "cache_creation": {"ephemeral_5m_input_tokens": answer.written_5m, "ephemeral_1h_input_tokens": answer.written_1h},
        "output_tokens": answer.output, "output_tokens_details": {"thinking_tokens": answer.thought}, "service_tier": "standard",
    }
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "content": content, "usage": usage,
            "stop_reason": "stop_sequence" if answer.stopped_by else stop, "stop_sequence": answer.stopped_by or None}


def messages_events(answer: Answer) -> list[dict]:
    whole = messages(answer)
    usage = whole["usage"]
    # As the real one: the input's tokens stand in message_start alone, the output's in message_delta.
    out: list[dict] = [{"type": "message_start", "message": whole | {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage | {"output_tokens": 1}}}]
    for index, block in enumerate(whole["content"]):
        start = dict(block) | {k: "" for k in ("text", "thinking", "signature") if k in block} | ({"input": {}} if "input" in block else {})
        if "citations" in block:
            start["citations"] = []
        out.append({"type": "content_block_start", "index": index, "content_block": start})
        deltas: list[dict] = [{"type": "citations_delta", "citation": one} for one in block.get("citations") or []]
        deltas += [{"type": "text_delta", "text": one} for one in pieces(block.get("text", ""))]
        deltas += [{"type": "thinking_delta", "thinking": one} for one in pieces(block.get("thinking", ""))]
        deltas += [{"type": "signature_delta", "signature": block["signature"]}] if block.get("signature") else []
        deltas += [{"type": "input_json_delta", "partial_json": one} for one in pieces(json.dumps(block["input"]))] if "input" in block else []
        out += [{"type": "content_block_delta", "index": index, "delta": one} for one in deltas]
        out.append({"type": "content_block_stop", "index": index})
    told = {"output_tokens": usage["output_tokens"], "output_tokens_details": usage["output_tokens_details"]}
    out.append({"type": "message_delta", "delta": {name: whole[name] for name in ("stop_reason", "stop_sequence")}, "usage": told})
    return [*out, {"type": "message_stop"}]


# --- Gemini --------------------------------------------------------------------------------------------------------------------------
def _parts(answer: Answer) -> list[dict]:
    out: list[dict] = []
    if answer.reasoning:
        out.append({"text": answer.reasoning, "thought": True})
    signature = {"thoughtSignature": answer.signature} if answer.signature else {}
    if answer.text or answer.refusal:
        out.append({"text": answer.text + answer.refusal} | ({} if answer.calls else signature))
    for number, (_, name, given) in enumerate(answer.calls):
        out.append({"functionCall": {"name": name, "args": _as_function(given)}} | (signature if number == 0 else {}))
    return out


def _gemini_usage(answer: Answer) -> dict:
    usage = {"promptTokenCount": answer.input, "candidatesTokenCount": answer.output - answer.thought, "totalTokenCount": answer.input + answer.output}
    return usage | ({"cachedContentTokenCount": answer.cached} if answer.cached else {}) | ({"thoughtsTokenCount": answer.thought} if answer.thought else {})


def _candidate(answer: Answer, index: int, parts: list[dict], finish: bool) -> dict:
    out: dict = {"index": index, "content": {"role": "model", "parts": parts}}
    if not finish:
        return out
    out["finishReason"] = "MAX_TOKENS" if answer.stop == "length" else "SAFETY" if answer.refusal else "STOP"
    if answer.cited:
        support = {"segment": {"startIndex": 0, "endIndex": len(answer.text.encode()), "text": answer.text}, "groundingChunkIndices": [0]}
        out["groundingMetadata"] = {"groundingChunks": [{"web": {"uri": answer.cited, "title": "A page"}}], "groundingSupports": [support]}
    if answer.logprobs:
        one = [{"token": entry["token"], "logProbability": entry["logprob"], "tokenId": 1} for entry in _entries(answer)]
        out["logprobsResult"] = {"chosenCandidates": one, "topCandidates": [{"candidates": [entry]} for entry in one]}
    return out


def gemini(answer: Answer) -> dict:
    candidates = [_candidate(answer, index, _parts(answer), True) for index in range(answer.choices)]
    return {"candidates": candidates, "usageMetadata": _gemini_usage(answer), "modelVersion": MODEL, "responseId": "r1"}


def gemini_events(answer: Answer) -> list[dict]:
    split: list[dict] = []
    for part in _parts(answer):
        if "text" not in part:
            split.append(part)
            continue
        texts = pieces(part["text"])
        plain = {k: v for k, v in part.items() if k != "thoughtSignature"}  # told with the last piece
        split += [plain | {"text": one} for one in texts[:-1]]
        split.append(part | {"text": texts[-1]})
    base = {"modelVersion": MODEL, "responseId": "r1", "usageMetadata": _gemini_usage(answer)}
    out = [base | {"candidates": [_candidate(answer, index, [part], False)]} for part in split for index in range(answer.choices)]
    return [*out, *(base | {"candidates": [_candidate(answer, index, [{"text": ""}], True)]} for index in range(answer.choices))]


WHOLE = {"chat": chat, "responses": responses, "messages": messages, "gemini": gemini}
EVENTS = {"chat": chat_events, "responses": responses_events, "messages": messages_events, "gemini": gemini_events}


def stream(dialect: str, answer: Answer) -> bytes:
    named = dialect in ("responses", "messages")
    text = "".join((f"event: {one['type']}\n" if named else "") + f"data: {json.dumps(one)}\n\n" for one in EVENTS[dialect](answer))
    return (text + ("data: [DONE]\n\n" if dialect == "chat" else "")).encode()


ERRORS = {429: "rate_limit_error", 400: "invalid_request_error", 500: "api_error"}
GOOGLE = {429: "RESOURCE_EXHAUSTED", 400: "INVALID_ARGUMENT", 500: "INTERNAL"}


def error(dialect: str, status: int, reason: str) -> dict:
    if dialect == "messages":
        return {"type": "error", "error": {"type": ERRORS[status], "message": reason}}
    if dialect == "gemini":
        return {"error": {"code": status, "message": reason, "status": GOOGLE[status]}}
    return {"error": {"message": reason, "type": ERRORS[status], "param": None, "code": None}}
