"""engine: tokens a second and time to the first token through Steward, beside the same llama-server asked directly.

Both ask the same process (Steward's own child, over its Unix socket), in turn, so that the machine's noise falls on both alike.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import httpx

from tests.bench.report import Report, median, percentile
from tests.harness.admin import Admin
from tests.harness.steward import Steward

TOKENS = 128
ASK = {"messages": [{"role": "user", "content": "Tell a long story about the sea."}], "max_tokens": TOKENS, "temperature": 0, "stream": True,
       "stream_options": {"include_usage": True}}


@dataclass
class Turn:
    first_token_s: float
    tokens_per_s: float


def one(client: httpx.Client, path: str, model: str) -> Turn:
    start = time.perf_counter()
    first, tokens = 0.0, 0
    with client.stream("POST", path, json=ASK | {"model": model}) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            if not line.startswith("data: {"):
                continue
            event = json.loads(line[6:])
            if not first and any((choice.get("delta") or {}).get("content") for choice in event["choices"]):
                first = time.perf_counter()
            if event.get("usage"):
                tokens = event["usage"]["completion_tokens"]
    return Turn(first - start, (tokens - 1) / (time.perf_counter() - first))


def socket_of(steward: Steward, model: str) -> str:
    for child in steward.children():
        words = child.cmdline()
        if any(model.split("-")[0] in word for word in words) and "--host" in words:
            return words[words.index("--host") + 1]
    raise RuntimeError(f"no process of {model}")


def run(duration_s: float) -> Report:
    turns: dict[str, list[Turn]] = {"direct": [], "steward": []}
    with Steward() as steward, Admin(steward) as admin:
        key = admin.new_key("bench")["secret"]
        model = "smollm2-135m-instruct"
        through = httpx.Client(base_url=steward.url, headers={"Authorization": f"Bearer {key}"}, timeout=120)
        one(through, "/v1/chat/completions", model)  # loads the model
        direct = httpx.Client(base_url="http://localhost", transport=httpx.HTTPTransport(uds=socket_of(steward, model)), headers={"Connection": "close"}, timeout=120)
        one(direct, "/v1/chat/completions", model)
        end = time.monotonic() + duration_s
        while time.monotonic() < end:
            turns["direct"].append(one(direct, "/v1/chat/completions", model))
            turns["steward"].append(one(through, "/v1/chat/completions", model))
    report = Report("engine")
    for who, all_of in turns.items():
        firsts, rates = [t.first_token_s * 1e3 for t in all_of], [t.tokens_per_s for t in all_of]
        report.rows.append({"through": who, "answers": len(all_of), "tokens/s p50": round(median(rates), 1), "first token p50 ms": round(median(firsts), 2),
                            "first token p90 ms": round(percentile(firsts, 0.9), 2)})
    rate = median([t.tokens_per_s for t in turns["steward"]]) / median([t.tokens_per_s for t in turns["direct"]])
    added_ms = (median([t.first_token_s for t in turns["steward"]]) - median([t.first_token_s for t in turns["direct"]])) * 1e3
    report.ratios = {"tokens/s, steward to direct": round(rate, 4), "first token added ms": round(added_ms, 2)}
    report.met = {"98 % of direct's tokens a second": rate >= 0.98, "first token at most 2 ms later": added_ms <= 2}
    return report
