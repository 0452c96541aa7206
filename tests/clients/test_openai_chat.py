"""The official openai client, strict about every answer, on the embedded engine and on a real second upstream."""

from __future__ import annotations

import json

import pytest
from openai import OpenAI

ASK = [{"role": "user", "content": "Name three colours."}]


def lenient(client: OpenAI) -> OpenAI:
    return OpenAI(base_url=client.base_url, api_key=client.api_key, max_retries=0, timeout=60)


def test_chat_answers_with_usage(served):
    answer = served.client.chat.completions.create(model=served.chat, messages=ASK, max_tokens=24, temperature=0)
    assert answer.object == "chat.completion" and answer.id and answer.model
    assert answer.choices[0].message.role == "assistant" and answer.choices[0].message.content.strip()
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage.prompt_tokens > 3 and 0 < answer.usage.completion_tokens <= 24
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_the_model_name_is_the_one_that_was_asked_for(served):
    answer = served.client.chat.completions.create(model=served.chat, messages=ASK, max_tokens=2)
    assert answer.model == served.chat


def test_a_stream_says_what_the_whole_answer_says(served):
    asked = {"model": served.chat, "messages": ASK, "max_tokens": 24, "temperature": 0, "seed": 1}
    whole = served.client.chat.completions.create(**asked)
    chunks = list(served.client.chat.completions.create(**asked, stream=True))
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == whole.choices[0].message.content
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] == [whole.choices[0].finish_reason]
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_tells_usage_only_if_asked(served):
    asked = {"model": served.chat, "messages": ASK, "max_tokens": 6, "stream": True}
    assert all(chunk.usage is None and chunk.choices for chunk in served.client.chat.completions.create(**asked))
    *before, last = served.client.chat.completions.create(**asked, stream_options={"include_usage": True})
    assert last.choices == [] and last.usage.completion_tokens > 0
    assert all(chunk.usage is None for chunk in before)


def test_a_seed_repeats_an_answer(served):
    asked = {"model": served.chat, "messages": ASK, "max_tokens": 16, "temperature": 1, "seed": 77}
    first, second = (served.client.chat.completions.create(**asked).choices[0].message.content for _ in range(2))
    assert first == second


def test_stop_ends_the_answer_before_the_stop(served):
    asked = {"model": served.chat, "messages": ASK, "max_tokens": 32, "temperature": 0, "seed": 1}
    text = served.client.chat.completions.create(**asked).choices[0].message.content
    stop = text[len(text) // 2 :][:3]
    stopped = served.client.chat.completions.create(**asked, stop=[stop]).choices[0]
    assert stopped.finish_reason == "stop"
    assert stopped.message.content == text[: text.index(stop)]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_limit_of_output_holds(served, name):
    long = [{"role": "user", "content": "Count from one to one hundred in words."}]
    answer = served.client.chat.completions.create(model=served.chat, messages=long, temperature=0, **{name: 5})
    assert answer.usage.completion_tokens == 5 and answer.choices[0].finish_reason == "length"


def test_n_answers_have_their_own_indexes(embedded):
    long = [{"role": "user", "content": "Count from one to one hundred in words."}]
    answer = embedded.client.chat.completions.create(model=embedded.chat, messages=long, max_tokens=5, temperature=0, n=2)
    assert sorted(choice.index for choice in answer.choices) == [0, 1]
    assert all(choice.message.content and choice.finish_reason == "length" for choice in answer.choices)
    assert answer.usage.completion_tokens == 10  # 2 answers of 5, each cut


def test_n_answers_keep_their_own_indexes_in_a_stream(embedded):
    # A local model makes them one after the other. With a seed they differ from each other and come again.
    asked = {"model": embedded.chat, "messages": ASK, "max_tokens": 8, "temperature": 1, "seed": 1, "n": 2}
    whole = embedded.client.chat.completions.create(**asked)
    choices = [choice for chunk in embedded.client.chat.completions.create(**asked, stream=True) for choice in chunk.choices]
    text = {index: "".join(choice.delta.content or "" for choice in choices if choice.index == index) for index in (0, 1)}
    assert text == {choice.index: choice.message.content for choice in whole.choices} and text[0] != text[1]
    ends = {choice.index: choice.finish_reason for choice in whole.choices}
    assert [(choice.index, choice.finish_reason) for choice in choices if choice.finish_reason] == sorted(ends.items())
    assert {choice.index for choice in choices} == {0, 1}


def test_logprobs_come_with_each_token(served):
    answer = served.client.chat.completions.create(model=served.chat, messages=ASK, max_tokens=5, temperature=0, logprobs=True, top_logprobs=3)
    tokens = answer.choices[0].logprobs.content
    assert "".join(token.token for token in tokens).strip() == answer.choices[0].message.content.strip()
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 3 for token in tokens)


def test_json_schema_binds_the_answer(served):
    schema = {
        "type": "object",
        "properties": {"colour": {"type": "string", "enum": ["red", "blue"]}, "count": {"type": "integer"}},
        "required": ["colour", "count"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "pick", "schema": schema, "strict": True}}
    answer = served.client.chat.completions.create(
        model=served.chat, messages=[{"role": "user", "content": "Pick a colour and a count."}], max_tokens=60, temperature=0, response_format=wanted
    )
    made = json.loads(answer.choices[0].message.content)
    assert made["colour"] in ("red", "blue") and isinstance(made["count"], int) and set(made) == {"colour", "count"}


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


def test_a_required_tool_is_called(embedded):
    asked = [{"role": "user", "content": "What is the weather in Paris?"}]
    answer = embedded.client.chat.completions.create(model=embedded.chat, messages=asked, tools=TOOLS, tool_choice="required", max_tokens=80, temperature=0)
    calls = answer.choices[0].message.tool_calls
    assert calls and calls[0].function.name == "get_weather" and calls[0].id
    assert isinstance(json.loads(calls[0].function.arguments)["city"], str)
    assert answer.choices[0].finish_reason == "tool_calls"


def test_a_streamed_tool_call_adds_up(embedded):
    asked = [{"role": "user", "content": "What is the weather in Paris?"}]
    stream = embedded.client.chat.completions.create(
        model=embedded.chat, messages=asked, tools=TOOLS, tool_choice="required", max_tokens=80, temperature=0, stream=True
    )
    deltas = [call for chunk in stream for choice in chunk.choices for call in choice.delta.tool_calls or []]
    assert [call.function.name for call in deltas if call.function.name] == ["get_weather"]
    assert "city" in json.loads("".join(call.function.arguments or "" for call in deltas if call.index == 0))


def test_a_tools_result_goes_back_with_null_content(served):
    turns = [
        {"role": "user", "content": "What is the weather in Paris?"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "Sunny, 21 degrees"},
    ]
    answer = served.client.chat.completions.create(model=served.chat, messages=turns, tools=TOOLS, max_tokens=16)
    assert answer.usage.prompt_tokens > 10


def test_a_second_turn_reuses_the_first(served):
    start = [{"role": "user", "content": "Tell me about the sea. " * 12}]
    first = served.client.chat.completions.create(model=served.chat, messages=start, max_tokens=8, temperature=0)
    turns = [*start, {"role": "assistant", "content": first.choices[0].message.content}, {"role": "user", "content": "And the shore?"}]
    second = served.client.chat.completions.create(model=served.chat, messages=turns, max_tokens=4, temperature=0)
    assert second.usage.prompt_tokens_details.cached_tokens >= 40
    assert second.usage.prompt_tokens_details.cached_tokens < second.usage.prompt_tokens


def test_completions_answer_and_stream(served):
    whole = served.client.completions.create(model=served.chat, prompt="Once upon a time", max_tokens=8, temperature=0, seed=1)
    assert whole.object == "text_completion" and whole.choices[0].text and whole.usage.completion_tokens <= 8
    # The client's strict model wants a finish_reason in every chunk of this old endpoint, where OpenAI itself sends null until the last.
    stream = lenient(served.client).completions.create(model=served.chat, prompt="Once upon a time", max_tokens=8, temperature=0, seed=1, stream=True)
    assert "".join(choice.text for chunk in stream for choice in chunk.choices) == whole.choices[0].text


def test_content_in_parts_is_read(served):
    parts = [{"type": "text", "text": "Name three"}, {"type": "text", "text": " colours."}]
    answer = served.client.chat.completions.create(model=served.chat, messages=[{"role": "user", "content": parts}], max_tokens=4)
    assert answer.usage.prompt_tokens > 3


def test_money_is_told_in_headers(served):
    raw = served.client.chat.completions.with_raw_response.create(model=served.chat, messages=ASK, max_tokens=4)
    assert raw.headers["x-steward-call"].startswith("call_") and raw.headers["x-request-id"]
    assert float(raw.headers["x-steward-reserved-microusd"]) >= float(raw.headers["x-steward-cost-microusd"]) >= 0
