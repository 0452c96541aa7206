"""prices: each recorded usage block costs what was computed by hand.

Every row of tests/prices/cases.toml is a recorded answer of a provider, or (marked as made) one whose usage block was changed to what no
recording has: a long prompt, a batch, an hour's cache. An upstream answers with exactly that, whole or streamed as it was recorded; what was
recorded whole is also streamed, with the same block. Each row has a provider and a key of its own, so that what its call cost is the row's
alone: in `GET /admin/v1/usage`, and in the header of a whole answer. The price is the one that comes with the program; nobody sets one.
What it has no price of, a model or a tool, has to be marked so (`unpriced`), and nothing else may be.
"""

from __future__ import annotations

import asyncio
import json
import math
import tomllib
from collections import Counter
from copy import deepcopy
from fractions import Fraction

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.harness import wire
from tests.harness.admin import Admin
from tests.harness.money import nano_of_microusd
from tests.harness.paths import ROOT
from tests.harness.provider import Call, Provider
from tests.harness.steward import Steward

CASES = ROOT / "tests" / "prices" / "cases.toml"
RECORDINGS = ROOT / "tests" / "recordings"
PROVIDERS_LEAST = 17  # kinds of provider among the rows
DIALECT = {"anthropic": "messages", "bedrock": "messages", "gemini": "gemini"}
KEY = {"bedrock": "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}  # AWS's own example; the others take any
TYPES = ("input", "cached_input", "cache_write", "output", "reasoning", "image", "audio", "tools", "requests", "other")


def run(_: Options) -> Outcome:
    rows = load()
    facts = measure([(row, streamed) for row in rows for streamed in (False, True) if can_be(row, streamed)])
    metrics = judge(facts)
    return Outcome(metrics, {fault: judge(doctored) for fault, doctored in planted(facts).items()})


def measure(forms: list[tuple[dict, bool]]) -> list[dict]:
    """Each row in the form asked for, through a server of its own."""
    with Provider() as provider:
        provider.scripts["*"] = script(forms)
        env = {f"KEY_{i}": KEY.get(row["provider"], "upstream") for i, (row, _) in enumerate(forms)}
        with Steward(config(provider, forms), env=env) as steward, Admin(steward) as admin:
            keys = [admin.new_key(f"row-{i}") for i in range(len(forms))]
            answers = asyncio.run(call_all(steward.port, forms, [key["secret"] for key in keys]))
            used = {row["group"]["key"]: row for row in admin.usage(group_by="key")}
    return [fact(row, streamed, answer, used.get(key["id"])) for (row, streamed), answer, key in zip(forms, answers, keys, strict=True)]


# --- the rows -----------------------------------------------------------------------------------------------------------------------------
def load() -> list[dict]:
    rows = tomllib.loads(CASES.read_text())["row"]
    for row in rows:
        row["dialect"] = row.get("dialect") or DIALECT.get(row["provider"], "chat")
        row["documents"], row["streamed"] = documents(row)
        row["faults"] = faults_of(row)
    return rows


def by_hand(formula: str) -> int:
    """Nano-dollars of a sum of products in micro-dollars, rounded up once."""
    micro = sum(math.prod(Fraction(part.strip()) for part in product.split("*")) for product in formula.split("+"))
    return math.ceil(micro * 1_000)


def faults_of(row: dict) -> list[str]:
    """What is wrong with the row itself: its sum, or its block beside the recording's."""
    wrong = []
    if by_hand(row["hand"]) != row["nano"]:
        wrong.append(f"hand gives {by_hand(row['hand'])}")
    if "recording" in row and "made" not in row and last_usage(row["documents"]) != json.loads(row["usage"]):
        wrong.append("the block isn't the recorded one")
    return wrong


def documents(row: dict) -> tuple[list[dict], bool]:
    """The JSON of the recorded answer: one, or those of a stream's events; changed as `made` says."""
    if "recording" not in row:
        usage = json.loads(row["made"])
        message = {"role": "assistant", "content": "Hello."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return [{"id": "c", "object": "chat.completion", "created": 1, "model": row["model"], "choices": [choice], "usage": usage}], False
    text = (RECORDINGS / row["recording"]).read_text()
    if row["recording"].endswith(".chunks.txt"):
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")], True
    body = json.loads(text)
    if isinstance(body, list):
        body = body[row["exchange"]]["response"]["body"]
    if isinstance(body, str):
        lines = [line[5:].strip() for line in body.splitlines() if line.startswith("data:")]
        return [json.loads(line) for line in lines if line.startswith("{")], True
    return [changed(deepcopy(body), json.loads(row.get("made", "{}")))], False


def changed(body: dict, made: dict) -> dict:
    block = body.get("usage", body.get("usageMetadata"))
    for name, value in made.items():
        if name.startswith("$"):
            body[name[1:]] = value
        else:
            block[name] = value
    return body


def last_usage(events: list[dict]) -> dict:
    """The usage that a stream told in all: later words complete earlier ones."""
    told: dict = {}
    for event in events:
        for holder in (event, event.get("response") or {}, event.get("message") or {}, event.get("x_groq") or {}):
            block = holder.get("usage") or holder.get("usageMetadata") if isinstance(holder, dict) else None
            if isinstance(block, dict):
                told.update({name: value for name, value in block.items() if value is not None or name not in told})
    return told


def can_be(row: dict, streamed: bool) -> bool:
    """Amazon's streams have another framing, which the check `dialects` holds."""
    return not streamed if row["provider"] == "bedrock" else streamed or not row["streamed"]


# --- the upstream -------------------------------------------------------------------------------------------------------------------------
def config(provider: Provider, forms: list[tuple[dict, bool]]) -> str:
    parts = []
    for i, (row, _) in enumerate(forms):
        dialect = 'dialect = "responses"\n' if row["dialect"] == "responses" else 'region = "us-east-1"\n' if row["provider"] == "bedrock" else ""
        parts.append(
            f'[providers.p{i}]\nlike = "{row["provider"]}"\n{dialect}base_url = "http://127.0.0.1:{provider.port}/r{i}/v1"\n'
            f'key_env = "KEY_{i}"\nmodels = ["m{i}"]\nrename = {{ m{i} = "{row["model"]}" }}\n'
        )
    return "\n".join(parts)


def script(forms: list[tuple[dict, bool]]):
    async def answer(call: Call) -> None:
        index = int(call.seen.path.split("/")[1][1:])
        row, streamed = forms[index]
        if not streamed:
            return await call.json(row["documents"][0])
        await call.begin_stream()
        for event in row["documents"] if row["streamed"] else as_stream(row):
            name = f"event: {event['type']}\n" if row["dialect"] in ("messages", "responses") else ""
            await call.piece(f"{name}data: {json.dumps(event)}\n\n".encode())
        if row["dialect"] == "chat":
            await call.piece(b"data: [DONE]\n\n")
        await call.raw(b"0\r\n\r\n")

    return answer


def as_stream(row: dict) -> list[dict]:
    """An answer that was recorded whole, as its provider would have streamed it: the same usage block at its place."""
    body = row["documents"][0]
    return {"chat": chat_stream, "messages": messages_stream, "gemini": lambda whole: [whole], "responses": responses_stream}[row["dialect"]](body)


def chat_stream(body: dict) -> list[dict]:
    head = {name: value for name, value in body.items() if name not in ("choices", "usage")} | {"object": "chat.completion.chunk"}
    choice = body["choices"][0]
    delta = {"role": "assistant", "content": choice["message"].get("content") or "."}
    if not isinstance(delta["content"], str):
        delta["content"] = "."
    return [
        head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        head | {"choices": [], "usage": body["usage"]},
    ]


def messages_stream(body: dict) -> list[dict]:
    """input and cache at the beginning, output at the end, as Anthropic tells them."""
    usage = body["usage"]
    early = {name: value for name, value in usage.items() if name not in ("server_tool_use", "iterations", "output_tokens_details")} | {"output_tokens": 1}
    late = {name: usage[name] for name in ("output_tokens", "server_tool_use", "iterations", "output_tokens_details") if name in usage}
    return [
        {"type": "message_start", "message": body | {"content": [], "stop_reason": None, "usage": early}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello."}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": late},
        {"type": "message_stop"},
    ]


def responses_stream(body: dict) -> list[dict]:
    begun = body | {"status": "in_progress", "output": [], "usage": None}
    events = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(body["output"]):
        events.append({"type": "response.output_item.added", "output_index": index, "item": item})
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": "response.completed", "response": body})
    return [event | {"sequence_number": number} for number, event in enumerate(events)]


# --- the calls ----------------------------------------------------------------------------------------------------------------------------
async def call_all(port: int, forms: list[tuple[dict, bool]], secrets: list[str]) -> list[wire.Answer]:
    few = asyncio.Semaphore(8)

    async def one(index: int) -> wire.Answer:
        path, body = request(index, *forms[index])
        async with few:
            try:
                return await wire.call(port, path, secrets[index], body, deadline_s=60)
            except (wire.CutOff, OSError, TimeoutError):
                return wire.Answer()

    return await asyncio.gather(*(one(index) for index in range(len(forms))))


def request(index: int, row: dict, streamed: bool) -> tuple[str, dict]:
    """In the provider's own dialect, so that nothing of the answer has to be said in another's words."""
    model, text = f"m{index}", "Go on."
    message = [{"role": "user", "content": text}]
    if row["dialect"] == "messages":
        return "/v1/messages", {"model": model, "max_tokens": 4000, "messages": message, "stream": streamed}
    if row["dialect"] == "gemini":
        verb = "streamGenerateContent?alt=sse" if streamed else "generateContent"
        return f"/v1beta/models/{model}:{verb}", {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    if row["dialect"] == "responses":
        return "/v1/responses", {"model": model, "input": text, "store": False, "stream": streamed}
    return "/v1/chat/completions", {"model": model, "messages": message, "stream": streamed}


# --- the judgement ------------------------------------------------------------------------------------------------------------------------
def fact(row: dict, streamed: bool, answer: wire.Answer, used: dict | None) -> dict:
    told = answer.headers.get("x-steward-cost-microusd")
    return {
        "id": row["id"] + (" streamed" if streamed else ""),
        "provider": row["provider"],
        "expected": row["nano"],
        "status": answer.status,
        "error": answer.error.get("message") if answer.status != 200 else None,
        "charged": nano_of_microusd(used["cost_microusd"]) if used else None,
        "types": used["cost_by_type_microusd"] if used else {},
        "tokens": {name: used[name] for name in used if name.endswith("_tokens")} if used else {},
        "by_type": sum(nano_of_microusd(used["cost_by_type_microusd"].get(kind, 0)) for kind in TYPES) if used else None,
        "header": nano_of_microusd(told) if told and not streamed else None,
        "whole": not streamed,
        "estimated": used["estimated"] if used else None,
        "unpriced_expected": row.get("unpriced", False),
        "unpriced": bool(used["unpriced"]) if used else None,
        "unpriced_told": "x-steward-unpriced" in answer.headers,
        "faults": row["faults"],
    }


def problems(one: dict) -> list[str]:
    found = list(one["faults"])
    if one["status"] != 200:
        found.append(f"answered {one['status']}: {one['error']}")
    elif one["charged"] != one["expected"]:
        found.append(f"charged {one['charged']} instead of {one['expected']}")
    else:
        if one["by_type"] != one["charged"]:
            found.append(f"the types come to {one['by_type']} of {one['charged']}")
        if one["whole"] and one["header"] != one["charged"]:
            found.append(f"the header tells {one['header']} of {one['charged']}")
        if one["unpriced"] != one["unpriced_expected"]:
            found.append("no price, but not marked so" if one["unpriced_expected"] else "marked as without a price")
        if one["whole"] and one["unpriced_told"] != one["unpriced"]:
            found.append("the header and the usage say differently whether there is a price")
        if one["estimated"]:
            found.append("marked as an estimate")
    return found


def judge(facts: list[dict]) -> Metrics:
    wrong = {one["id"]: problems(one) for one in facts if problems(one)}
    return {
        "cases": len(facts),
        "rows": len({one["id"].removesuffix(" streamed") for one in facts}),
        "streamed": sum(not one["whole"] for one in facts),
        "providers": len(Counter(one["provider"] for one in facts)),
        "unpriced": sum(bool(one["unpriced"]) for one in facts),
        "failed": len(wrong),
        **({"wrong": dict(list(wrong.items())[:20])} if wrong else {}),
    }


def planted(facts: list[dict]) -> dict[str, list[dict]]:
    """Servers that price wrongly, each in one way."""

    def doctored(index: int, **change: object) -> list[dict]:
        return [one | change if i == index else one for i, one in enumerate(facts)]

    good = next((i for i, one in enumerate(facts) if one["whole"] and not problems(one)), 0)
    one = facts[good]
    dark = next((i for i, one in enumerate(facts) if one["unpriced_expected"] and not problems(one)), 0)
    return {
        "charges a nano-dollar more": doctored(good, charged=one["expected"] + 1, by_type=one["expected"] + 1, header=one["expected"] + 1),
        "charges nothing": doctored(good, charged=0, by_type=0, header=0),
        "tells the caller another cost": doctored(good, header=one["expected"] - 1),
        "types that don't come to the cost": doctored(good, by_type=one["expected"] - 1),
        "calls what it was told an estimate": doctored(good, estimated=1),
        "takes an unknown price for none": doctored(dark, unpriced=False, unpriced_told=False),
        "marks what has a price": doctored(good, unpriced=True, unpriced_told=True),
        "refuses": doctored(good, status=429),
        "a row that was not computed": doctored(good, faults=["hand gives 1"]),
    }


CHECK = Check(
    "prices",
    run,
    {
        "rows>=100": lambda m: m["rows"] >= 100,
        "streamed>=90": lambda m: m["streamed"] >= 90,
        f"providers>={PROVIDERS_LEAST}": lambda m: m["providers"] >= PROVIDERS_LEAST,
        "failed==0": lambda m: m["failed"] == 0,
    },
)
