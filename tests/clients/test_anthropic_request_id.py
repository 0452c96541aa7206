"""What Anthropic's SDKs read a request's id from (docs.claude.com/en/api/errors, "Request id"): the header `request-id` of every answer, and
`request_id` in an error's body. Ours is the same as x-request-id, which the logs and the journal tell."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.conftest import scene_with
from tests.harness import scripts, wire

ASK = {"max_tokens": 8, "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(scope="module")
def one():
    with scene_with({"good-1": scripts.answer("fine", tokens=2), "broken-1": scripts.fails(400)}) as made:
        yield made


def ask(one, body: dict, secret: str) -> wire.Answer:
    return asyncio.run(wire.call(one.steward.port, "/v1/messages", secret, ASK | body))


@pytest.mark.parametrize("streamed", [False, True])
def test_every_answer_has_its_id_in_the_header(one, streamed):
    answer = ask(one, {"model": "good-1", "stream": streamed}, one.admin.new_key(f"id-{streamed}")["secret"])
    assert answer.status == 200
    assert answer.headers["request-id"] == answer.headers["x-request-id"] != ""


@pytest.mark.parametrize(("body", "wrong_key"), [({"model": "good-1"}, True), ({"model": "none-such"}, False), ({"model": "broken-1"}, False), ({}, False)])
def test_every_error_has_it_in_its_body_too(one, body, wrong_key):
    secret = "sk-steward-" + "A" * 43 if wrong_key else one.admin.new_key("id")["secret"]
    answer = ask(one, body, secret)
    told = json.loads(answer.body)
    assert answer.status >= 400 and told["type"] == "error"
    assert told["request_id"] == answer.headers["request-id"] == answer.headers["x-request-id"] != ""
