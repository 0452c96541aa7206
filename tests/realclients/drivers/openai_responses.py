"""openai (Python), Responses: the second turn names the first one's answer, at once."""

import json

import common
from openai import OpenAI

client = OpenAI(base_url=f"{common.BASE}/v1", api_key=common.KEY, max_retries=0, _strict_response_validation=True)
TOOLS = [{"type": "function", "name": "get_weather", "description": common.DESCRIPTION, "parameters": common.SCHEMA, "strict": True}]


def ask(model: str, **fields: object) -> tuple[dict, object]:
    pieces = 0
    with client.responses.stream(model=model, tools=TOOLS, instructions="Answer briefly.", **fields) as stream:
        for event in stream:
            pieces += event.type in ("response.output_text.delta", "response.function_call_arguments.delta")
        answer = stream.get_final_response()
    assert answer.status == "completed", answer.status
    calls = [(one.name, json.loads(one.arguments)) for one in answer.output if one.type == "function_call"]
    return common.turn(answer.output_text, calls, pieces, answer.usage.input_tokens, answer.usage.output_tokens), answer


def conversation(model: str) -> dict:
    first, answer = ask(model, input=common.QUESTION, store=True)
    results = [{"type": "function_call_output", "call_id": one.call_id, "output": common.weather(json.loads(one.arguments)["city"])}
               for one in answer.output if one.type == "function_call"]
    last, _ = ask(model, input=results, previous_response_id=answer.id)
    again = client.responses.retrieve(answer.id)
    assert [one.id for one in again.output] == [one.id for one in answer.output], "the stored answer is another one"
    return {"turns": [first, last]}


common.main("openai", conversation)
