"""The embedded engine, asked in every dialect over HTTP: the same model, so the same words, counts and refusals whatever the client speaks.

What is asked is written as each dialect's official client writes it (tests/matrix/ask.py) and read by the judge of the matrix.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from tests.conftest import Served
from tests.judges import said
from tests.judges.said import Said
from tests.matrix.ask import DIALECTS, Ask, Turn, write
from tests.matrix.features import NESTED, PNG, WEATHER

SAY = Ask(turns=(Turn("user", "Say hello."),), temperature=0)
LIMITS = {"chat": "max_completion_tokens", "responses": "max_output_tokens", "messages": "max_tokens"}


def post(embedded: Served, dialect: str, ask: Ask, streamed: bool, most: int) -> tuple[int, bytes]:
    path, body = write(dialect, embedded.chat, ask, streamed)
    if dialect == "gemini":
        body["generationConfig"] |= {"maxOutputTokens": most, "temperature": 0}
    else:
        body[LIMITS[dialect]] = most
    headers = {"content-type": "application/json", "authorization": f"Bearer {embedded.secret}"}
    request = urllib.request.Request(embedded.steward.url + path, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=80) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def answered(embedded: Served, dialect: str, ask: Ask, streamed: bool = False, most: int = 24) -> Said:
    status, raw = post(embedded, dialect, ask, streamed, most)
    assert status == 200, raw
    return said.read(dialect, raw, streamed)


def test_every_dialect_gets_the_same_words_and_counts_whole_and_streamed(embedded: Served):
    every = {(dialect, streamed): answered(embedded, dialect, SAY, streamed) for dialect in DIALECTS for streamed in (False, True)}
    first = every["chat", False]
    assert first.text.strip() and first.usage and first.usage["input"] > 5 and 0 < first.usage["output"] <= 24
    for way, one in every.items():
        assert (one.text, one.usage["input"], one.usage["output"], one.stop) == (first.text, first.usage["input"], first.usage["output"], first.stop), way


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_schema_with_nested_defs_is_honoured(embedded: Served, dialect: str):
    ask = Ask(turns=(Turn("user", "A tree with one leaf named a, and nothing more."),), schema=NESTED, temperature=0)
    made = json.loads(answered(embedded, dialect, ask, most=200).text)
    assert set(made) == {"root"} and set(made["root"]) == {"leaf", "more"}
    assert isinstance(made["root"]["leaf"]["name"], str) and isinstance(made["root"]["more"], list)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_tool_that_must_be_called_is(embedded: Served, dialect: str, streamed: bool):
    ask = Ask(turns=(Turn("user", "The weather in Oslo?"),), tools=(WEATHER,), choice="any", temperature=0)
    [(name, given)] = answered(embedded, dialect, ask, streamed, most=200).calls
    assert name == "get_weather" and isinstance(given, dict) and isinstance(given["city"], str)


# Where each dialect's callers have the picture.
PICTURES = {"chat": "messages[0].content", "responses": "input[0].content", "messages": "messages[0].content", "gemini": "contents[0].parts"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_picture_is_refused_by_the_callers_own_name_of_it(embedded: Served, dialect: str):
    status, raw = post(embedded, dialect, Ask(turns=(Turn("user", "What is this?", image=PNG),)), False, 8)
    message = json.loads(raw)["error"]["message"]
    assert status == 400 and f"'{PICTURES[dialect]}'" in message and "no images" in message, raw
