"""Runs a library's driver against an address and judges what the library handed its user."""

from __future__ import annotations

import json

from tests.realclients import model as script
from tests.realclients.asked import Asked
from tests.realclients.catalog import Client
from tests.realclients.sandbox import DRIVERS, NODE, NPM, Ran, sandbox

# What the user's program must have been handed: text, calls of tools and tokens, as the scripted model said them.
CALLS = [{"name": script.WEATHER, "arguments": {"city": city, "unit": "celsius"}} for city in script.CITIES]
TURNS = [{"text": "I look it up.", "calls": CALLS, "usage": {"in": 40, "out": 33}}, {"text": script.FINAL, "calls": [], "usage": {"in": 90, "out": 21}}]
LEAST_PIECES = 3  # fewer were no stream


def run(client: Client, root: str, key: str, models: list[str], deadline_s: float = 120) -> tuple[list[dict], Ran]:
    """The driver's lines, one a model."""
    env = {"BASE": root, "KEY": key, "MODELS": ",".join(models), "NPM": str(NPM.resolve()), "PYTHONPATH": str(DRIVERS),
           "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", **client.env}
    program = NODE / "node" if client.driver.endswith(".mjs") else client.python
    with sandbox() as box:
        ran = box.run([program, DRIVERS / client.driver], env, deadline_s)
    return [json.loads(line) for line in ran.out.splitlines() if line.startswith('{"model"')], ran


def faults(client: Client, line: dict) -> list[str]:
    """What is wrong with one conversation as the library told it."""
    if "error" in line:
        return [line["error"]]
    if len(line["turns"]) != len(TURNS):
        return [f"{len(line['turns'])} turns"]
    wrong = []
    for number, (told, wanted) in enumerate(zip(line["turns"], TURNS, strict=True), 1):
        if not client.asks_usage:
            wanted = wanted | {"usage": {"in": None, "out": None}}
        wrong += [f"turn {number}: {name} is {told[name]!r}" for name in ("text", "calls", "usage") if told[name] != wanted[name]]
        if told["pieces"] < LEAST_PIECES:
            wrong.append(f"turn {number} came in {told['pieces']} pieces: no stream")
    if line.get("counted") is not None and line["counted"] <= 0:
        wrong.append(f"{line['counted']} tokens counted")
    return wrong


def unheard(asked: list[Asked]) -> list[str]:
    """What the model behind missed of one conversation: two requests, tools whole, both results in order."""
    if len(asked) != 2:
        return [f"the model was asked {len(asked)} times"]
    first, last = asked
    wrong = []
    if first.tools.get(script.WEATHER, {}).get("properties", {}).keys() != {"city", "unit"} or first.results:
        wrong.append(f"the model was offered {first.tools}")
    if "Do I need a coat?" not in first.said or "Answer briefly." not in first.said:
        wrong.append("the model was not told all that was said")
    degrees = ["18" in one and "Paris" in one or "7" in one and "Oslo" in one for one in last.results]
    if degrees != [True, True] or "Paris" not in last.results[0]:
        wrong.append(f"the model was told the results {last.results}")
    return wrong
