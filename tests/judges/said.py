"""What an answer says, taken out of its bytes in any of the four dialects, by rules of our own and none of the product's code.

The same extraction reads what a provider sent and what a client got, so the two can be compared: text, refusal, tool calls with their
arguments, reasoning, why it stopped, usage. White space is not compared (dialects differ in how they join parts), nothing else is left out.
Usage is said in one way: `input` counts everything that went in (also what came from a cache or was written to one), `output` everything
that came out (reasoning too), `written` what went into a cache, `written_1h` what of that stays there for an hour.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field

STOP, LENGTH, TOOLS, FILTER, PAUSE, OTHER, NONE = "stop", "length", "tools", "filter", "pause", "other", "none"


class Broken(Exception):
    """The stream ended without its end, or it told an error: args[0] says which."""


@dataclass
class Said:
    text: str = ""
    refusal: str = ""
    reasoning: str = ""
    calls: list[tuple[str, object]] = field(default_factory=list)  # name, arguments
    custom: list[str] = field(default_factory=list)  # the names of those that were told as calls of custom tools
    stop: str = NONE
    usage: dict[str, int] | None = None
    urls: list[str] = field(default_factory=list)  # cited
    listed: list[str] = field(default_factory=list)  # told as sources of the whole answer
    logprobs: int = 0  # tokens told
    stopped_by: str = ""  # the word to stop at that it came to, where it is told

    def words(self) -> str:
        return squash(self.text + self.refusal)


def squash(text: str) -> str:
    return "".join(text.split())


def arguments(text: object) -> object:
    """Parsed where they are JSON, else the text (a custom tool's input, or what a model broke)."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError:
        return text


def events(stream: bytes) -> list[tuple[str, object]]:
    """(event, data) of each server-sent event; data parsed, or "[DONE]"."""
    out: list[tuple[str, object]] = []
    for block in stream.replace(b"\r\n", b"\n").split(b"\n\n"):
        lines = block.decode("utf-8", "replace").split("\n")
        data = "\n".join(line[5:].removeprefix(" ") for line in lines if line.startswith("data:"))
        name = next((line[6:].strip() for line in lines if line.startswith("event:")), "")
        if data:
            out.append((name, data if data.strip() == "[DONE]" else json.loads(data)))
    return out


# --- Chat Completions ----------------------------------------------------------------------------------------------------------------
CHAT_STOPS = {
    "stop": STOP, "length": LENGTH, "model_length": LENGTH, "max_tokens": LENGTH, "tool_calls": TOOLS, "function_call": TOOLS,
    "content_filter": FILTER, "sensitive": FILTER, "refusal": FILTER, "end_turn": STOP, "eos": STOP,
}


def chat(body: dict, choice: int = 0) -> Said:
    told = next((one for one in body["choices"] if one.get("index", 0) == choice), None)
    out = Said(usage=chat_usage(body.get("usage")))
    if told is None:
        return out
    message = told["message"]
    content = message.get("content")
    for part in content if isinstance(content, list) else [{"type": "text", "text": content or ""}]:
        if part["type"] == "text":
            out.text += part["text"]
        elif part["type"] == "thinking":
            thinking = part["thinking"]
            out.reasoning += thinking if isinstance(thinking, str) else "".join(one.get("text", "") for one in thinking)
    out.refusal = message.get("refusal") or ""
    out.reasoning += message.get("reasoning_content") or message.get("reasoning") or ""
    for call in message.get("tool_calls") or []:
        inner = call.get("function") or call.get("custom") or {}
        out.calls.append((inner.get("name"), arguments(inner.get("arguments", inner.get("input", "")))))
        out.custom += [inner.get("name")] if call.get("type") == "custom" else []
    if function := message.get("function_call"):
        out.calls.append((function["name"], arguments(function["arguments"])))
    reason = told.get("finish_reason")
    out.stop = CHAT_STOPS.get(reason, OTHER) if reason else NONE
    out.urls = [one["url_citation"]["url"] for one in message.get("annotations") or [] if one.get("type") == "url_citation"]
    out.logprobs = len(((told.get("logprobs") or {}).get("content")) or [])
    return out


def chat_stream(stream: bytes, choice: int = 0) -> Said:
    body: dict = {"choices": []}
    message: dict = {"content": "", "annotations": []}
    calls: dict[int, dict] = {}
    finish, entries, ended = None, [], False
    for _, chunk in events(stream):
        if chunk == "[DONE]":
            ended = True
            continue
        if "error" in chunk:
            raise Broken("error", chunk["error"])
        body["usage"] = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage") or body.get("usage")
        for one in chunk.get("choices") or []:
            if one.get("index", 0) != choice:
                continue
            delta = one.get("delta") or {}
            _add_chat_delta(message, calls, delta)
            finish = one.get("finish_reason") or finish
            entries += (one.get("logprobs") or {}).get("content") or []
            body["usage"] = one.get("usage") or body.get("usage")  # Moonshot
    if finish is None and not ended:
        raise Broken("cut", message["content"])
    message["tool_calls"] = [calls[key] for key in sorted(calls)]
    body["choices"] = [{"index": choice, "message": message, "finish_reason": finish, "logprobs": {"content": entries}}]
    return chat(body, choice)


def _add_chat_delta(message: dict, calls: dict[int, dict], delta: dict) -> None:
    content = delta.get("content")
    if isinstance(content, list):
        message["content"] = [{"type": "text", "text": message["content"]}] if isinstance(message["content"], str) else message["content"]
        message["content"] += content
    elif content:
        if isinstance(message["content"], list):
            message["content"].append({"type": "text", "text": content})
        else:
            message["content"] += content
    for name in ("refusal", "reasoning_content"):
        if delta.get(name):
            message[name] = message.get(name, "") + delta[name]
    if delta.get("reasoning") and not delta.get("reasoning_content"):
        message["reasoning"] = message.get("reasoning", "") + delta["reasoning"]
    message["annotations"] += delta.get("annotations") or []
    for call in delta.get("tool_calls") or []:
        known = bool(calls)
        index = call.get("index")
        if index is None or (index in calls and call.get("id") and calls[index]["id"] not in ("", call["id"])):
            index = (max(calls) + 1 if call.get("id") else max(calls)) if known else 0
        into = calls.setdefault(index, {"id": "", "function": {"name": "", "arguments": ""}})
        into["id"] = into["id"] or call.get("id") or ""
        into["type"] = into.get("type") or call.get("type")
        inner = call.get("function") or call.get("custom") or {}
        into["function"]["name"] = into["function"]["name"] or inner.get("name") or ""
        said = inner.get("arguments", inner.get("input")) or ""
        into["function"]["arguments"] += said if isinstance(said, str) else json.dumps(said)


CHAT_WRITTEN = ("cache_write_tokens", "cache_creation_tokens")  # OpenAI, LiteLLM
CHAT_CACHED = ("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens")  # DeepSeek, Moonshot, Mistral


def told(usage: dict[str, int]) -> dict[str, int] | None:
    """Zeros all over are what a server tells that counted nothing: as if it had told none."""
    return usage if usage["input"] + usage["output"] > 0 else None


def chat_usage(usage: dict | None) -> dict[str, int] | None:
    if not usage:
        return None
    inside = usage.get("prompt_tokens_details") or {}
    cached = inside.get("cached_tokens") or next((usage[name] for name in CHAT_CACHED if usage.get(name)), 0)
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or usage.get("reasoning_tokens") or 0
    prompt, completion = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    # Who counts reasoning beside the completion tells it in the total.
    completion = max(completion, (usage.get("total_tokens") or 0) - prompt)
    written = next((inside[name] for name in CHAT_WRITTEN if inside.get(name)), 0)
    return told({"input": prompt, "output": completion, "cached": cached, "reasoning": reasoning, "written": written})


# --- Responses -----------------------------------------------------------------------------------------------------------------------
def responses(body: dict) -> Said:
    out = Said(usage=responses_usage(body.get("usage")))
    for item in body.get("output") or []:
        kind = item.get("type")
        if kind == "message":
            for part in item.get("content") or []:
                out.text += part.get("text", "") if part["type"] in ("output_text", "text") else ""
                out.refusal += part.get("refusal", "") if part["type"] == "refusal" else ""
                out.urls += [one["url"] for one in part.get("annotations") or [] if one.get("type") == "url_citation"]
                out.logprobs += len(part.get("logprobs") or [])
        elif kind == "reasoning":
            shown = "".join(one.get("text", "") for one in item.get("content") or [])
            out.reasoning += shown or "".join(one.get("text", "") for one in item.get("summary") or [])
        elif kind == "function_call":
            out.calls.append((item["name"], arguments(item["arguments"])))
        elif kind == "custom_tool_call":
            out.calls.append((item["name"], arguments(item["input"])))
            out.custom.append(item["name"])
    status, details = body.get("status"), body.get("incomplete_details") or {}
    if status in ("failed", "cancelled", "queued", "in_progress"):
        raise Broken("error", body.get("error"))
    if status == "incomplete":
        out.stop = {"max_output_tokens": LENGTH, "content_filter": FILTER}.get(details.get("reason"), OTHER)
    else:
        out.stop = TOOLS if out.calls else STOP
    return out


def responses_stream(stream: bytes) -> Said:
    final = None
    items: list[dict] = []
    streamed: dict[tuple[int, int], str] = {}  # by item and part
    whole: dict[tuple[int, int], str] = {}
    for _, event in events(stream):
        if event == "[DONE]":
            continue
        kind = event.get("type", "")
        if kind == "error" or "error" in event and not kind:
            raise Broken("error", event)
        if kind == "response.failed":
            raise Broken("error", event["response"].get("error"))
        if kind == "response.output_text.delta":
            at = (event["output_index"], event["content_index"])
            streamed[at] = streamed.get(at, "") + event["delta"]
        if kind == "response.output_text.done":
            whole[(event["output_index"], event["content_index"])] = event["text"]
        if kind == "response.output_item.done":
            items.append(event["item"])
        if kind in ("response.completed", "response.incomplete"):
            final = event["response"]
    if final is None:
        raise Broken("cut", "")
    if not final.get("output") and items:
        final = final | {"output": items}  # some servers tell the items only as they come
    out = responses(final)
    if streamed:  # two recordings were shortened by hand: what was read can't be unsaid, but what goes on from it can follow
        out.text = "".join(whole[at] if whole.get(at, "").startswith(text) else text for at, text in sorted(streamed.items()))
    return out


def responses_usage(usage: dict | None) -> dict[str, int] | None:
    if not usage:
        return None
    inside, made = usage.get("input_tokens_details") or {}, usage.get("output_tokens_details") or {}
    cached, reasoning = inside.get("cached_tokens") or 0, made.get("reasoning_tokens") or 0
    usage_said = {"input": usage["input_tokens"], "output": usage["output_tokens"], "cached": cached, "reasoning": reasoning}
    return told(usage_said | {"written": inside.get("cache_write_tokens") or 0})


# --- Messages ------------------------------------------------------------------------------------------------------------------------
MESSAGES_STOPS = {
    "end_turn": STOP, "stop_sequence": STOP, "max_tokens": LENGTH, "model_context_window_exceeded": LENGTH, "tool_use": TOOLS,
    "refusal": FILTER, "pause_turn": PAUSE, "compaction": PAUSE,
}


def messages(body: dict) -> Said:
    if body.get("type") == "error":
        raise Broken("error", body["error"])
    out = Said(usage=messages_usage(body.get("usage")))
    for block in body["content"]:
        kind = block["type"]
        if kind == "text":
            out.text += block["text"]
            for cited in block.get("citations") or []:
                out.urls += [cited["url"]] if cited.get("url") else []
        elif kind == "thinking":
            out.reasoning += block["thinking"]
        elif kind == "tool_use":
            out.calls.append((block["name"], block["input"]))
    reason = body.get("stop_reason")
    out.stop = MESSAGES_STOPS.get(reason, OTHER) if reason else NONE
    out.stopped_by = (body.get("stop_sequence") or "") if reason == "stop_sequence" else ""
    return out


def messages_stream(stream: bytes) -> Said:
    message: dict | None = None
    inputs: dict[int, str] = {}
    ended = False
    for _, event in events(stream):
        kind = event["type"]
        if kind == "error":
            raise Broken("error", event["error"])
        if kind == "message_start":
            message = event["message"] | {"content": list(event["message"].get("content") or [])}
        elif kind == "content_block_start":
            assert event["index"] == len(message["content"]), "blocks begin in order"
            message["content"].append(dict(event["content_block"]))
        elif kind == "content_block_delta":
            delta, block = event["delta"], message["content"][event["index"]]
            for name in ("text", "thinking"):
                if name in delta:
                    block[name] = block.get(name, "") + delta[name]
            if "citation" in delta:
                block["citations"] = (block.get("citations") or []) + [delta["citation"]]
            if "partial_json" in delta:
                inputs[event["index"]] = inputs.get(event["index"], "") + delta["partial_json"]
        elif kind == "message_delta":
            message |= {name: value for name, value in event["delta"].items() if value is not None}
            message["usage"] = (message.get("usage") or {}) | {k: v for k, v in (event.get("usage") or {}).items() if v is not None}
        elif kind == "message_stop":
            ended = True
    if not ended:
        raise Broken("cut", "")
    for index, text in inputs.items():
        if text:
            message["content"][index]["input"] = arguments(text)
    return messages(message)


def messages_usage(usage: dict | None) -> dict[str, int] | None:
    if not usage:
        return None
    rounds = usage.get("iterations") or [usage]
    cached = sum(one.get("cache_read_input_tokens") or 0 for one in rounds)
    written = sum(one.get("cache_creation_input_tokens") or 0 for one in rounds)
    put_in = sum(one.get("input_tokens") or 0 for one in rounds) + cached + written
    made = sum(one.get("output_tokens") or 0 for one in rounds)
    reasoning = (usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    hour = sum((one.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0 for one in rounds)
    return told({"input": put_in, "output": made, "cached": cached, "reasoning": reasoning, "written": written, "written_1h": hour})


# --- Gemini --------------------------------------------------------------------------------------------------------------------------
GEMINI_FILTERS = {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR", "LANGUAGE"}


def gemini(body: dict, choice: int = 0) -> Said:
    out = Said(usage=gemini_usage(body.get("usageMetadata")))
    told = next((one for one in body.get("candidates") or [] if one.get("index", 0) == choice), None)
    if told is None:
        out.stop = FILTER if (body.get("promptFeedback") or {}).get("blockReason") else NONE
        return out
    for part in (told.get("content") or {}).get("parts") or []:
        if "text" in part:
            if part.get("thought"):
                out.reasoning += part["text"]
            else:
                out.text += part["text"]
        if "functionCall" in part:
            out.calls.append((part["functionCall"].get("name"), part["functionCall"].get("args") or {}))
    reason = told.get("finishReason")
    out.stop = {"STOP": TOOLS if out.calls else STOP, "MAX_TOKENS": LENGTH}.get(reason, FILTER if reason in GEMINI_FILTERS else OTHER)
    out.stop = out.stop if reason else NONE
    out.logprobs = len((told.get("logprobsResult") or {}).get("chosenCandidates") or [])
    chunks = (told.get("groundingMetadata") or {}).get("groundingChunks") or []
    supported = {i for one in (told.get("groundingMetadata") or {}).get("groundingSupports") or [] for i in one.get("groundingChunkIndices") or []}
    out.urls = [one["web"]["uri"] for i, one in enumerate(chunks) if "web" in one and i in supported]
    out.listed = [one["web"]["uri"] for one in chunks if "web" in one]
    return out


def gemini_stream(stream: bytes, choice: int = 0) -> Said:
    parts: list[dict] = []
    body: dict = {}
    finish = None
    grounding: dict = {}
    entries: list[dict] = []
    for _, chunk in events(stream):
        if "error" in chunk:
            raise Broken("error", chunk["error"])
        body["usageMetadata"] = (body.get("usageMetadata") or {}) | (chunk.get("usageMetadata") or {})
        body["promptFeedback"] = chunk.get("promptFeedback") or body.get("promptFeedback")
        for one in chunk.get("candidates") or []:
            if one.get("index", 0) == choice:
                parts += (one.get("content") or {}).get("parts") or []
                finish = one.get("finishReason") or finish
                grounding |= one.get("groundingMetadata") or {}
                entries += (one.get("logprobsResult") or {}).get("chosenCandidates") or []
    if finish is None and not (body.get("promptFeedback") or {}).get("blockReason"):
        raise Broken("cut", "")
    if finish:
        told = {"index": choice, "content": {"parts": _joined(parts)}, "finishReason": finish, "groundingMetadata": grounding}
        body["candidates"] = [told | {"logprobsResult": {"chosenCandidates": entries}}]
    return gemini(body, choice)


def _joined(parts: list[dict]) -> list[dict]:
    """A call whose arguments come in pieces (partialArgs, willContinue) as one part."""
    out: list[dict] = []
    open_call: dict | None = None
    for part in parts:
        call = part.get("functionCall")
        if call is None or not (open_call or "partialArgs" in call or call.get("willContinue")):
            out.append(part)
            continue
        if open_call is None or call.get("name"):
            open_call = {"name": call.get("name"), "args": dict(call.get("args") or {})}
            out.append({"functionCall": open_call})
        for piece in call.get("partialArgs") or []:
            _place(open_call["args"], piece)
        if not call.get("willContinue"):
            open_call = None
    return out


def _place(args: dict, piece: dict) -> None:
    """Puts one piece where its JSON path points: $.a.b[0]."""
    path = piece["jsonPath"].removeprefix("$").replace("[", ".[").strip(".").split(".")
    keys: list = [int(one[1:-1]) if one.startswith("[") else one for one in path]
    into: object = args
    for key, then in itertools.pairwise(keys):
        fresh: object = [] if isinstance(then, int) else {}
        if isinstance(into, list):
            while len(into) <= key:
                into.append(type(fresh)())
        else:
            into.setdefault(key, fresh)
        into = into[key]
    last = keys[-1]
    value = next((piece[name] for name in ("stringValue", "numberValue", "boolValue") if name in piece), None)
    if isinstance(into, list):
        while len(into) <= last:
            into.append(None)
        into[last] = into[last] + value if isinstance(into[last], str) and isinstance(value, str) else value
    else:
        known = into.get(last)
        into[last] = known + value if isinstance(known, str) and isinstance(value, str) else value


def gemini_usage(usage: dict | None) -> dict[str, int] | None:
    if not usage:
        return None
    thoughts = usage.get("thoughtsTokenCount") or 0
    put_in = (usage.get("promptTokenCount") or 0) + (usage.get("toolUsePromptTokenCount") or 0)
    made, cached = (usage.get("candidatesTokenCount") or 0) + thoughts, usage.get("cachedContentTokenCount") or 0
    return told({"input": put_in, "output": made, "cached": cached, "reasoning": thoughts})


WHOLE = {"chat": chat, "responses": responses, "messages": messages, "gemini": gemini}
STREAMED = {"chat": chat_stream, "responses": responses_stream, "messages": messages_stream, "gemini": gemini_stream}


def read(dialect: str, body: bytes | dict, streamed: bool, choice: int = 0) -> Said:
    """Raises Broken for an error inside, or a stream without its end."""
    reader = (STREAMED if streamed else WHOLE)[dialect]
    more = {"choice": choice} if dialect in ("chat", "gemini") else {}
    return reader(body if streamed or isinstance(body, dict) else json.loads(body), **more)


WRITES_TOLD = {"chat": ("written",), "responses": ("written",), "messages": ("written", "written_1h"), "gemini": ()}  # what each has words for


# --- comparing -----------------------------------------------------------------------------------------------------------------------
def differences(sent: Said, got: Said, dialect: str, *, counted: bool = True) -> list[str]:
    """What the client (of `dialect`) was told otherwise than the provider said."""
    out = []
    if sent.words() != got.words():
        out.append(f"text: {_short(sent.words())} became {_short(got.words())}")
    if squash(sent.reasoning) != squash(got.reasoning):
        out.append(f"reasoning: {_short(sent.reasoning)} became {_short(got.reasoning)}")
    if not _same_calls(sent.calls, got):
        out.append(f"calls: {_short(sent.calls)} became {_short(got.calls)}")
    if got.stop not in stops(sent, dialect):
        out.append(f"stop: {sent.stop} became {got.stop}")
    if dialect == "messages" and sent.stopped_by != got.stopped_by:
        out.append(f"stopped by: {sent.stopped_by!r} became {got.stopped_by!r}")
    if counted and sent.usage is not None:
        told = got.usage or {}
        for name in ("input", "output", "cached"):
            if sent.usage[name] != told.get(name):
                out.append(f"usage {name}: {sent.usage[name]} became {told.get(name)}")
        if sent.usage["reasoning"] != told.get("reasoning"):
            out.append(f"usage reasoning: {sent.usage['reasoning']} became {told.get('reasoning')}")
        for name in WRITES_TOLD[dialect]:
            if sent.usage.get(name, 0) != told.get(name):
                out.append(f"usage {name}: {sent.usage.get(name, 0)} became {told.get(name)}")
    if missing := set(sent.urls) - set(got.urls) - set(got.listed):
        out.append(f"citations lost: {sorted(missing)[:3]}")
    return out


def stops(sent: Said, dialect: str) -> set[str]:
    """How the provider's reason may be told: where a dialect has no word for it, what its own clients would be told."""
    allowed = {sent.stop}
    if sent.calls and sent.stop in (STOP, TOOLS, NONE):
        allowed |= {TOOLS, STOP} if sent.stop == STOP else {TOOLS}
    if sent.refusal:
        allowed |= {FILTER, STOP}
    if sent.stop == PAUSE and dialect != "messages":
        allowed |= {STOP, OTHER, LENGTH}  # nobody else pauses
    if sent.stop in (OTHER, NONE):
        allowed |= {STOP, OTHER, FILTER}
    return allowed


def _same_calls(sent: list, got: Said) -> bool:
    if len(sent) != len(got.calls):
        return False
    for (name, given), (told, arrived) in zip(sent, got.calls, strict=True):
        if told in got.custom and not isinstance(given, str):  # a custom tool that the provider knows as a function of one text
            given = given.get("input")
        free = isinstance(given, str) and arrived in ({"input": given}, {"INVALID_JSON": given})  # free text where only objects go
        if not (told == name or str(told).endswith(f"__{name}")) or not (given == arrived or free):
            return False
    return True


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return repr(text[:160])
