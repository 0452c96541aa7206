"""openai (Python), Chat Completions."""

import json

import common
from openai import OpenAI

client = OpenAI(base_url=f"{common.BASE}/v1", api_key=common.KEY, max_retries=0, _strict_response_validation=True)
TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": common.DESCRIPTION, "parameters": common.SCHEMA}}]


def ask(model: str, messages: list) -> tuple[dict, list]:
    """One streamed turn; what was told, and what goes back into the conversation."""
    pieces = 0
    with client.chat.completions.stream(
        model=model, messages=messages, tools=TOOLS, parallel_tool_calls=True, stream_options={"include_usage": True}
    ) as stream:
        for event in stream:
            pieces += event.type in ("content.delta", "tool_calls.function.arguments.delta")
        answer = stream.get_final_completion()
    message, usage = answer.choices[0].message, answer.usage
    calls = message.tool_calls or []
    assert answer.choices[0].finish_reason == ("tool_calls" if calls else "stop"), answer.choices[0].finish_reason
    told = common.turn(message.content or "", [(c.function.name, json.loads(c.function.arguments)) for c in calls], pieces,
                       usage.prompt_tokens, usage.completion_tokens)
    assistant = {"role": "assistant", "content": message.content, "tool_calls": [
        {"id": c.id, "type": "function", "function": {"name": c.function.name, "arguments": c.function.arguments}} for c in calls]}
    results = [{"role": "tool", "tool_call_id": c.id, "content": common.weather(json.loads(c.function.arguments)["city"])} for c in calls]
    return told, [assistant, *results]


def conversation(model: str) -> dict:
    messages = [{"role": "developer", "content": "Answer briefly."}, {"role": "user", "content": common.QUESTION}]
    first, more = ask(model, messages)
    last, _ = ask(model, messages + more)
    return {"turns": [first, last]}


common.main("openai", conversation)
