"""run: a fresh home answers, embeds, meters and stops, driven by the official client."""

from __future__ import annotations

import math
import time

from openai import OpenAI

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.harness.admin import Admin
from tests.harness.money import Price, nano_of_microusd
from tests.harness.steward import Steward

# Dollars of nobody's list; chosen so that rounding up shows.
CHAT_PRICE = Price(input_pico=150_300, output_pico=600_700)
EMBED_PRICE = Price(input_pico=20_000)
TEXTS = ("The cat sleeps on the warm sofa.", "A kitten naps upon the couch.", "Quarterly bond yields rose sharply in Zurich.")


def run(_: Options) -> Outcome:
    began = time.monotonic()
    with Steward() as steward:
        ready_s = round(time.monotonic() - began, 3)
        with Admin(steward) as admin:
            facts = {"ready_s": ready_s} | exercise(steward, admin)
        facts["stop_code"] = steward.stop()
    return Outcome(judge(facts), {fault: judge(doctored) for fault, doctored in planted(facts).items()})


def exercise(steward: Steward, admin: Admin) -> dict:
    """One chat, one batch of embeddings, and what the server says it charged."""
    chat_model, embed_model = (pick(admin, kind) for kind in ("chat", "embedding"))
    admin.set_price("local", chat_model, CHAT_PRICE)
    admin.set_price("local", embed_model, EMBED_PRICE)
    key = admin.new_key("runner")
    client = OpenAI(base_url=steward.base_url, api_key=key["secret"], max_retries=0, timeout=60, _strict_response_validation=True)
    text, usage = stream_chat(client, chat_model)
    # As numbers: the client's own schema knows no base64, so its strict validation refuses what it asks for by default.
    embedded = client.embeddings.create(model=embed_model, input=list(TEXTS), encoding_format="float")
    vectors = [one.embedding for one in embedded.data]
    rows = settled_usage(admin, key["id"], calls=2)
    return {
        "text": text,
        "prompt_tokens": usage.prompt_tokens,
        "cached_tokens": usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else 0,
        "completion_tokens": usage.completion_tokens,
        "embedding_tokens": embedded.usage.prompt_tokens,
        "dims": sorted({len(vector) for vector in vectors}),
        "related": cosine(vectors[0], vectors[1]),
        "unrelated": cosine(vectors[0], vectors[2]),
        "usage_calls": sum(row["calls"] for row in rows),
        "charged_nano": sum(nano_of_microusd(row["cost_microusd"]) for row in rows),
    }


def pick(admin: Admin, kind: str) -> str:
    return next(model["name"] for model in admin.pages("/models") if model["kind"] == kind)


def stream_chat(client: OpenAI, model: str):
    text, usage = "", None
    messages = [{"role": "user", "content": "Say hello to the person who just installed you, in one sentence."}]
    for chunk in client.chat.completions.create(model=model, messages=messages, max_tokens=48, stream=True, stream_options={"include_usage": True}):
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
        usage = chunk.usage or usage
    return text, usage


def settled_usage(admin: Admin, key_id: str, calls: int) -> list[dict]:
    """The usage rows of this key; a view may be a moment behind the settlement."""
    for _ in range(100):
        rows = [row for row in admin.usage(group_by="key,model") if row["group"]["key"] == key_id]
        if sum(row["calls"] for row in rows) >= calls:
            break
        time.sleep(0.05)
    return rows


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


def judge(facts: dict) -> Metrics:
    by_hand = CHAT_PRICE.cost_nano(facts["prompt_tokens"], facts["completion_tokens"]) + EMBED_PRICE.cost_nano(facts["embedding_tokens"], 0)
    requirements = [
        facts["ready_s"] > 0,
        bool(facts["text"].strip()),
        facts["prompt_tokens"] > 0,
        facts["completion_tokens"] > 0,
        facts["embedding_tokens"] > 0,
        facts["dims"] == [384],
        facts["related"] > facts["unrelated"],
        facts["usage_calls"] == 2,
        facts["charged_nano"] == by_hand,
        facts["stop_code"] == 0,
    ]
    return {
        "cases": len(requirements),
        "requirements_met": sum(requirements),
        "answered": bool(facts["text"].strip()),
        "completion_tokens": facts["completion_tokens"],
        "dim": facts["dims"][0] if len(facts["dims"]) == 1 else facts["dims"],
        "related": round(facts["related"], 4),
        "unrelated": round(facts["unrelated"], 4),
        "charged": facts["charged_nano"],
        "hand_computed": by_hand,
        "ready_s": facts["ready_s"],
        "stop_code": facts["stop_code"],
    }


def planted(facts: dict) -> dict[str, dict]:
    return {
        "says nothing": facts | {"text": "  "},
        "charges one nano-dollar less": facts | {"charged_nano": facts["charged_nano"] - 1},
        "charges nothing": facts | {"charged_nano": 0},
        "embeds at random": facts | {"related": facts["unrelated"], "unrelated": facts["related"]},
        "embeds in another size": facts | {"dims": [383]},
        "forgets a call": facts | {"usage_calls": 1},
        "does not stop well": facts | {"stop_code": -9},
    }


CHECK = Check(
    "run",
    run,
    {
        "answered": lambda m: m["answered"] is True,
        "completion_tokens>0": lambda m: m["completion_tokens"] > 0,
        "dim==384": lambda m: m["dim"] == 384,
        "related>unrelated": lambda m: m["related"] > m["unrelated"],
        "charged==hand_computed>0": lambda m: m["charged"] == m["hand_computed"] > 0,
        "ready_s": lambda m: m["ready_s"] > 0,
        "requirements_met==cases": lambda m: m["requirements_met"] == m["cases"],
    },
)
