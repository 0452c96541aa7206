"""hostile: whatever a raw socket sends, the answer is a clear 4xx in the caller's dialect, the next good request works, memory stays flat."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.checks.hostile_cases import HALF_CLOSE, Case, Target, all_cases
from tests.harness import scripts, wire
from tests.harness.admin import Admin
from tests.harness.provider import Provider
from tests.harness.steward import Steward

ANSWER_DEADLINE_S = 12  # over every timeout configured below
LORIS = 200  # slow heads held open at once, while a good request must work

CONFIG = """
[limits]
head_timeout_ms = 1200
body_timeout_ms = 1500

[providers.script]
base_url = "{base_url}"
key_env = "SCRIPT_KEY"
models = ["good-1"]
"""
GOOD_BODY = {"model": "good-1", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}


def run(_: Options) -> Outcome:
    with Provider({"good-1": scripts.answer("fine", tokens=2)}) as provider:
        with Steward(CONFIG.format(base_url=provider.base_url), env={"SCRIPT_KEY": provider.key}) as steward, Admin(steward) as admin:
            embed_model = next(model["name"] for model in admin.pages("/models") if model["kind"] == "embedding")
            target = Target(admin.new_key("hostile")["secret"], steward.admin_key, "good-1", embed_model)
            facts = asyncio.run(attack(steward, target))
            facts["alive"] = steward.process.poll() is None
    return Outcome(judge(facts), {fault: judge(doctored) for fault, doctored in planted(facts).items()})


async def attack(steward: Steward, target: Target) -> dict:
    """Every case in turn, a good request after each; memory before and after."""
    for _ in range(20):  # what the first requests allocate is no growth
        await good(steward.port, target.key)
    before = steward.rss_bytes()
    rows, peak = [], before
    for case in all_cases(target):
        answers = await send(steward.port, case)
        rows.append({"name": case.name, "one_answer": case.one_answer, "answers": answers, "good_after": await good(steward.port, target.key)})
        peak = max(peak, steward.rss_bytes())
    rows.append(await slow_crowd(steward.port, target.key))
    return {"rows": rows, "rss_before": before, "rss_peak": max(peak, steward.rss_bytes())}


async def good(port: int, key: str) -> bool:
    try:
        answer = await wire.call(port, "/v1/chat/completions", key, GOOD_BODY, deadline_s=5)
        return answer.status == 200 and answer.json()["choices"][0]["message"]["content"] == "fine"
    except (OSError, wire.CutOff, TimeoutError, ValueError, KeyError):
        return False


async def send(port: int, case: Case) -> list[dict]:
    """Sends a case; every answer that came until the server closed, or for a while after the first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    sender = asyncio.ensure_future(_send_parts(writer, case.parts))
    try:
        first = await asyncio.wait_for(_one_answer(reader), ANSWER_DEADLINE_S)
        answers = [first] if first else []
        while case.one_answer and answers and (more := await asyncio.wait_for(_one_answer(reader), 3)):
            answers.append(more)
        return answers
    except TimeoutError:
        return answers if "answers" in locals() else []
    finally:
        sender.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await sender
        writer.transport.abort()


async def _send_parts(writer: asyncio.StreamWriter, parts: tuple) -> None:
    """A server that answers early may close: what can't be sent any more is no fault."""
    with contextlib.suppress(ConnectionError):
        for part in parts:
            if part is HALF_CLOSE:
                writer.write_eof()
            elif isinstance(part, float):
                await asyncio.sleep(part)
            else:
                for data in [part] if isinstance(part, bytes) else _made(part):
                    writer.write(data)
                    await writer.drain()


def _made(part) -> Iterable[bytes]:
    return part()


async def _one_answer(reader: asyncio.StreamReader) -> dict | None:
    """The next answer, or None at the end. A reset after the whole answer was read is the server's right."""
    try:
        status, headers = await wire.read_head(reader)
        body = bytearray()
        await wire.read_body(reader, headers, body.extend)
        return {"status": status, "dialect": speaks_openai(headers, bytes(body)), "body": bytes(body[:200]).decode("utf-8", "replace")}
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError, ValueError, IndexError):
        return None


def speaks_openai(headers: dict[str, str], body: bytes) -> bool:
    """OpenAI's envelope, with a sentence for the person and a code for the program."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return False
    told = error.get("message"), error.get("type"), error.get("code")
    return headers.get("content-type", "").startswith("application/json") and all(isinstance(text, str) and text for text in told)


async def slow_crowd(port: int, key: str) -> dict:
    """Many slow heads at once: good requests go on, and each slow one is answered."""
    head = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"
    cases = [asyncio.ensure_future(send(port, Case("", (head,)))) for _ in range(LORIS)]
    await asyncio.sleep(0.3)
    meanwhile = await good(port, key)
    answers = [one for got in await asyncio.gather(*cases) for one in got or [{"status": 0, "dialect": False, "body": ""}]]
    worst = next((one for one in answers if not fair(one)), answers[0])
    return {"name": f"slow: {LORIS} heads at once", "one_answer": False, "answers": [worst], "good_after": meanwhile and await good(port, key)}


def fair(answer: dict) -> bool:
    return 400 <= answer["status"] < 500 and answer["dialect"]


def judge(facts: dict) -> Metrics:
    rows = facts["rows"]
    well = [row for row in rows if row["answers"] and fair(row["answers"][0]) and not (row["one_answer"] and len(row["answers"]) > 1)]
    wrong = [row for row in rows if row not in well]
    return {
        "cases": len(rows),
        "answered_4xx": len(well),
        "status_5xx": sum(answer["status"] >= 500 for row in rows for answer in row["answers"]),
        "smuggled": sum(row["one_answer"] and len(row["answers"]) > 1 for row in rows),
        "good_after_each": all(row["good_after"] for row in rows),
        "alive": facts["alive"],
        "rss_growth_mb": round((facts["rss_peak"] - facts["rss_before"]) / 1e6, 1),
        "answered_otherwise": {row["name"]: [f"{one['status']} {one['body'][:80]}" for one in row["answers"]] or ["nothing"] for row in wrong},
        "no_good_after": [row["name"] for row in rows if not row["good_after"]],
    }


def planted(facts: dict) -> dict[str, dict]:
    rows = facts["rows"]

    def with_last(**change: object) -> dict:
        return facts | {"rows": [*rows[:-1], rows[-1] | change]}

    answer = {"status": 400, "dialect": True, "body": ""}
    smuggled = [row | {"answers": row["answers"][:1] * 2} if row["one_answer"] else row for row in rows]
    return {
        "breaks with a 500": with_last(answers=[answer | {"status": 500}]),
        "takes a hostile request": with_last(answers=[answer | {"status": 200}]),
        "says nothing": with_last(answers=[]),
        "answers in HTML": with_last(answers=[answer | {"dialect": False}]),
        "lets a request through behind another": facts | {"rows": smuggled},
        "refuses everything": facts | {"rows": [row | {"good_after": False} for row in rows]},
        "keeps what it was sent": facts | {"rss_peak": facts["rss_before"] + 100_000_000},
        "dies": facts | {"alive": False},
    }


CHECK = Check(
    "hostile",
    run,
    {
        "cases>=60": lambda m: m["cases"] >= 60,
        "answered_4xx==cases": lambda m: m["answered_4xx"] == m["cases"],
        "status_5xx==0": lambda m: m["status_5xx"] == 0,
        "smuggled==0": lambda m: m["smuggled"] == 0,
        "good_after_each": lambda m: m["good_after_each"] is True,
        "alive": lambda m: m["alive"] is True,
        "rss_growth_mb<50": lambda m: m["rss_growth_mb"] < 50,
    },
)
