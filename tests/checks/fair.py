"""fair: when the engine is full, a heavy key can't starve a light one.

The real engine with two slots. One heavy key keeps forty long calls waiting, ten light keys keep two short ones each. Every key is always
backlogged, so with equal weights a fair server gives each an eleventh of the tokens; the light ten get ten elevenths together. What is
counted: prompt and completion tokens of the calls that ended inside the window, as the clients were told. The window opens when every
key is backlogged and closes before any client stops.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.checks.run import pick
from tests.harness import wire
from tests.harness.admin import Admin
from tests.harness.steward import Steward

LIGHT_KEYS = 10
FAIR_SHARE = LIGHT_KEYS / (LIGHT_KEYS + 1)
HEAVY_AT_ONCE, HEAVY_TOKENS = 40, 24
LIGHT_AT_ONCE, LIGHT_TOKENS = 2, 8
WINDOW_S, WINDOW_CI_S, WINDOW_MOST_S = 24, 16, 120
CALLS_LEAST = 66  # six a key
STARVED_BELOW = 0.5  # of its own fair share: a key under that was starved

CONFIG = """
[engine]
slots = 2
"""


@dataclass
class Load:
    """What the clients saw: (key, ended at, tokens) for each call that ended well, and what went wrong."""

    ended: list[tuple[str, float, int]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    queue_peak: float = 0
    opened: float = 0
    closed: float = 0


def run(options: Options) -> Outcome:
    with Steward(CONFIG) as steward, Admin(steward) as admin:
        model = pick(admin, "chat")
        heavy = admin.new_key("heavy")["secret"]
        light = {f"light-{i}": admin.new_key(f"light-{i}")["secret"] for i in range(LIGHT_KEYS)}
        asyncio.run(wire.call(steward.port, "/v1/chat/completions", heavy, body_of(model, "heavy", 0, 1)))  # loads the model
        load = asyncio.run(press(steward, model, heavy, light, WINDOW_CI_S if options.ci else WINDOW_S))
    facts = {
        "keys": ["heavy", *light],
        "inside": [(key, tokens) for key, at, tokens in load.ended if load.opened <= at <= load.closed],
        "failed": load.failed,
        "queue_peak": load.queue_peak,
        "seconds": round(load.closed - load.opened, 1),
    }
    return Outcome(judge(facts), {fault: judge(doctored) for fault, doctored in planted(facts).items()})


def body_of(model: str, key: str, turn: int, tokens: int) -> dict:
    """A call that always uses its output tokens, and shares no prefix with another's."""
    text = f"{turn} of {key}: count upwards from one, in words, and do not stop."
    return {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": tokens, "temperature": 0}


async def press(steward: Steward, model: str, heavy: str, light: dict[str, str], window_s: float) -> Load:
    load, stop = Load(), asyncio.Event()

    async def client(name: str, key: str, number: int, tokens: int) -> None:
        turn = number
        while not stop.is_set():
            await one_call(steward.port, name, key, body_of(model, name, turn, tokens), load)
            turn += 1_000

    clients = [asyncio.ensure_future(client("heavy", heavy, i, HEAVY_TOKENS)) for i in range(HEAVY_AT_ONCE)]
    await asyncio.sleep(1.0)  # the heavy key's whole queue stands before a light one comes
    clients += [asyncio.ensure_future(client(name, key, i, LIGHT_TOKENS)) for name, key in light.items() for i in range(LIGHT_AT_ONCE)]
    await asyncio.sleep(1.0)
    load.opened = time.monotonic()
    while not enough(load, window_s):
        load.queue_peak = max(load.queue_peak, await asyncio.to_thread(steward.metric, "steward_queue_depth"))
        await asyncio.sleep(0.5)
    load.closed = time.monotonic()
    stop.set()
    for task in clients:
        task.cancel()  # the clients go away; what they had waiting is not wanted any more
    await asyncio.gather(*clients, return_exceptions=True)
    return load


def enough(load: Load, window_s: float) -> bool:
    """A window is as long as it needs to be for its calls to say something: a slow machine is given more time, not an easier test."""
    open_s = time.monotonic() - load.opened
    calls = sum(at >= load.opened for _, at, _ in load.ended)
    return open_s >= WINDOW_MOST_S or (open_s >= window_s and calls >= CALLS_LEAST)


async def one_call(port: int, name: str, key: str, body: dict, load: Load) -> None:
    try:
        answer = await wire.call(port, "/v1/chat/completions", key, body, deadline_s=300)
    except (OSError, wire.CutOff, TimeoutError) as error:
        load.failed.append(f"{name}: {error!r}")
        await asyncio.sleep(0.2)
        return
    if answer.status == 200:
        load.ended.append((name, answer.ended_at, answer.json()["usage"]["total_tokens"]))
    else:
        load.failed.append(f"{name}: {answer.status} {answer.body[:120]!r}")
        await asyncio.sleep(0.2)


def judge(facts: dict) -> Metrics:
    tokens = dict.fromkeys(facts["keys"], 0)
    for key, count in facts["inside"]:
        tokens[key] += count
    total = sum(tokens.values())
    own_share = total / len(tokens)
    light = total - tokens["heavy"]
    return {
        "cases": len(facts["inside"]),
        "queue_peak": facts["queue_peak"],
        "starved": sum(count < STARVED_BELOW * own_share for key, count in tokens.items() if key != "heavy") if total else LIGHT_KEYS,
        "light_share": round(light / total / FAIR_SHARE, 3) if total else 0.0,
        "heavy_tokens": tokens["heavy"],
        "light_tokens": light,
        "light_tokens_least": min(count for key, count in tokens.items() if key != "heavy"),
        "failed_calls": len(facts["failed"]),
        "failures": facts["failed"][:5],
        "window_s": facts["seconds"],
    }


def planted(facts: dict) -> dict[str, dict]:
    """Logs of servers that are not fair."""
    calls = len(facts["inside"])
    in_order = [("heavy", 60) if i % 60 < 40 else (f"light-{i % LIGHT_KEYS}", 44) for i in range(calls)]  # first come, first served
    forgotten = [(key if key != "light-3" else "light-4", tokens) for key, tokens in facts["inside"]]
    return {
        "first come, first served": facts | {"inside": in_order},
        "forgets one light key": facts | {"inside": forgotten},
        "refuses everything": facts | {"inside": [], "failed": ["heavy: 429"] * 100, "queue_peak": 0},
        "refuses instead of queueing": facts | {"failed": ["light-1: 429"]},
        "never had a queue": facts | {"queue_peak": 0},
    }


CHECK = Check(
    "fair",
    run,
    {
        "queue_peak>0": lambda m: m["queue_peak"] > 0,
        "starved==0": lambda m: m["starved"] == 0,
        "light_share>=0.9": lambda m: m["light_share"] >= 0.9,
        "failed_calls==0": lambda m: m["failed_calls"] == 0,
    },
)
