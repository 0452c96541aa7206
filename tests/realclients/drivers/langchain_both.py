"""LangChain over both of its packages: CLIENT is openai (Chat Completions), responses or anthropic."""

import os

import common
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage

KIND = os.environ["CLIENT"]
TOOL = {"type": "function", "function": {"name": "get_weather", "description": common.DESCRIPTION, "parameters": common.SCHEMA}}


def chat_model(model: str):
    if KIND == "anthropic":
        from langchain_anthropic import ChatAnthropic

        return ChatAnthropic(model=model, base_url=common.BASE, api_key=common.KEY, max_retries=0, max_tokens=1024)
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model=model, base_url=f"{common.BASE}/v1", api_key=common.KEY, max_retries=0, stream_usage=True,
                      use_responses_api=KIND == "responses")


def ask(bound, messages: list) -> tuple[dict, object]:
    answer, pieces = None, 0
    for chunk in bound.stream(messages):
        pieces += 1
        answer = chunk if answer is None else answer + chunk
    calls = [(call["name"], call["args"]) for call in answer.tool_calls]
    assert not answer.invalid_tool_calls, answer.invalid_tool_calls
    usage = answer.usage_metadata
    return common.turn(answer.text, calls, pieces, usage["input_tokens"], usage["output_tokens"]), answer


def conversation(model: str) -> dict:
    bound = chat_model(model).bind_tools([TOOL])
    messages = [SystemMessage("Answer briefly."), HumanMessage(common.QUESTION)]
    first, answer = ask(bound, messages)
    results = [ToolMessage(common.weather(call["args"]["city"]), tool_call_id=call["id"]) for call in answer.tool_calls]
    last, _ = ask(bound, [*messages, answer, *results])
    return {"turns": [first, last]}


common.main("langchain-anthropic" if KIND == "anthropic" else "langchain-openai", conversation)
