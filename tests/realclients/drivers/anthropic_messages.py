"""anthropic (Python), Messages and count_tokens."""

import common
from anthropic import Anthropic

client = Anthropic(base_url=common.BASE, api_key=common.KEY, max_retries=0, _strict_response_validation=True)
TOOLS = [{"name": "get_weather", "description": common.DESCRIPTION, "input_schema": common.SCHEMA}]
SYSTEM = [{"type": "text", "text": "Answer briefly.", "cache_control": {"type": "ephemeral"}}]


def ask(model: str, messages: list) -> tuple[dict, object]:
    pieces = 0
    with client.messages.stream(model=model, max_tokens=1024, system=SYSTEM, messages=messages, tools=TOOLS) as stream:
        for event in stream:
            pieces += event.type == "content_block_delta"
        answer = stream.get_final_message()
    text = "".join(block.text for block in answer.content if block.type == "text")
    calls = [(block.name, block.input) for block in answer.content if block.type == "tool_use"]
    assert answer.stop_reason == ("tool_use" if calls else "end_turn"), answer.stop_reason
    return common.turn(text, calls, pieces, answer.usage.input_tokens, answer.usage.output_tokens), answer


def conversation(model: str) -> dict:
    messages = [{"role": "user", "content": common.QUESTION}]
    counted = client.messages.count_tokens(model=model, system=SYSTEM, messages=messages, tools=TOOLS).input_tokens
    first, answer = ask(model, messages)
    results = [{"type": "tool_result", "tool_use_id": block.id, "content": [{"type": "text", "text": common.weather(block.input["city"])}]}
               for block in answer.content if block.type == "tool_use"]
    more = [{"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in answer.content]}, {"role": "user", "content": results}]
    last, _ = ask(model, messages + more)
    return {"turns": [first, last], "counted": counted}


common.main("anthropic", conversation)
