"""Symptoms that gateways are reported with, about budgets and limits: each a test of the kind, with the right answer computed by hand."""

from __future__ import annotations

import asyncio
import json
import resource
import time

import httpx
import psutil
import pytest

from tests.clients.test_batches import ended, lines, rows_of, start
from tests.conftest import client_of
from tests.harness import scripts, wire
from tests.harness.money import Price, nano_of_microusd, usd
from tests.harness.people import owner_of
from tests.talk.life import Life

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
    lines = [json.loads(line) for line in it.steward.cli("journal", "export").stdout.splitlines() if line.startswith("{")]
    for line in lines:
        if isinstance(line.get("body"), str):
            line["body"] = json.loads(line["body"])
    return lines


GEMINI = {"contents": [{"role": "user", "parts": [{"text": "go"}]}], "generationConfig": {"maxOutputTokens": 10}}
RESPONSES = {"model": "slow", "input": "go", "max_output_tokens": 16}
TEXT = {"model": "slow", "prompt": "go", "max_tokens": 10}
TO_EMBED = {"model": "models/slow", "content": {"parts": [{"text": "go"}]}}
STREAMED = {"stream": True}
ANSWERED_NANO = 107_000  # 7 tokens in at 1,000 and 10 out at 10,000 nano-dollars
EMBEDDED_NANO = 5_000  # 5 tokens in at 1,000


@pytest.mark.parametrize(
    ("path", "body", "nano"),
    [
        ("/v1/chat/completions", BODY, ANSWERED_NANO),
        ("/v1/chat/completions", BODY | STREAMED, ANSWERED_NANO),
        ("/v1/completions", TEXT, ANSWERED_NANO),
        ("/v1/completions", TEXT | STREAMED, ANSWERED_NANO),
        ("/v1/responses", RESPONSES, ANSWERED_NANO),
        ("/v1/responses", RESPONSES | STREAMED, ANSWERED_NANO),
        ("/v1/messages", BODY, ANSWERED_NANO),
        ("/v1/messages", BODY | STREAMED, ANSWERED_NANO),
        ("/v1beta/models/slow:generateContent", GEMINI, ANSWERED_NANO),
        ("/v1beta/models/slow:streamGenerateContent?alt=sse", GEMINI, ANSWERED_NANO),
        ("/v1/embeddings", {"model": "slow", "input": "go"}, EMBEDDED_NANO),
        ("/v1beta/models/slow:embedContent", TO_EMBED, EMBEDDED_NANO),
        ("/v1beta/models/slow:batchEmbedContents", {"requests": [TO_EMBED, TO_EMBED]}, 2 * EMBEDDED_NANO),
    ],
)
def test_every_endpoint_obeys_the_budget(scene, path, body, nano):
    it = scene({"slow": scripts.answer(prompt=7, tokens=10)})
    it.admin.set_price("script", "slow", Price(input_pico=1_000_000, output_pico=10_000_000))
    key = it.admin.new_key("poor")
    it.admin.set_budget("nothing", key["id"], 0)
    refused = asyncio.run(wire.call(it.steward.port, path, key["secret"], body))
    assert (refused.status, code_of(refused)) == (429, "budget_exceeded")
    assert it.provider.calls() == []
    # The same call goes through once the budget is raised, so nothing else refused it, and is charged to that budget.
    it.admin.set_budget("nothing", key["id"], 1_000_000_000)
    answer = asyncio.run(wire.call(it.steward.port, path, key["secret"], body))
    assert (answer.status, len(it.provider.calls())) == (200, 1)
    [budget] = it.admin.budgets()
    assert nano_of_microusd(budget["spent_microusd"]) == nano


def code_of(refused: wire.Answer) -> str:
    """Steward's own code of a refusal: in Gemini's dialect `code` is the status, and ours stands in the details."""
    error = refused.error
    return error["details"][0]["reason"] if "status" in error else error["code"]


def test_a_batchs_lines_obey_the_budget_one_by_one(scene):
    it = scene({"slow": scripts.answer(prompt=7)})
    it.admin.set_price("script", "slow", PRICE)
    key = it.admin.new_key("night")
    # A line reserves and costs its 8 tokens, 80,000 nano-dollars: two of three fit into 200,000.
    it.admin.set_budget("night", key["id"], 200_000)
    client = client_of(it.steward, key["secret"])
    batch = ended(client, start(client, lines(3, "slow")).id)
    assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == ("completed", 2, 1)
    [refused] = [row["response"] for row in rows_of(client, batch.error_file_id)]
    assert (refused["status_code"], refused["body"]["error"]["code"]) == (429, "budget_exceeded")
    assert len(it.provider.calls()) == 2
    [budget] = it.admin.budgets()
    assert nano_of_microusd(budget["spent_microusd"]) == 160_000


def test_a_message_in_talk_obeys_the_persons_budget(scene):
    it = scene({"slow": scripts.answer(prompt=7, tokens=10)}, more="[engine]\nenabled = false\n")
    it.admin.set_price("script", "slow", PRICE)
    life = Life(it, owner_of(it.steward), model="slow")
    it.admin.set_budget("talk", life.me.person["id"], 0)
    talk = life.new()
    refused = life.asked(talk, "go")
    assert (refused["status"], refused["text"], refused["error"]["code"]) == ("failed", "", "budget_exceeded")
    assert it.provider.calls() == []
    it.admin.set_budget("talk", life.me.person["id"], ONE_CALL_NANO)
    answer = life.ended(talk, life.do(talk, refused["id"], "retry")["answer"]["id"])
    assert (answer["status"], answer["cost_nano_usd"]) == ("completed", 100_000)  # 10 tokens, all that fitted
    again = life.asked(talk, "and on")
    assert (again["status"], again["error"]["code"], len(it.provider.calls())) == ("failed", "budget_exceeded", 1)


def told(answer: wire.Answer) -> dict[str, str]:
    """What the headers of an answer tell of money, by the names behind "x-steward-"."""
    names = ("reserved-microusd", "cost-microusd", "left-microusd", "budget", "max-output-tokens")
    return {name: answer.headers[f"x-steward-{name}"] for name in names if f"x-steward-{name}" in answer.headers}


def test_what_a_call_reserved_cost_and_left_is_told(scene):
    it = scene({"slow": scripts.answer("one two three four", prompt=7, tokens=4)})
    it.admin.set_price("script", "slow", Price(output_pico=10_000_000, request_pico=3_500_000))
    key = it.admin.new_key("told")
    it.admin.set_budget("wide", key["id"], 1_000_000_000)
    tight = it.admin.set_budget("tight", key["id"], 1_000_000)["id"]

    def ask(**more: object) -> wire.Answer:
        return asyncio.run(wire.call(it.steward.port, "/v1/chat/completions", key["secret"], BODY | more))

    # In micro-dollars a token out is 10 and a call 3.5. Each reserves 10 tokens, 103.5, and uses 4: it costs 43.5.
    # Whole, all is known: of 1,000 are left 956.5, of the tighter budget.
    assert told(ask()) == {"reserved-microusd": "103.5", "cost-microusd": "43.5", "left-microusd": "956.5", "budget": tight}
    # A stream's headers come before its cost is known: 956.5 - 103.5 = 853. Its end tells the rest: 956.5 - 43.5 = 913.
    asked = ask(stream=True, stream_options={"include_usage": True})
    assert told(asked) == {"reserved-microusd": "103.5", "left-microusd": "853", "budget": tight}
    call = asked.headers["x-steward-call"]
    assert money(call, asked.events()[-2]["steward"]) == {"reserved_microusd": "103.5", "cost_microusd": "43.5", "left_microusd": "913"}
    # One that asked for no usage is told by a comment, which clients skip: 913 - 103.5 = 809.5, and 913 - 43.5 = 869.5.
    silent = ask(stream=True)
    assert told(silent) == {"reserved-microusd": "103.5", "left-microusd": "809.5", "budget": tight}
    assert not any("steward" in event for event in silent.events() if isinstance(event, dict))
    call = silent.headers["x-steward-call"]
    assert money(call, json.loads(silent.comments()[-1])) == {"reserved_microusd": "103.5", "cost_microusd": "43.5", "left_microusd": "869.5"}


def money(call: str, report: dict) -> dict:
    """The amounts in the report at a stream's end, which must be of this call."""
    assert report["call"] == call
    return {name: value for name, value in report.items() if name.endswith("_microusd")}


def test_an_output_cut_to_what_the_budget_pays_for_is_told_and_asked_for(scene):
    it = scene({"slow": scripts.answer(prompt=7)})  # uses as many tokens as it may
    it.admin.set_price("script", "slow", Price(output_pico=10_000_000, request_pico=3_500_000))
    key = it.admin.new_key("small")
    budget = it.admin.set_budget("small", key["id"], 245_000)["id"]
    body = {name: value for name, value in BODY.items() if name != "max_tokens"}
    answer = asyncio.run(wire.call(it.steward.port, "/v1/chat/completions", key["secret"], body))
    # (245 - 3.5) / 10 micro-dollars: 24 tokens fit, which cost 243.5 with the call.
    money_told = {"reserved-microusd": "243.5", "cost-microusd": "243.5", "left-microusd": "1.5", "budget": budget}
    assert told(answer) == money_told | {"max-output-tokens": "24"}
    [call] = it.provider.calls()
    assert scripts.asked_for(call) == 24 and answer.json()["usage"]["completion_tokens"] == 24


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
