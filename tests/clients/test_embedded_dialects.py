"""The embedded engine, asked in every dialect over HTTP: the same model, so the same words, counts and refusals whatever the client speaks.

What is asked is written as each dialect's official client writes it (tests/matrix/ask.py), and read by the judge of the matrix.
"""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.conftest import Served
from tests.harness import wire
from tests.judges import said
from tests.judges.said import Said
from tests.matrix.ask import DIALECTS, Ask, Turn, write
from tests.matrix.features import CLOCK, PNG, WEATHER

SAY = Ask(turns=(Turn("user", "Say hello to Ada."),), system="You are brief.", temperature=0, limit=12)
PICK = {
    "type": "object",
    "properties": {"thing": {"$ref": "#/$defs/thing"}},
    "required": ["thing"],
    "additionalProperties": False,
    "$defs": {
        "size": {"type": "string", "enum": ["small", "large"]},
        "thing": {
            "type": "object",
            "properties": {"colour": {"type": "string", "enum": ["red", "blue"]}, "size": {"$ref": "#/$defs/size"}},
            "required": ["colour", "size"],
            "additionalProperties": False,
        },
    },
}


def post(embedded: Served, path: str, body: dict) -> wire.Answer:
    return asyncio.run(wire.call(embedded.steward.port, path, embedded.secret, body, deadline_s=80))


def answered(embedded: Served, dialect: str, ask: Ask, streamed: bool = False) -> Said:
    path, body = write(dialect, embedded.chat, ask, streamed)
    answer = post(embedded, path, body)
    assert answer.status == 200, answer.body
    return said.read(dialect, answer.body, streamed)


def alternately(embedded: Served, ask: Ask) -> list[Said]:
    """From each dialect once, whole or streamed by turns."""
    return [answered(embedded, dialect, ask, streamed=number % 2 == 1) for number, dialect in enumerate(DIALECTS)]


def test_every_dialect_is_told_the_same_whole_and_streamed(embedded: Served):
    every = {(dialect, streamed): answered(embedded, dialect, SAY, streamed) for dialect in DIALECTS for streamed in (False, True)}
    first = every["chat", False]
    assert first.text.strip() and first.stop in (said.STOP, said.LENGTH)
    assert first.usage["input"] > 5 and 0 < first.usage["output"] <= SAY.limit
    for way, one in every.items():
        assert (one.text, one.stop) == (first.text, first.stop), way
        assert (one.usage["input"], one.usage["output"]) == (first.usage["input"], first.usage["output"]), way


def test_a_schema_with_defs_binds_every_dialects_answer(embedded: Served):
    told = alternately(embedded, Ask(turns=(Turn("user", "Pick a thing."),), schema=PICK, temperature=0, limit=80))
    made = json.loads(told[0].text)
    assert list(made) == ["thing"] and set(made["thing"]) == {"colour", "size"}
    assert made["thing"]["colour"] in ("red", "blue") and made["thing"]["size"] in ("small", "large")
    assert {one.text for one in told} == {told[0].text}


def test_the_tool_that_must_be_called_is_called_in_every_dialect(embedded: Served):
    # The question is about the other tool.
    ask = Ask(turns=(Turn("user", "What is the weather in Oslo?"),), tools=(WEATHER, CLOCK), choice="get_time", temperature=0, limit=80)
    told = alternately(embedded, ask)
    [(name, given)] = told[0].calls
    assert name == "get_time" and list(given) == ["city"] and isinstance(given["city"], str)
    for one in told:
        assert (one.calls, one.stop) == (told[0].calls, said.TOOLS)


# Where the picture stands, in the words of each dialect.
PICTURES = {"chat": "messages[0].content", "responses": "input[0].content", "messages": "messages[0].content", "gemini": "contents[0].parts"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_picture_is_refused_by_the_callers_own_name_of_it(embedded: Served, dialect: str):
    path, body = write(dialect, embedded.chat, Ask(turns=(Turn("user", "What is this?", image=PNG),), limit=8), False)
    refused = post(embedded, path, body)
    assert refused.status == 400
    assert f"'{PICTURES[dialect]}'" in refused.error["message"] and "images" in refused.error["message"], refused.body


def counted(embedded: Served, dialect: str, ask: Ask) -> int:
    """As each dialect's official client asks for it; Chat Completions has no such call."""
    path, body = write(dialect, embedded.chat, ask, False)
    if dialect == "gemini":
        system = {"systemInstruction": body["systemInstruction"]}
        told = post(embedded, path.replace(":generateContent", ":countTokens"), {"generateContentRequest": {"model": f"models/{embedded.chat}", "contents": body["contents"]} | system})
        assert told.status == 200, told.body
        return told.json()["totalTokens"]
    kept = {name: value for name, value in body.items() if name in ("model", "messages", "system", "input", "instructions")}
    told = post(embedded, {"messages": "/v1/messages/count_tokens", "responses": "/v1/responses/input_tokens"}[dialect], kept)
    assert told.status == 200, told.body
    return told.json()["input_tokens"]


def test_tokens_are_counted_before_as_they_are_after(embedded: Served):
    told = answered(embedded, "chat", SAY).usage["input"]
    assert {dialect: counted(embedded, dialect, SAY) for dialect in DIALECTS if dialect != "chat"} == dict.fromkeys(("responses", "messages", "gemini"), told)
