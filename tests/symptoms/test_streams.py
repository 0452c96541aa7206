"""Symptoms that gateways are reported with, about streams and the fields of a call."""

from __future__ import annotations

import asyncio
import json
import time

from tests.harness import scripts, wire
from tests.harness.money import Price, nano_of_microusd
from tests.harness.provider import Call

PRICE = Price(output_pico=10_000_000)
ASK = [{"role": "user", "content": "go"}]


def chat(it, model: str, **more: object) -> dict:
    return {"model": model, "messages": ASK, **more}


def test_an_aborted_stream_is_billed_for_what_was_made(scene):
    it = scene({"endless": scripts.endless(chunk_s=0.02)})
    it.admin.set_price("script", "endless", PRICE)
    key = it.admin.new_key("leaver")
    seen = 0

    def leave_after_five(piece: bytes) -> bool:
        nonlocal seen
        seen += piece.count(b'"content":"word "')
        return seen < 5

    asyncio.run(wire.call(it.steward.port, "/v1/chat/completions", key["secret"], chat(it, "endless", stream=True, max_tokens=1000), on_piece=leave_after_five))
    left_at = time.monotonic()
    assert it.provider.wait_for(lambda: it.provider.calls()[0].disconnected_at is not None)
    assert it.provider.calls()[0].disconnected_at - left_at < 0.1, "the cancel reached the upstream late"
    sent = it.provider.calls()[0].chunks_sent
    row = usage_once_settled(it)
    assert 5 <= row["completion_tokens"] <= sent
    assert nano_of_microusd(row["cost_microusd"]) == PRICE.cost_nano(0, row["completion_tokens"])


def usage_once_settled(it) -> dict:
    end = time.monotonic() + 10
    while not (rows := it.admin.usage(group_by="key")) and time.monotonic() < end:
        time.sleep(0.05)
    return rows[0]


def test_two_choices_keep_their_indexes_in_a_stream(scene):
    it = scene({"two": scripts.answer("a b c", prompt=7, tokens=3)})
    answer = asyncio.run(wire.call(it.steward.port, "/v1/chat/completions", it.admin.new_key("n")["secret"], chat(it, "two", n=2, stream=True)))
    text = {0: "", 1: ""}
    for event in answer.events():
        for choice in event["choices"] if isinstance(event, dict) else []:
            text[choice["index"]] += choice["delta"].get("content") or ""
    assert text == {0: "a b c", 1: "a b c"}
    assert answer.events()[-1] == "[DONE]"


def test_a_character_split_between_two_writes_stays_whole(scene):
    async def split(call: Call) -> None:
        await call.begin_stream()
        data = b"data: " + json.dumps(scripts.chunk(call, {"content": "grüße 你好 🎉"}), ensure_ascii=False).encode() + b"\n\n"
        for at in range(0, len(data), 3):  # cuts the two-, three- and four-byte characters
            await call.piece(data[at : at + 3])
            await asyncio.sleep(0.001)
        await call.event(scripts.chunk(call, {}, finish="stop", usage=scripts.usage_of(7, 5)))
        await call.end_stream()

    it = scene({"split": split})
    pieces: list[bytes] = []
    answer = asyncio.run(wire.call(it.steward.port, "/v1/chat/completions", it.admin.new_key("s")["secret"], chat(it, "split", stream=True), on_piece=pieces.append))
    text = "".join(choice["delta"].get("content") or "" for event in answer.events() if isinstance(event, dict) for choice in event["choices"])
    assert text == "grüße 你好 🎉"


def test_content_null_beside_tool_calls_goes_through(scene):
    it = scene({"tools": scripts.answer("done", prompt=7, tokens=1)})
    calls = [{"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]
    messages = [*ASK, {"role": "assistant", "content": None, "tool_calls": calls}, {"role": "tool", "tool_call_id": "call_1", "content": "found"}]
    client = it.client()
    answer = client.chat.completions.create(model="tools", messages=messages)
    assert answer.choices[0].message.content == "done"
    assert it.provider.calls()[0].body["messages"] == messages


def test_max_completion_tokens_reaches_the_upstream_and_bounds_the_reservation(scene):
    it = scene({"limits": scripts.answer(prompt=7)})
    it.admin.set_price("script", "limits", PRICE)
    secret = it.admin.new_key("limits")["secret"]
    answer = asyncio.run(wire.call(it.steward.port, "/v1/chat/completions", secret, chat(it, "limits", max_completion_tokens=11)))
    assert it.provider.calls()[0].body["max_completion_tokens"] == 11
    assert nano_of_microusd(answer.headers["x-steward-reserved-microusd"]) == PRICE.cost_nano(0, 11)
    assert nano_of_microusd(answer.headers["x-steward-cost-microusd"]) == PRICE.cost_nano(0, 11)


def test_a_stops_beginning_at_the_end_of_a_stream_is_not_swallowed(embedded):
    asked = {"model": embedded.chat, "messages": [{"role": "user", "content": "Name three colours."}], "temperature": 0, "seed": 1, "max_tokens": 20}
    whole = embedded.client.chat.completions.create(**asked).choices[0].message.content
    ending = whole[-2:]
    # A stop that begins as the answer ends, but never comes whole.
    stream = embedded.client.chat.completions.create(**asked, stream=True, stop=[ending + "\u2603never"])
    text = "".join(choice.delta.content or "" for chunk in stream for choice in chunk.choices)
    assert text == whole


def test_a_call_survives_the_end_of_its_models_process(embedded):
    ask = {"model": embedded.chat, "messages": [{"role": "user", "content": "Count to a hundred."}], "max_tokens": 30, "temperature": 0}
    embedded.client.chat.completions.create(**ask)
    for child in embedded.steward.children():
        child.kill()
    again = embedded.client.chat.completions.create(**ask)
    assert again.choices[0].message.content
