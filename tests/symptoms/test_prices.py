"""Reported of gateways in public trackers: tokens priced twice or never. Each is held by recorded answers, whole and streamed."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.checks import prices
from tests.harness import scripts
from tests.harness.money import Price, nano_of_microusd
from tests.harness.provider import Call

CACHE_WRITES = ("anthropic-cache-read-and-write-5m", "anthropic-cache-write-1h", "anthropic-cache-write-both", "openai-cache-write", "responses-cache-write")
CACHE_READS = ("anthropic-cache-read", "openai-cache-read", "responses-cache-read", "deepseek-cache-hit", "gemini-25-flash-cached", "mistral-large-cached")
REASONING = ("openai-gpt-5-reasoning", "responses-gpt-5-reasoning", "gemini-25-flash-thoughts", "xai-grok-3-mini", "deepseek-reasoning", "anthropic-thinking-told-apart")


@pytest.fixture(scope="module")
def facts() -> dict[tuple[str, bool], dict]:
    wanted = {*CACHE_WRITES, *CACHE_READS, *REASONING}
    forms = [(row, streamed) for row in prices.load() if row["id"] in wanted for streamed in (False, True)]
    return {(row["id"], streamed): one for (row, streamed), one in zip(forms, prices.measure(forms), strict=True)}


def cost(one: dict, kind: str) -> int:
    return nano_of_microusd(one["types"].get(kind, 0))


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("row", CACHE_WRITES)
def test_cache_creation_tokens_are_priced_once(facts, row, streamed):
    one = facts[row, streamed]
    assert not prices.problems(one)
    assert one["tokens"]["cache_write_tokens"] > 0
    assert cost(one, "cache_write") > 0


@pytest.mark.parametrize("row", CACHE_READS)
def test_cache_reads_have_the_cache_price_streamed_as_not_streamed(facts, row):
    whole, streamed = facts[row, False], facts[row, True]
    assert not prices.problems(whole) and not prices.problems(streamed)
    assert whole["charged"] == streamed["charged"]
    assert whole["tokens"] == streamed["tokens"] and whole["tokens"]["cached_tokens"] > 0
    assert cost(whole, "cached_input") == cost(streamed, "cached_input") > 0


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("row", REASONING)
def test_reasoning_tokens_are_counted_and_priced_once(facts, row, streamed):
    one = facts[row, streamed]
    assert not prices.problems(one)
    assert 0 < one["tokens"]["reasoning_tokens"] <= one["tokens"]["completion_tokens"]
    assert cost(one, "reasoning") > 0


def test_the_input_of_message_start_is_counted_in_a_stream(facts):
    one = facts["anthropic-cache-read", True]
    assert one["tokens"]["prompt_tokens"] == 3 + 1111


def test_no_price_is_told_as_none_and_never_as_nothing(scene):
    """A model whose price nobody told: its calls cost no known sum, and everything that sums says so."""
    made = scene({"dear-1": scripts.answer(prompt=7, tokens=2), "dark-1": scripts.answer(prompt=7, tokens=2)})
    made.admin.set_price("script", "dear-1", Price(input_pico=1_000_000, output_pico=1_000_000))
    client = made.client()
    ask = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 8}
    headers = [client.chat.completions.with_raw_response.create(model=model, **ask).headers for model in ("dear-1", "dark-1", "dark-1")]
    assert [one.get("x-steward-unpriced") for one in headers] == [None, "true", "true"]
    assert {row["group"]["model"]: (row["calls"], row["unpriced"], nano_of_microusd(row["cost_microusd"])) for row in made.admin.usage(group_by="model")} == {
        "dear-1": (1, 0, 9_000), "dark-1": (2, 2, 0)}  # fmt: skip
    total = made.admin.call("GET", "/usage", group_by="model")["total"]
    assert (total["calls"], total["unpriced"]) == (3, 2)
    assert [call["priced"] for call in made.admin.pages("/calls")] == [False, False, True]
    rows = {line.split()[0]: line for line in made.steward.cli("usage").stdout.splitlines() if line.strip()}
    assert "no price" in rows["dark-1"] and "$" not in rows["dark-1"] and "no price" not in rows["dear-1"]
    assert rows["total"].rstrip().endswith("+")  # a sum that not all of it is in
    assert "steward models price" in made.steward.cli("usage").stdout
    streamed = list(client.chat.completions.create(model="dark-1", stream=True, stream_options={"include_usage": True}, **ask))
    assert streamed[-1].model_extra["steward"]["unpriced"] is True


def test_a_tool_of_unknown_price_is_never_taken_for_nothing(scene):
    """OpenAI's pictures cost what no token of the model says: a budget's wall must not be open to them, and a sum without them says so."""
    row = next(row for row in prices.load() if row["id"] == "responses-image-tool-stream")

    async def paints(call: Call) -> None:
        await call.begin_stream()
        for event in row["documents"]:
            await call.piece(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        await call.raw(b"0\r\n\r\n")

    made = scene({"gpt-5": paints}, more='like = "openai"\ndialect = "responses"\n')
    secrets = {name: made.admin.new_key(name, **fields)["secret"] for name, fields in {"free": {}, "bound": {"budget": {"limit_usd": "500", "period": "month"}}}.items()}

    def ask(key: str, *tools: str, text: str = "Paint an echidna.") -> httpx.Response:
        body = {"model": "gpt-5", "input": text, "stream": True, "store": False, "max_output_tokens": 9000, "tools": [{"type": tool} for tool in tools]}
        return httpx.post(f"{made.steward.base_url}/responses", json=body, headers={"Authorization": f"Bearer {secrets[key]}"}, timeout=60)

    assert '"unpriced":true' in ask("free", "image_generation").text.replace(" ", "")
    (sums,) = made.admin.usage()
    assert (sums["calls"], sums["unpriced"], nano_of_microusd(sums["cost_microusd"])) == (1, 1, row["nano"])
    assert "$0.014" in made.steward.cli("usage").stdout and "no price" not in made.steward.cli("usage").stdout
    asked = len(made.provider.calls("gpt-5"))
    refused = ask("bound", "image_generation")
    assert (refused.status_code, refused.json()["error"]["code"]) == (402, "price_unknown")
    assert "image_generation" in refused.json()["error"]["message"] and len(made.provider.calls("gpt-5")) == asked
    assert ask("bound", "web_search", text='Is "image_generation" a "type"?').status_code == 200, "a price that is known, and a word in a text"

    price = {"input_usd_per_million": "1.25", "output_usd_per_million": "10", "tools_usd": {"image_generation": "0.25"}}
    made.admin.call("POST", "/prices", {"provider": "script", "model": "gpt-5", **price})
    assert '"unpriced"' not in ask("bound", "image_generation").text
    assert nano_of_microusd(made.admin.pages("/calls")[0]["costs_microusd"]["tools"]) == 250_000_000
