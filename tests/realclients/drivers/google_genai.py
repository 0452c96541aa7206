"""google-genai (Python), generateContent."""

import json

import common
from google import genai
from google.genai import types

client = genai.Client(api_key=common.KEY, http_options=types.HttpOptions(base_url=common.BASE))
DECLARATION = types.FunctionDeclaration(name="get_weather", description=common.DESCRIPTION, parameters_json_schema=common.PLAIN_SCHEMA)
CONFIG = types.GenerateContentConfig(
    system_instruction="Answer briefly.",
    tools=[types.Tool(function_declarations=[DECLARATION])],
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)


def ask(model: str, contents: list) -> tuple[dict, list]:
    parts, pieces, finish, usage = [], 0, None, None
    for chunk in client.models.generate_content_stream(model=model, contents=contents, config=CONFIG):
        candidate = chunk.candidates[0] if chunk.candidates else None
        if candidate and candidate.content and candidate.content.parts:
            parts += candidate.content.parts
            pieces += 1
        finish = candidate.finish_reason if candidate and candidate.finish_reason else finish
        usage = chunk.usage_metadata or usage
    assert finish == types.FinishReason.STOP, finish
    text = "".join(part.text for part in parts if part.text and not part.thought)
    calls = [(part.function_call.name, dict(part.function_call.args)) for part in parts if part.function_call]
    return common.turn(text, calls, pieces, usage.prompt_token_count, usage.candidates_token_count), parts


def conversation(model: str) -> dict:
    contents = [types.Content(role="user", parts=[types.Part(text=common.QUESTION)])]
    first, parts = ask(model, contents)
    answers = [types.Part(function_response=types.FunctionResponse(id=part.function_call.id, name=part.function_call.name,
                                                                  response=json.loads(common.weather(part.function_call.args["city"]))))
               for part in parts if part.function_call]
    more = [types.Content(role="model", parts=parts), types.Content(role="user", parts=answers)]
    last, _ = ask(model, contents + more)
    return {"turns": [first, last]}


common.main("google-genai", conversation)
