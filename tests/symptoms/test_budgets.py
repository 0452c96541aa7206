"""Symptoms that gateways are reported with, about budgets and limits: each a test of the kind, with the right answer computed by hand."""

from __future__ import annotations

import asyncio
import resource
import time

import httpx
import psutil
import pytest

from tests.harness import scripts, wire
from tests.harness.money import Price, nano_of_microusd, usd

PRICE = Price(output_pico=10_000_000)  # 10 tokens cost 100,000 nano-dollars
ONE_CALL_NANO = PRICE.cost_nano(7, 10)
BODY = {"model": "slow", "messages": [{"role": "user", "content": "go"}], "max_tokens": 10}


async def all_at_once(port: int, keys: list[str], body: dict = BODY, path: str = "/v1/chat/completions") -> list[wire.Answer]:
    return await asyncio.gather(*(wire.call(port, path, key, body, deadline_s=40) for key in keys))


def statuses(answers: list[wire.Answer]) -> list[int]:
    return sorted(answer.status for answer in answers)


def test_a_budget_for_one_call_and_twenty_at_once(scene):
    it = scene({"slow": scripts.answer(prompt=7, tokens=10, latency_s=0.5)})
    it.admin.set_price("script", "slow", PRICE)
    key = it.admin.new_key("one")
    it.admin.set_budget("one", key["id"], ONE_CALL_NANO)
    answers = asyncio.run(all_at_once(it.steward.port, [key["secret"]] * 20))
    assert statuses(answers) == [200] + [429] * 19
    assert len(it.provider.calls()) == 1
    assert {answer.error["code"] for answer in answers if answer.status == 429} == {"budget_exceeded"}


def test_a_new_keys_first_burst_obeys_its_default_budget(scene):
    default = f'[budgets]\nnew_key_limit_usd = "{usd(3 * ONE_CALL_NANO)}"\nnew_key_period = "day"\n'
    it = scene({"slow": scripts.answer(prompt=7, tokens=10, latency_s=0.3)}, more=default)
    it.admin.set_price("script", "slow", PRICE)
    secret = it.admin.new_key("brand new")["secret"]
    answers = asyncio.run(all_at_once(it.steward.port, [secret] * 25))
    assert statuses(answers) == [200] * 3 + [429] * 22


def test_a_hundred_and_fifty_keys_sum_up_as_the_log_does(scene):
    it = scene({"quick": scripts.answer(prompt=7, tokens=10)})
    it.admin.set_price("script", "quick", PRICE)
    keys = [it.admin.new_key(f"key {number}") for number in range(150)]
    body = BODY | {"model": "quick"}
    answers = asyncio.run(all_at_once(it.steward.port, [key["secret"] for key in keys], body))
    assert statuses(answers) == [200] * 150
    by_key = {row["group"]["key"]: row for row in settled_rows(it, 150)}
    settled = [line for line in export(it) if line["kind"] == "call.settled"]
    assert {by_key[key["id"]]["calls"] for key in keys} == {1}
    assert sum(nano_of_microusd(row["cost_microusd"]) for row in by_key.values()) == 150 * ONE_CALL_NANO
    assert sum(line["body"]["cost_nano"] for line in settled) == 150 * ONE_CALL_NANO


def settled_rows(it, calls: int) -> list[dict]:
    """The usage by key, once the view has folded so many calls."""
    end = time.monotonic() + 10
    while True:
        rows = it.admin.usage(group_by="key")
        if sum(row["calls"] for row in rows) >= calls or time.monotonic() > end:
            return rows
        time.sleep(0.05)


def export(it) -> list[dict]:
    import json

    lines = [json.loads(line) for line in it.steward.cli("journal", "export").stdout.splitlines() if line.startswith("{")]
    for line in lines:
        if isinstance(line.get("body"), str):
            line["body"] = json.loads(line["body"])
    return lines


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", BODY),
        ("/v1/chat/completions", BODY | {"stream": True}),
        ("/v1/completions", {"model": "slow", "prompt": "go", "max_tokens": 10}),
        ("/v1/embeddings", {"model": "slow", "input": "go"}),
    ],
)
def test_every_endpoint_obeys_the_budget(scene, path, body):
    it = scene({"slow": scripts.answer(prompt=7, tokens=10)})
    it.admin.set_price("script", "slow", Price(input_pico=1_000_000, output_pico=10_000_000))
    key = it.admin.new_key("poor")
    it.admin.set_budget("nothing", key["id"], 0)
    answer = asyncio.run(wire.call(it.steward.port, path, key["secret"], body))
    assert (answer.status, answer.error["code"]) == (429, "budget_exceeded")
    assert it.provider.calls() == []


def test_a_hundred_tokens_a_minute_and_five_at_once(embedded):
    # On a local model the input is counted exactly, so how many calls fit into 100 tokens is known by hand.
    ask = {"model": embedded.chat, "messages": [{"role": "user", "content": "go"}], "max_tokens": 10, "temperature": 0}
    free = asyncio.run(wire.call(embedded.steward.port, "/v1/chat/completions", embedded.secret, ask))
    bound = free.json()["usage"]["prompt_tokens"] + 10
    assert 100 // 5 < bound <= 100, "between one and four of five must fit"
    secret = embedded.admin.new_key("tpm", limits={"tokens_per_minute": 100})["secret"]
    answers = asyncio.run(all_at_once(embedded.steward.port, [secret] * 5, ask))
    assert statuses(answers) == [200] * (100 // bound) + [429] * (5 - 100 // bound)
    refused = [answer for answer in answers if answer.status == 429]
    assert {answer.error["code"] for answer in refused} == {"rate_limit_exceeded"}
    assert all(0 < int(answer.headers["retry-after"]) <= 60 for answer in refused)
    assert all(answer.headers["x-ratelimit-limit-tokens"] == "100" for answer in refused)


def test_when_the_store_fails_calls_fail_closed_and_it_recovers(scene):
    it = scene({"quick": scripts.answer(prompt=7, tokens=10)})
    key = it.admin.new_key("careful")
    body = BODY | {"model": "quick"}
    process = psutil.Process(it.steward.process.pid)
    assert asyncio.run(wire.call(it.steward.port, "/v1/chat/completions", key["secret"], body)).status == 200
    asked = len(it.provider.calls())
    _, hard = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (4096, hard))  # every write past 4 kB of a file fails, as on a full disk
    refused = [asyncio.run(wire.call(it.steward.port, "/v1/chat/completions", key["secret"], body)) for _ in range(3)]
    assert {answer.status for answer in refused} == {503}
    assert {answer.error["code"] for answer in refused} == {"store_unavailable"}
    assert len(it.provider.calls()) == asked, "a call went upstream that could not be recorded"
    with pytest.raises(httpx.HTTPStatusError):
        httpx.get(f"{it.steward.url}/readyz").raise_for_status()
    process.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
    end = time.monotonic() + 20
    while (again := asyncio.run(wire.call(it.steward.port, "/v1/chat/completions", key["secret"], body))).status != 200 and time.monotonic() < end:
        time.sleep(0.2)
    assert again.status == 200
    assert it.steward.cli("journal", "verify").returncode == 0
