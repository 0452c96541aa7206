"""LiteLLM's client: CLIENT is openai (Chat Completions) or anthropic (Messages)."""

import json
import os

import common
import litellm

KIND = os.environ["CLIENT"]
BASE = f"{common.BASE}/v1" if KIND == "openai" else common.BASE
TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": common.DESCRIPTION, "parameters": common.SCHEMA}}]


def ask(model: str, messages: list) -> tuple[dict, object]:
    chunks = list(litellm.completion(model=f"{KIND}/{model}", api_base=BASE, api_key=common.KEY, messages=messages, tools=TOOLS, max_tokens=1024,
                                     stream=True, stream_options={"include_usage": True}, num_retries=0))
    answer = litellm.stream_chunk_builder(chunks, messages=messages)
    message = answer.choices[0].message
    calls = message.tool_calls or []
    assert answer.choices[0].finish_reason == ("tool_calls" if calls else "stop"), answer.choices[0].finish_reason
    return common.turn(message.content or "", [(c.function.name, json.loads(c.function.arguments)) for c in calls], len(chunks),
                       answer.usage.prompt_tokens, answer.usage.completion_tokens), message


def conversation(model: str) -> dict:
    messages = [{"role": "system", "content": "Answer briefly."}, {"role": "user", "content": common.QUESTION}]
    first, message = ask(model, messages)
    results = [{"role": "tool", "tool_call_id": c.id, "content": common.weather(json.loads(c.function.arguments)["city"])}
               for c in message.tool_calls]
    last, _ = ask(model, [*messages, message.model_dump(exclude_none=True), *results])
    return {"turns": [first, last]}


common.main("litellm", conversation)
