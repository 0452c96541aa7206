"""drain: SIGTERM and reload under load: no open stream is cut, nobody is left without a word, nothing acknowledged is lost.

Four stages, each on a home of its own: a reload with streams open (a changed price, a moved and a removed provider, a broken file); SIGTERM
with streams, WebSockets, idle connections, a background response and a batch under way, and the start after it; streams that outlast the
drain's deadline; a second signal. The provider holds every stream in its middle until the check lets it go on.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Self

import httpx

from tests.checks.chaos import PRICE
from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.checks.dialects import CONFIG_DIALECT, LIKE
from tests.faults.client import DIALECTS, Told, request_of
from tests.faults.held import OpenStream, Socket, exchange, gated, one_answer, plain_get
from tests.faults.lies import middle
from tests.faults.spoken import OUTPUT, PROMPT, TEXT, came, events_of
from tests.harness import wire
from tests.harness.admin import Admin
from tests.harness.money import Price, nano_of_microusd
from tests.harness.provider import Call, Provider
from tests.harness.steward import Steward

EACH = 4  # streams in each dialect, at each stage
DEARER = Price(input_pico=2 * PRICE.input_pico, output_pico=2 * PRICE.output_pico)
LINES = 4  # of the batch

CONFIG = """
[engine]
enabled = false
[routing]
retries = 0
defaults = false
[server]
drain_timeout_ms = {drain_ms}
"""
PROVIDER = """
[providers.up-{dialect}]
like = "{like}"
dialect = "{configured}"
base_url = "http://127.0.0.1:{port}/v1"
key_env = "SCRIPT_KEY"
models = ["m-{dialect}"]
[prices."up-{dialect}/*"]
input = {input}
output = {output}
"""


def config(ports: Mapping[str, int], price: Price = PRICE, drain_ms: int = 20_000) -> str:
    out = [CONFIG.format(drain_ms=drain_ms)]
    for dialect, port in ports.items():
        rates = {"input": price.input_pico / 1e6, "output": price.output_pico / 1e6}
        like = "" if dialect == "chat" else LIKE[dialect]
        out.append(PROVIDER.format(dialect=dialect, like=like, configured=CONFIG_DIALECT[dialect], port=port, **rates))
    return "".join(out)


class Stage:
    """A provider behind a gate, one more without, a server, and the streams that are open through it."""

    def __init__(self, drain_ms: int = 20_000):
        self.drain_ms, self.streams = drain_ms, []

    def __enter__(self) -> Self:
        self.provider, self.second = Provider({"*": self.answer}).__enter__(), Provider({"*": self.answer_at_once}).__enter__()
        self.gate, self.open = self.provider.gate(), self.second.gate()
        self.open.open()
        self.steward = Steward(config(dict.fromkeys(DIALECTS, self.provider.port), drain_ms=self.drain_ms), env={"SCRIPT_KEY": "upstream"}).start()
        with Admin(self.steward) as admin:
            self.key = admin.new_key("drain")["secret"]
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.open()
        if self.steward.process.poll() is None:
            self.steward.kill()
        self.steward.close()
        self.provider.__exit__()
        self.second.__exit__()

    async def answer(self, call: Call) -> None:
        await gated(call, self.gate, call.seen.model.removeprefix("m-"))

    async def answer_at_once(self, call: Call) -> None:
        await gated(call, self.open, call.seen.model.removeprefix("m-"))

    async def open_streams(self) -> None:
        opening = (OpenStream(dialect).open(self.steward.port, self.key, f"m-{dialect}") for dialect in DIALECTS for _ in range(EACH))
        self.streams = list(await asyncio.gather(*opening))

    async def end_streams(self) -> list[Told]:
        return list(await asyncio.gather(*(stream.finish() for stream in self.streams)))

    def call(self, dialect: str, streamed: bool = False) -> bytes:
        path, body = request_of(dialect, f"m-{dialect}", streamed, 40)
        return wire.request_bytes("POST", path, self.key, body).replace(b"Connection: close\r\n", b"")

    def calls(self) -> list[dict]:
        with Admin(self.steward) as admin:
            return admin.pages("/calls", limit=200)

    def signal(self, which: signal.Signals = signal.SIGTERM) -> None:
        self.steward.process.send_signal(which)

    async def ended(self, longest_s: float = 25) -> int | None:
        """The exit code; None: it did not end."""
        until = time.monotonic() + longest_s
        while self.steward.process.poll() is None and time.monotonic() < until:
            await asyncio.sleep(0.01)
        return self.steward.process.poll()


def whole(told: list[Told]) -> list[str]:
    return [f"{one}" for one in told if not (one.whole and one.text == TEXT and not one.error)]


def told_why(told: list[Told], dialects: list[str]) -> list[str]:
    """Streams that were ended: each has to have been told so in its dialect, behind all that had come."""
    half = {dialect: came(dialect, events_of(dialect)[: middle(dialect)]).text for dialect in DIALECTS}
    return [f"{one}" for one, dialect in zip(told, dialects, strict=True) if one.whole or not one.error or one.cut or one.text != half[dialect]]


def mischarged(rows: list[dict], price: Price, count: int, output: Mapping[str, int] | int = OUTPUT) -> list[str]:
    """So many settled calls, each at the price it was reserved at, for what was made."""
    wrong = [] if len(rows) == count else [f"{len(rows)} calls are on record, {count} were made"]
    for row in rows:
        used = row["usage"]
        due = output if isinstance(output, int) else output[row["model"]]
        prompt = used["prompt_tokens"] if used["estimated"] else PROMPT
        if used["completion_tokens"] != due or nano_of_microusd(row["cost_microusd"]) != price.cost_nano(prompt, due):
            wrong.append(f"{row['model']}: {due} tokens were made, charged are {used} for {row['cost_microusd']}")
    return wrong


# --- the stages ---------------------------------------------------------------------------------------------------------------------------
async def reload(stage: Stage) -> dict:
    """A new price, one provider moved, one removed, then a broken file and SIGHUP: streams go on as they began."""
    await stage.open_streams()
    port = stage.steward.port
    idle = await asyncio.open_connection("127.0.0.1", port)
    before = await exchange(*idle, plain_get("/healthz"))
    ports = {"chat": stage.second.port, "responses": stage.provider.port, "messages": stage.second.port}
    stage.steward.write_config(config(ports, DEARER))
    done = await asyncio.to_thread(stage.steward.cli, "reload")
    moved = [await one_answer(port, stage.call("chat")), await one_answer(port, stage.call("messages", True))]
    gone = await one_answer(port, stage.call("gemini"))
    stage.steward.write_config("[providers.up-chat\nbroken")
    refused = await asyncio.to_thread(lambda: stage.steward.cli("reload", check=False))
    stage.signal(signal.SIGHUP)
    await asyncio.sleep(0.2)
    after = await exchange(*idle, plain_get("/readyz"))
    stage.gate.open()
    told = await stage.end_streams()
    rows = await asyncio.to_thread(stage.calls)
    wrong = [
        *([] if done.returncode == 0 else ["the reload failed"]),
        *([] if refused.returncode != 0 else ["a broken file was taken"]),
        *(f"after the reload a call was told {one}" for one in moved if one["status"] != 200 or "beta" not in one["body"]),
        *([] if gone["status"] == 404 else [f"a removed provider's model was told {gone}"]),
        *([] if (before["status"], after["status"]) == (200, 200) else [f"the idle connection was told {before}, {after}"]),
    ]
    lost = mischarged([row for row in rows if not row["at"] > done_at(rows)], PRICE, len(stage.streams))
    lost += mischarged([row for row in rows if row["at"] > done_at(rows)], DEARER, len(moved))
    return {"open": len(stage.streams), "cut": whole(told), "wrong": wrong, "lost": lost}


def done_at(rows: list[dict]) -> str:
    """The last reservation before the reload: the streams' own were the first."""
    return sorted(row["at"] for row in rows)[4 * EACH - 1]


async def terminate(stage: Stage) -> dict:
    """SIGTERM with everything under way that may be."""
    await stage.open_streams()
    port, url = stage.steward.port, f"ws://127.0.0.1:{stage.steward.port}/v1/responses"
    busy, quiet = await Socket(url, stage.key).open("m-responses"), await Socket(url, stage.key).open(None)
    idle = await asyncio.open_connection("127.0.0.1", port)
    await exchange(*idle, plain_get("/healthz"))
    response = await asyncio.to_thread(background, stage)
    batch = await asyncio.to_thread(start_batch, stage)
    await asyncio.to_thread(stage.provider.wait_for, lambda: stage.gate.waiting >= 4 * EACH + 2 + LINES)
    stage.signal()
    ready = await until_told(port)
    refused = {dialect: await one_answer(port, stage.call(dialect)) for dialect in DIALECTS}
    left = await until_closed(idle[0])
    _, closed = await quiet.finish(5)
    stage.gate.open()
    told = await stage.end_streams()
    spoken, code = await busy.finish()
    exit_code = await stage.ended()
    wrong = [
        *([] if ready["status"] == 503 and json.loads(ready["body"])["status"] == "stopping" else [f"/readyz said {ready}"]),
        *(f"{dialect}: a new call was told {one}" for dialect, one in refused.items() if one["status"] != 503 or not one["close"] or "stopping" not in one["body"]),
        *([] if left == b"" else [f"the idle connection got {left[:80]!r}"]),
        *([] if closed == 1001 else [f"the idle WebSocket was closed with {closed}"]),
        *([] if code == 1001 else [f"the busy WebSocket was closed with {code}"]),
        *([] if exit_code == 0 else [f"it ended with {exit_code}"]),
    ]
    lost = await asyncio.to_thread(after_the_restart, stage, response, batch)
    return {"open": len(stage.streams) + 1, "cut": whole([*told, spoken]), "wrong": wrong, "lost": lost}


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """What still came over a connection until the server ended it."""
    try:
        return await asyncio.wait_for(reader.read(), 5)
    except TimeoutError:
        return b"nothing, and it stayed open"
    except OSError:
        return b""


async def until_told(port: int) -> dict:
    """What /readyz says once the signal was taken."""
    for _ in range(200):
        ready = await one_answer(port, plain_get("/readyz"))
        if ready["status"] != 200:
            return ready
        await asyncio.sleep(0.005)
    return ready


def background(stage: Stage) -> str:
    body = {"model": "m-responses", "input": "go", "background": True, "store": True, "max_output_tokens": 40}
    answer = httpx.post(stage.steward.base_url + "/responses", json=body, headers={"Authorization": f"Bearer {stage.key}"}, timeout=10)
    return answer.json()["id"]


def start_batch(stage: Stage) -> str:
    lines = [{"custom_id": f"line-{n}", "method": "POST", "url": "/v1/chat/completions", "body": request_of("chat", "m-chat", False, 40)[1]} for n in range(LINES)]
    with httpx.Client(base_url=stage.steward.base_url, headers={"Authorization": f"Bearer {stage.key}"}, timeout=10) as http:
        data = "\n".join(map(json.dumps, lines)).encode()
        file = http.post("/files", data={"purpose": "batch"}, files={"file": ("lines.jsonl", data)}).json()
        made = http.post("/batches", json={"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"})
        return made.json()["id"]


def after_the_restart(stage: Stage, response: str, batch: str) -> list[str]:
    """What was promised is kept: the background response is made, every line of the batch answered once, every call settled."""
    stage.steward.start()
    lost: list[str] = []
    with httpx.Client(base_url=stage.steward.base_url, headers={"Authorization": f"Bearer {stage.key}"}, timeout=10) as http:
        kept = wait_for(http, f"/responses/{response}", ("completed", "failed", "cancelled"))
        if kept.get("status") != "completed" or TEXT not in json.dumps(kept.get("output")):
            lost.append(f"the background response: {kept}")
        made = wait_for(http, f"/batches/{batch}", ("completed", "failed", "expired", "cancelled"))
        output = http.get(f"/files/{made.get('output_file_id')}/content").text if made.get("output_file_id") else ""
        answered = sorted(json.loads(line)["custom_id"] for line in output.splitlines() if TEXT in line)
        if answered != [f"line-{n}" for n in range(LINES)]:
            lost.append(f"the batch: {made.get('status')}, answered {answered}")
    rows = stage.calls()
    lost += [f"not settled: {row['model']}" for row in rows if row["outcome"] == "under_way"]
    finished = [row for row in rows if row["outcome"] == "finished"]
    lost += mischarged(finished, PRICE, 4 * EACH + 1 + 1 + LINES)
    return lost


def wait_for(http: httpx.Client, path: str, ends: tuple[str, ...]) -> dict:
    body: dict = {}
    for _ in range(400):
        body = http.get(path).json()
        if body.get("status") in ends:
            break
        time.sleep(0.05)
    return body


async def outlast(stage: Stage, signals: int) -> dict:
    """Streams that don't end: after the deadline, or at a second signal, each is told why and charged for what it got."""
    await stage.open_streams()
    began = time.monotonic()
    stage.signal()
    if signals > 1:
        await until_told(stage.steward.port)
        stage.signal()
    told = await stage.end_streams()
    exit_code = await stage.ended()
    took = time.monotonic() - began
    wrong = told_why(told, [stream.dialect for stream in stage.streams])
    wrong += [] if exit_code == 0 else [f"it ended with {exit_code}"]
    stage.gate.open()
    stage.steward.start()
    rows = await asyncio.to_thread(stage.calls)
    made = {f"m-{dialect}": max(got.output, got.chunks) for dialect in DIALECTS for got in [came(dialect, events_of(dialect)[: middle(dialect)])]}
    return {"ended": len(stage.streams), "wrong": wrong, "lost": mischarged(rows, PRICE, len(stage.streams), made), "took_s": round(took, 1)}


def run(_: Options) -> Outcome:
    facts = {}
    for name, drain_ms, play in (
        ("reload", 20_000, reload),
        ("terminate", 20_000, terminate),
        ("deadline", 1_000, lambda stage: outlast(stage, 1)),
        ("second signal", 60_000, lambda stage: outlast(stage, 2)),
    ):
        with Stage(drain_ms) as stage:
            facts[name] = asyncio.run(play(stage))
    return Outcome(judge(facts), {fault: judge(doctored) for fault, doctored in planted(facts).items()})


def judge(facts: Mapping[str, dict]) -> Metrics:
    def every(what: str) -> list[str]:
        return [f"{name}: {one}"[:500] for name, fact in facts.items() for one in fact.get(what, [])]

    cut, lost, wrong = every("cut"), every("lost"), every("wrong")
    return {
        "cases": sum(fact.get("open", 0) + fact.get("ended", 0) for fact in facts.values()),
        "open_streams": sum(fact.get("open", 0) for fact in facts.values()),
        "cut_streams": len(cut),
        "ended_with_a_word": sum(fact.get("ended", 0) for fact in facts.values()),
        "lost": len(lost),
        "wrong": len(wrong),
        "second_signal_s": facts["second signal"]["took_s"],
        **({"differences": (cut + lost + wrong)[:40]} if cut or lost or wrong else {}),
    }


def planted(facts: dict[str, dict]) -> dict[str, dict]:
    def with_(stage: str, **change: object) -> dict:
        return facts | {stage: facts[stage] | change}

    broken = whole([replace(Told(), status=200, text=TEXT[:20], cut=True)])
    return {
        "a reload cuts a stream": with_("reload", cut=broken),
        "SIGTERM cuts a stream": with_("terminate", cut=broken),
        "refuses without a word": with_("terminate", wrong=["chat: a new call was told {'status': 0}"]),
        "ends a stream in silence": with_("deadline", wrong=told_why([Told(status=200, text=TEXT[:20], cut=True)], ["chat"])),
        "a call that is not charged": with_("terminate", lost=mischarged([], PRICE, 1)),
        "a call charged twice": with_("deadline", lost=mischarged([{}, {}][:0], PRICE, 2)),
        "no stream was open": facts | {"reload": facts["reload"] | {"open": 0}, "terminate": facts["terminate"] | {"open": 0}},
    }


CHECK = Check(
    "drain",
    run,
    {
        "open_streams>0": lambda m: m["open_streams"] > 0,
        "cut_streams==0": lambda m: m["cut_streams"] == 0,
        "lost==0": lambda m: m["lost"] == 0,
        "wrong==0": lambda m: m["wrong"] == 0,
        "ended_with_a_word>0": lambda m: m["ended_with_a_word"] > 0,
    },
)
