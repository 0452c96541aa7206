"""What the Python drivers share. A driver is a small program of a library's user: it asks about the weather, runs the tool, asks again,
and prints one JSON line a conversation with what the library handed it. It never looks at bytes: that is the library's part."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable
from importlib.metadata import version

BASE, KEY, MODELS = os.environ["BASE"], os.environ["KEY"], os.environ["MODELS"].split(",")
QUESTION = "What is the weather in Paris and Oslo? Do I need a coat?"
DESCRIPTION = "The weather in a city"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
    "required": ["city", "unit"],
    "additionalProperties": False,
}
PLAIN_SCHEMA = {name: value for name, value in SCHEMA.items() if name != "additionalProperties"}


def weather(city: str) -> str:
    return json.dumps({"city": city, "degrees": {"Paris": 18, "Oslo": 7}[city]})


def turn(text: str, calls: list[tuple[str, dict]], pieces: int, usage_in: int, usage_out: int) -> dict:
    return {"text": text, "calls": [{"name": name, "arguments": arguments} for name, arguments in calls],
            "pieces": pieces, "usage": {"in": usage_in, "out": usage_out}}


def main(package: str, conversation: Callable[[str], dict]) -> None:
    """One line a model; an exception is told as the library raised it."""
    for model in MODELS:
        try:
            told = conversation(model)
        except Exception as error:  # noqa: BLE001 - whatever the library raises is what its user meets
            told = {"error": f"{type(error).__name__}: {error}"[:1500], "trace": traceback.format_exc()[-1500:]}
        print(json.dumps({"model": model, "package": package, "version": version(package), **told}, ensure_ascii=False), flush=True)
