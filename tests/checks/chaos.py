"""chaos: every dialect through every fault of a proxy between server and upstream and between client and server, and an upstream that lies.

Each cell is one call under one fault, judged by what the fault really did: the caller got the whole right answer or a clear error in its
dialect, in time; the charge is what the scripted provider made, by the rules in docs/reliability.md; the server answered a good call after
it. `SEED=n` makes other cuts and other noise; it is told with the result. `ONLY=text` plays the cells whose name holds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import time
from collections.abc import Mapping

import psutil

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.checks.dialects import CONFIG_DIALECT, LIKE
from tests.faults.cells import (
    PRICE,
    Cell,
    all_cells,
    expected,
    wrong_answer,
    wrong_charge,
)
from tests.faults.client import Told, ask
from tests.faults.client_side import CLIENT_FAULTS, ClientProxy
from tests.faults.expect import ALLOWED
from tests.faults.lies import LIES, good, middle
from tests.faults.network import FAULTS
from tests.faults.proxy import Fired, Proxy
from tests.faults.spoken import EGRESSES, TEXT, encode, events_of, kind_of
from tests.harness.admin import Admin
from tests.harness.provider import Call, Provider
from tests.harness.steward import Steward

AT_ONCE = 24
DEADLINE_S = 25  # over every timeout below: what takes longer hangs
RSS_MB = 1_000  # what the process may grow by while the largest answers and events come
LARGE_EVENTS, LARGE_BYTES = 3_000, 4_000

CONFIG = """
[engine]
enabled = false
[routing]
retries = 0
circuit_failures = 1000
defaults = false
[limits]
head_timeout_ms = 1500
body_timeout_ms = 1500
write_timeout_ms = 1500
"""
PROVIDER = """
[providers.{name}]
like = "{like}"
dialect = "{dialect}"
base_url = "http://127.0.0.1:{port}/v1"
{key}
models = {models}
first_byte_timeout_ms = 6000
between_bytes_timeout_ms = 6000
total_timeout_ms = 12000
[prices."{name}/*"]
input = {input}
output = {output}
"""


class Stage:
    """The provider's part: each model is a cell."""

    def __init__(self, cells: list[Cell]):
        self.cells = {cell.name: cell for cell in cells}
        self.asked: set[str] = set()
        self.followed = 0  # redirects

    def config(self, proxy: int, provider: int) -> str:
        out = [CONFIG]
        for egress in EGRESSES:
            for kind, port in (("net", proxy), ("own", provider)):
                name = f"{kind}-{egress}"
                models = [cell.name for cell in self.cells.values() if cell.provider == name] + [f"good-{name}"]
                key = 'key_env = "AWS_KEY"\nregion = "us-east-1"' if egress == "bedrock" else 'key_env = "SCRIPT_KEY"'
                prices = {"input": PRICE.input_pico / 1e6, "output": PRICE.output_pico / 1e6}
                out.append(PROVIDER.format(name=name, like="" if egress == "chat" else LIKE[egress], dialect=CONFIG_DIALECT[egress], port=port, key=key, models=json.dumps(models), **prices))
        return "".join(out)

    async def answer(self, call: Call) -> None:
        name = call.seen.model
        if call.seen.path.startswith("/stolen"):
            self.followed += 1
        cell = self.cells.get(name)
        if cell is None:
            return await good(call, name.rsplit("-", 1)[-1], "stream" in call.seen.path or call.streamed)
        self.asked.add(name)
        if cell.side == "lie":
            return await LIES[cell.fault].script(call, cell.egress, cell.streamed)
        script = CLIENT_FAULTS[cell.fault].script if cell.side == "client" else "good"
        await SCRIPTS[script](call, cell.egress, cell.streamed)


async def held(call: Call, egress: str, streamed: bool) -> None:
    """Half of a stream (of a whole answer nothing), and then silence until the caller leaves."""
    if streamed:
        await call.raw(f"HTTP/1.1 200 OK\r\nContent-Type: {kind_of(egress, True)}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for piece in encode(egress, events_of(egress)[: middle(egress)]):
            await call.piece(piece)
    await asyncio.sleep(DEADLINE_S)


async def large(call: Call, egress: str, streamed: bool) -> None:
    """More than all buffers on the way hold."""
    events = events_of(egress)
    at = next(i for i, one in enumerate(events) if isinstance(one, dict) and '"alpha ' in json.dumps(one))
    long = json.loads(json.dumps(events[at]).replace('"alpha ', '"' + "a" * LARGE_BYTES))
    await call.raw(f"HTTP/1.1 200 OK\r\nContent-Type: {kind_of(egress, True)}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for piece in encode(egress, [*events[:at], *[long] * LARGE_EVENTS, *events[at + 1 :]]):
        await call.piece(piece)
    await call.raw(b"0\r\n\r\n")


SCRIPTS = {"good": good, "held": held, "large": large}


# --- running ------------------------------------------------------------------------------------------------------------------------------
def run(options: Options) -> Outcome:
    only = options.settings.get("ONLY", "")
    cells = [cell for cell in all_cells(options.ci) if only in f"{cell} {cell.name}"]
    stage, seed = Stage(cells), options.number("SEED", 1)
    plays = {cell.name: FAULTS[cell.fault].play for cell in cells if cell.side == "network"}
    relays = {cell.name: CLIENT_FAULTS[cell.fault].play for cell in cells if cell.side == "client"}
    with Provider({"*": stage.answer}) as provider, Proxy(provider.port, plays, seed) as proxy, ClientProxy(seed=seed) as door:
        door.relays = relays
        env = {"SCRIPT_KEY": provider.key, "AWS_KEY": "AKIDSCRIPT:upstream"}
        with Steward(stage.config(proxy.port, provider.port), env=env) as steward, Admin(steward) as admin:
            door.target = steward.port
            key = admin.new_key("chaos")["secret"]
            facts = asyncio.run(Play(steward, stage, key, proxy, door).all())
            facts["alive"] = steward.process.poll() is None
            facts["open_calls"] = open_calls(steward) if facts["alive"] else -1
            rows: dict[str, list[dict]] = {}
            for row in admin.pages("/calls", limit=200) if facts["alive"] else ():
                rows.setdefault(row["model"], []).append(row)
            for fact in facts["cells"]:
                fact["rows"] = rows.get(fact["cell"].name, [])
            facts |= {"followed": stage.followed, "seed": seed}
    return Outcome(judge(facts), {} if only else {fault: judge(doctored) for fault, doctored in planted(facts).items()})


class Play:
    """Asks every cell, and a good call after each."""

    def __init__(self, steward: Steward, stage: Stage, key: str, proxy: Proxy, door: ClientProxy):
        self.steward, self.stage, self.key, self.proxy, self.door = steward, stage, key, proxy, door
        self.gate, self.heavy, self.alone = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(3), asyncio.Semaphore(1)

    async def all(self) -> dict:
        before = self.steward.rss_bytes()
        watch = asyncio.ensure_future(self.watch_memory())
        facts = await asyncio.gather(*(self.one(cell) for cell in self.stage.cells.values()))
        watch.cancel()
        return {"cells": list(facts), "rss_mb": round((self.peak - before) / 1e6, 1)}

    async def watch_memory(self) -> None:
        self.peak = 0
        while self.steward.process.poll() is None:
            with contextlib.suppress(psutil.Error):
                self.peak = max(self.peak, self.steward.rss_bytes())
            await asyncio.sleep(0.02)

    async def one(self, cell: Cell) -> dict:
        async with self.alone if cell.fault == "flood" else self.heavy if cell.heavy else self.gate:
            port, line = (self.door.port, f"{cell.name}\n".encode()) if cell.side == "client" else (self.steward.port, b"")
            told = await ask(port, self.key, cell.ingress, cell.name, cell.streamed, tokens=cell.tokens, first_line=line, deadline_s=DEADLINE_S, errors_in=cell.errors_in)
            after = await ask(self.steward.port, self.key, cell.ingress, f"good-net-{cell.egress}", cell.streamed, tokens=ALLOWED, deadline_s=DEADLINE_S)
        return {"cell": cell, "told": told, "fired": self.fired(cell), "good_after": after.whole and after.text == TEXT}

    def fired(self, cell: Cell) -> Fired:
        """By the proxy's own word; a lie fired when the provider was asked."""
        if cell.side == "lie":
            return Fired(times=int(cell.name in self.stage.asked))
        return (self.proxy if cell.side == "network" else self.door).fired.get(cell.name, Fired())


def open_calls(steward: Steward) -> int:
    """Reservations that are still held once every loser had time to settle."""
    for _ in range(100):
        left = int(steward.metric("steward_calls_open"))
        if left == 0:
            return 0
        time.sleep(0.1)
    return left


# --- judging ------------------------------------------------------------------------------------------------------------------------------
def judge(facts: Mapping) -> Metrics:
    fired = hung = ok = wrong = good_after = 0
    differences = []
    for fact in facts["cells"]:
        cell, told = fact["cell"], fact["told"]
        expect = expected(cell, fact["fired"])
        answer, charge = wrong_answer(expect, told), wrong_charge(cell, expect, told, fact["rows"])
        fired += fact["fired"].times > 0
        hung += told.hung
        wrong += bool(charge)
        good_after += fact["good_after"]
        well = not answer and not charge and not told.hung and fact["good_after"] and fact["fired"].times > 0
        ok += well
        if not well:
            differences.append(f"{cell}: {answer} {charge} {'' if fact['good_after'] else 'no good call after it'}".strip()[:600])
    return {
        "cases": len(facts["cells"]),
        "cells": len(facts["cells"]),
        "faults_fired": fired,
        "ok": ok,
        "hung": hung,
        "wrong_charge": wrong,
        "good_after": good_after,
        "open_calls": facts["open_calls"],
        "redirects_followed": facts["followed"],
        "alive": facts["alive"],
        "rss_growth_mb": facts["rss_mb"],
        "faults": len(FAULTS) + len(LIES) + len(CLIENT_FAULTS),
        "seed": facts["seed"],
        **({"differences": differences[:60]} if differences else {}),
    }


def planted(facts: dict) -> dict[str, dict]:
    """Facts of servers that would be wrong: each has to be refused."""
    cells = facts["cells"]

    def doctored(side: str, fault: str, streamed: bool, **change: object) -> dict:
        at = next(i for i, one in enumerate(cells) if (one["cell"].side, one["cell"].fault, one["cell"].streamed) == (side, fault, streamed))
        told = {name: value for name, value in change.items() if hasattr(Told(), name)}
        other = {name: value for name, value in change.items() if name not in told}
        fact = cells[at] | {"told": dataclasses.replace(cells[at]["told"], **told)} | other
        if "cost" in other:
            fact["rows"] = [row | {"cost_microusd": str(float(row["cost_microusd"]) * other["cost"] + (not float(row["cost_microusd"])))} for row in fact["rows"]]
        if "error_on_record" in other:
            fact["rows"] = [row | {"error": other["error_on_record"]} for row in fact["rows"]]
        return facts | {"cells": [*cells[:at], fact, *cells[at + 1 :]]}

    row = next(one["rows"] for one in cells if one["rows"])
    refused = [one | {"told": Told(status=503, error="no")} for one in cells]
    return {
        "loses a word": doctored("network", "slice", True, text=TEXT[:-4]),
        "an answer cut short that looks whole": doctored("network", "reset-in-body", True, whole=True, error=""),
        "ends without a word": doctored("network", "reset-in-body", True, error="", cut=True),
        "hangs": doctored("network", "stall", True, hung=True),
        "charges twice": doctored("network", "gzip", True, rows=row * 2),
        "charges double": doctored("network", "gzip", False, cost=2),
        "charges for nothing": doctored("network", "reset", False, cost=1, rows=row),
        "charges nothing for what was made": doctored("network", "reset-in-body", True, rows=[]),
        "believes a negative count": doctored("lie", "usage-negative", True, error_on_record=None),
        "a reservation left open": facts | {"open_calls": 1},
        "a fault that did not fire": doctored("network", "brotli", True, fired=Fired()),
        "broken after a fault": doctored("lie", "huge", True, good_after=False),
        "follows a redirect": facts | {"followed": 1},
        "keeps what it was sent": facts | {"rss_mb": RSS_MB * 2},
        "dies": facts | {"alive": False},
        "refuses everything": facts | {"cells": refused},
    }


CHECK = Check(
    "chaos",
    run,
    {
        "faults_fired==cells": lambda m: m["faults_fired"] == m["cells"],
        "ok==cells": lambda m: m["ok"] == m["cells"],
        "hung==0": lambda m: m["hung"] == 0,
        "wrong_charge==0": lambda m: m["wrong_charge"] == 0,
        "good_after==cells": lambda m: m["good_after"] == m["cells"],
        "open_calls==0": lambda m: m["open_calls"] == 0,
        "redirects_followed==0": lambda m: m["redirects_followed"] == 0,
        "alive": lambda m: m["alive"] is True,
        f"rss_growth_mb<{RSS_MB}": lambda m: m["rss_growth_mb"] < RSS_MB,
    },
)
