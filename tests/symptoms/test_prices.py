"""Reported of gateways in public trackers: tokens priced twice or never. Each is held by recorded answers, whole and streamed."""

from __future__ import annotations

import pytest

from tests.checks import prices
from tests.harness import scripts
from tests.harness.money import Price, nano_of_microusd

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
