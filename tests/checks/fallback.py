"""fallback: a deployment that fails before its first byte is replaced by the next; after it, never.

Two scripted providers behind one Steward; every case is a route of its own over both. What is counted is counted at the upstreams: who was
asked how often. What the client got is read in its own dialect, streamed and whole. Afterwards the journal has to say the same: each attempt
reserved and settled, one that made nothing at nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.harness import scripts, wire
from tests.harness.admin import Admin
from tests.harness.paths import free_port
from tests.harness.provider import Call, Provider, Script
from tests.harness.steward import Steward

FIRST, SECOND = "from the first", "from the second"
PICO = 10_000_000  # a token of output; input costs nothing, so that a cost says what was made
TOKENS = 5
FIRST_BYTE_MS, BETWEEN_MS = 600, 600
AT_ONCE = 8


# --- what the first provider does ---------------------------------------------------------------------------------------------------


def silent(seconds: float, then: Script) -> Script:
    async def run(call: Call) -> None:
        await asyncio.sleep(seconds)
        await then(call)

    return run


async def head_then_reset(call: Call) -> None:
    """The head of a stream, and then nothing: no byte of content came."""
    await call.begin_stream()
    await asyncio.sleep(0.05)
    call.die()


async def head_then_silence(call: Call) -> None:
    await call.begin_stream()
    await asyncio.sleep(20)


async def comments_for_ever(call: Call) -> None:
    """Bytes come, but never a byte of content."""
    await call.begin_stream()
    while True:
        await call.piece(b": wait\n\n")
        await asyncio.sleep(0.1)


async def garbage_event(call: Call) -> None:
    await call.begin_stream()
    await call.piece(b"data: {not json\n\n")
    await call.end_stream()


async def error_event(call: Call) -> None:
    await call.begin_stream()
    await call.event({"error": {"message": "overloaded", "type": "server_error", "code": "overloaded"}})
    await call.end_stream()


async def cut_body(call: Call) -> None:
    """Half of a whole answer."""
    await call.raw(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"id":"x","choices":[')
    await asyncio.sleep(0.05)
    call.die()


async def word_then_silence(call: Call) -> None:
    await call.begin_stream()
    await call.event(scripts.chunk(call, {"content": "word "}))
    await asyncio.sleep(20)


async def word_then_garbage(call: Call) -> None:
    await call.begin_stream()
    await call.event(scripts.chunk(call, {"content": "word "}))
    await call.piece(b"data: {not json\n\n")
    await call.end_stream()


def first_time(bad: Script, then: Script) -> Script:
    """Fails once."""
    asked = 0

    async def run(call: Call) -> None:
        nonlocal asked
        asked += 1
        await (bad if asked == 1 else then)(call)

    return run


def too_long(call: Call) -> object:
    error = {"message": "maximum context length exceeded", "type": "invalid_request_error", "code": "context_length_exceeded"}
    return call.json({"error": error}, 400)


GOOD = scripts.answer(FIRST, prompt=3, tokens=TOKENS)
OTHER = scripts.answer(SECOND, prompt=3, tokens=TOKENS)


@dataclass(frozen=True)
class Case:
    """One fault, and what has to come of it."""

    script: Script
    first: int = 1  # how often each upstream is asked
    second: int = 1
    text: str | None = SECOND  # what the client reads; None: nothing
    status: int = 200
    broken: bool = False  # the answer ends with an error inside the stream
    forms: tuple[str, ...] = ("chat-stream", "chat", "responses-stream", "responses", "messages-stream", "messages", "gemini-stream", "gemini")
    settings: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    primary: str = "first"  # the provider that comes first; "own": the first under a name of this case's own

    @property
    def falls_back(self) -> bool:
        return self.second > 0


STREAMS = ("chat-stream", "responses-stream", "messages-stream", "gemini-stream")
WHOLES = ("chat", "responses", "messages", "gemini")
ONE = ("chat-stream", "responses")

CASES: dict[str, Case] = {
    "reset": Case(scripts.dies_before_first_byte()),
    "reset-later": Case(scripts.dies_before_first_byte(0.2), forms=ONE),
    "head-reset": Case(head_then_reset, forms=STREAMS),
    "cut-body": Case(cut_body, forms=WHOLES),
    "500": Case(scripts.fails(500)),
    "502": Case(scripts.garbage(b"<html>bad gateway</html>", status=502), forms=ONE),
    "503": Case(scripts.fails(503, headers={"retry-after": "30"}), forms=ONE),
    "529": Case(scripts.fails(529, "overloaded_error"), forms=ONE),
    "429": Case(scripts.fails(429, "rate_limit_exceeded", {"retry-after": "60"})),
    "401": Case(scripts.fails(401, "invalid_api_key"), primary="own", forms=ONE),  # who refuses a key is asked last from then on, in every route
    "404": Case(scripts.fails(404, "model_not_found"), forms=ONE),
    "too-long": Case(too_long, forms=ONE),
    "garbage": Case(scripts.garbage()),
    "garbage-event": Case(garbage_event, forms=STREAMS),
    "error-event": Case(error_event, forms=STREAMS),
    "slow": Case(silent(20, GOOD)),
    "silent-stream": Case(head_then_silence, forms=STREAMS),
    "comments": Case(comments_for_ever, forms=("chat-stream",)),
    "unreachable": Case(GOOD, first=0, primary="gone", forms=ONE),
    "hedge": Case(silent(2, GOOD), settings="hedge_after_ms = 150\nfirst_byte_timeout_ms = 5000", forms=ONE),
    "hedge-header": Case(silent(2, GOOD), settings="first_byte_timeout_ms = 5000", headers={"x-steward-hedge-after": "150ms"}, forms=ONE),
    # Here nobody else may be asked.
    "well": Case(GOOD, second=0, text=FIRST),
    "slow-enough": Case(silent(0.3, GOOD), second=0, text=FIRST, forms=ONE),
    "400": Case(scripts.fails(400, "invalid_request_error"), second=0, text=None, status=400),
    "422": Case(scripts.fails(422, "invalid_request_error"), second=0, text=None, status=400, forms=ONE),
    "dies-after": Case(scripts.dies_after(2, "word "), second=0, text="word word ", broken=True, forms=STREAMS),
    "silent-after": Case(word_then_silence, second=0, text="word ", broken=True, forms=STREAMS),
    "garbage-after": Case(word_then_garbage, second=0, text="word ", broken=True, forms=STREAMS),
    "hedge-in-time": Case(GOOD, second=0, text=FIRST, settings="hedge_after_ms = 500", forms=ONE),
    "deadline": Case(silent(20, GOOD), second=0, text=None, status=504, settings="first_byte_timeout_ms = 5000", headers={"x-steward-deadline": "300ms"}, forms=("chat",)),
}

# One deployment alone: it is asked again.
ALONE: dict[str, Case] = {
    "again": Case(first_time(scripts.fails(500), GOOD), first=2, second=0, text=FIRST, forms=ONE[:1]),
    "again-reset": Case(first_time(scripts.dies_before_first_byte(), GOOD), first=2, second=0, text=FIRST, forms=("chat",)),
    "again-limit": Case(first_time(scripts.fails(429, "rate_limit_exceeded", {"retry-after": "1"}), GOOD), first=2, second=0, text=FIRST, forms=("messages",)),
    "given-up": Case(scripts.fails(500), first=2, second=0, text=None, status=502, forms=("chat",)),
}


def name_of(case: str, form: str) -> str:
    return f"{case}.{form}"


def primary_of(case: str, form: str) -> str:
    one = (CASES | ALONE)[case]
    return f"own-{case}-{form}" if one.primary == "own" else one.primary


def config(first: Provider, second: Provider) -> str:
    names = [name_of(case, form) for case, one in (CASES | ALONE).items() for form in one.forms]
    own = [(primary_of(case, form), first.base_url) for case, one in CASES.items() if one.primary == "own" for form in one.forms]
    models = ", ".join(f'"{name}"' for name in names)
    out = "".join(
        f'[providers.{name}]\nbase_url = "{url}"\nkey_env = "SCRIPT_KEY"\nmodels = [{models}]\n[prices."{name}/*"]\ninput = 0\noutput = 10\n'
        for name, url in (("first", first.base_url), ("second", second.base_url), ("gone", f"http://127.0.0.1:{free_port()}/v1"), *own)
    )
    for case, one in (CASES | ALONE).items():
        alone = case in ALONE
        for form in one.forms:
            model = name_of(case, form)
            deployments = [f"{primary_of(case, form)}/{model}"] + ([] if alone else [f"second/{model}"])
            limits = "" if "first_byte" in one.settings else f"first_byte_timeout_ms = {FIRST_BYTE_MS}\n"
            out += f'[routes."{model}-route"]\ndeployments = {deployments}\nretries = {1 if alone else 0}\nbackoff_ms = 50\n'
            out += f"between_bytes_timeout_ms = {BETWEEN_MS}\n{limits}{one.settings}\n"
    return out


# --- asking and reading in each dialect ---------------------------------------------------------------------------------------------


def body_of(form: str, model: str) -> tuple[str, dict]:
    dialect, stream = form.removesuffix("-stream"), form.endswith("-stream")
    if dialect == "responses":
        return "/v1/responses", {"model": model, "input": "go", "stream": stream, "max_output_tokens": 20, "store": False}
    if dialect == "gemini":
        body = {"contents": [{"role": "user", "parts": [{"text": "go"}]}], "generationConfig": {"maxOutputTokens": 20}}
        return f"/v1beta/models/{model}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent"), body
    chat = {"model": model, "messages": [{"role": "user", "content": "go"}], "stream": stream, "max_tokens": 20}
    return ("/v1/messages" if dialect == "messages" else "/v1/chat/completions"), chat


def text_of(form: str, answer: wire.Answer) -> str:
    if answer.status != 200:
        return ""
    dialect = form.removesuffix("-stream")
    if form.endswith("-stream"):
        return "".join(READ_EVENT[dialect](event) for event in answer.events() if isinstance(event, dict))
    return READ_WHOLE[dialect](answer.json())


def chat_event(event: dict) -> str:
    return "".join(choice["delta"].get("content") or "" for choice in event.get("choices", []))


def responses_event(event: dict) -> str:
    return event["delta"] if event.get("type") == "response.output_text.delta" else ""


def messages_event(event: dict) -> str:
    return event["delta"].get("text", "") if event.get("type") == "content_block_delta" else ""


def gemini_text(body: dict) -> str:
    """Of a whole answer, or of one chunk of a stream."""
    return "".join(part.get("text", "") for one in body.get("candidates", []) for part in one["content"]["parts"])


READ_EVENT: dict[str, Callable[[dict], str]] = {"chat": chat_event, "responses": responses_event, "messages": messages_event, "gemini": gemini_text}
READ_WHOLE: dict[str, Callable[[dict], str]] = {
    "chat": lambda body: body["choices"][0]["message"]["content"],
    "responses": lambda body: "".join(part.get("text", "") for item in body["output"] for part in item.get("content", [])),
    "messages": lambda body: "".join(part.get("text", "") for part in body["content"]),
    "gemini": gemini_text,
}


def is_broken(form: str, answer: wire.Answer) -> bool:
    """Whether the stream ended with an error and without its dialect's good end."""
    if not form.endswith("-stream") or answer.status != 200:
        return False
    events = answer.events()
    kinds = {event.get("type") for event in events if isinstance(event, dict)}
    told = bool(kinds & {"error", "response.failed"}) or any(isinstance(event, dict) and event.get("error") for event in events)
    finished = any(one.get("finishReason") for event in events if isinstance(event, dict) for one in event.get("candidates", []))  # Gemini's end
    good = "[DONE]" in events or finished or bool(kinds & {"response.completed", "message_stop"})
    return told and not good


# --- running ------------------------------------------------------------------------------------------------------------------------


def run(options: Options) -> Outcome:
    names = {name_of(case, form): one for case, one in (CASES | ALONE).items() for form in one.forms}
    with Provider({name: one.script for name, one in names.items()}) as first, Provider(dict.fromkeys(names, OTHER)) as second:
        env = {"SCRIPT_KEY": first.key}
        with Steward(config(first, second), env=env) as steward, Admin(steward) as admin:
            key = admin.new_key("fallback")
            admin.set_budget("all", key["id"], 10**12)
            answers = asyncio.run(ask_all(steward.port, key["secret"], names))
            facts = {"cases": [fact(name, one, answers[name], first, second) for name, one in names.items()]}
            facts["reserved_left"] = settled(admin)
            facts["spent"] = int(float(admin.budgets()[0]["spent_microusd"]) * 1_000)
            facts["calls"] = sum(row["calls"] for row in admin.usage(group_by="key"))
    return Outcome(judge(facts), {fault: judge(doctored) for fault, doctored in planted(facts).items()})


async def ask_all(port: int, secret: str, names: Mapping[str, Case]) -> dict[str, wire.Answer | str]:
    gate, answers = asyncio.Semaphore(AT_ONCE), {}

    async def ask(name: str, one: Case) -> None:
        form = name.rsplit(".", 1)[1]
        path, body = body_of(form, f"{name}-route")
        async with gate:
            try:
                answers[name] = await wire.call(port, path, secret, body, headers=dict(one.headers), deadline_s=30)
            except (OSError, wire.CutOff, TimeoutError) as error:
                answers[name] = repr(error)

    await asyncio.gather(*(ask(name, one) for name, one in names.items()))
    return answers


def settled(admin: Admin) -> str:
    """What is still reserved once every loser had time to settle."""
    for _ in range(100):
        left = admin.budgets()[0]["reserved_microusd"]
        if float(left) == 0:
            return "0"
        time.sleep(0.1)
    return left


def fact(name: str, one: Case, answer: wire.Answer | str, first: Provider, second: Provider) -> dict:
    form = name.rsplit(".", 1)[1]
    cut = isinstance(answer, str)
    return {
        "name": name,
        "expected": {"first": one.first, "second": one.second, "status": one.status, "text": one.text or "", "broken": one.broken},
        "seen": {
            "first": len(first.calls(name)),
            "second": len(second.calls(name)),
            "status": 0 if cut else answer.status,
            "text": answer if cut else text_of(form, answer),
            "broken": False if cut else is_broken(form, answer),
        },
        "route": "" if cut else answer.headers.get("x-steward-route", ""),
        "attempts": "" if cut else answer.headers.get("x-steward-attempts", ""),
        "call": "" if cut else answer.headers.get("x-steward-call", ""),
        "body": "" if cut else answer.body[:300].decode("utf-8", "replace"),
        "falls_back": one.falls_back,
        "made_second": one.text == SECOND,
        "attempts_made": one.first + one.second + (one.primary == "gone"),
        "told": [one.first + one.second if one.primary != "gone" else one.second + 1],
    }


def judge(facts: dict) -> Metrics:
    """`wrong` counts cases in which anything differs; `fell_back` what the second upstream saw."""
    cases, wrong = facts["cases"], []
    for one in cases:
        if one["seen"] != one["expected"]:
            wrong.append(f"{one['name']}: expected {one['expected']}, saw {one['seen']} {one['body']}")
        elif one["seen"]["status"] == 200 and one["route"] != f"{one['name']}-route":
            wrong.append(f"{one['name']}: x-steward-route is '{one['route']}'")
        elif one["seen"]["status"] == 200 and one["attempts"].count(";") not in one["told"]:
            wrong.append(f"{one['name']}: x-steward-attempts is '{one['attempts']}'")
    least = sum(TOKENS * PICO // 1_000 for one in cases if one["expected"]["text"] in (FIRST, SECOND))
    if facts["reserved_left"] != "0":
        wrong.append(f"{facts['reserved_left']} micro-dollars are still reserved")
    if facts["spent"] < least:
        wrong.append(f"{facts['spent']} nano-dollars were charged, the answers alone come to {least}")
    made = sum(one["attempts_made"] for one in cases)
    if facts["calls"] != made:
        wrong.append(f"{facts['calls']} calls are in the usage, {made} attempts were made")
    return {
        "cases": len(cases),
        "fell_back": sum(one["seen"]["second"] > 0 for one in cases),
        "expected": sum(one["falls_back"] for one in cases),
        "wrong": len(wrong),
        **({"differences": wrong[:20]} if wrong else {}),
    }


def planted(facts: dict) -> dict[str, dict]:
    """Facts of servers that would be wrong: each has to be refused."""

    def with_case(pick: Callable[[dict], bool], **seen: object) -> dict:
        cases = [dict(one) for one in facts["cases"]]
        at = next(i for i, one in enumerate(cases) if pick(one))
        cases[at] = {**cases[at], "seen": {**cases[at]["seen"], **seen}}
        return facts | {"cases": cases}

    return {
        "no fallback": with_case(lambda one: one["falls_back"], second=0, status=502, text=""),
        "a fallback after the first byte": with_case(lambda one: one["expected"]["broken"], second=1),
        "a request's own fault asked twice": with_case(lambda one: one["expected"]["status"] == 400, second=1),
        "two answers in one": with_case(lambda one: one["made_second"], text=FIRST + SECOND),
        "a broken stream that looks whole": with_case(lambda one: one["expected"]["broken"], broken=False),
        "asked more often than needed": with_case(lambda one: one["made_second"], first=3),
        "a reservation left open": facts | {"reserved_left": "12"},
        "an attempt that left no record": facts | {"calls": facts["calls"] - 1},
        "an answer that nobody pays": facts | {"spent": 0},
    }


CHECK = Check(
    name="fallback",
    run=run,
    conditions={
        "fell_back==expected": lambda m: m["fell_back"] == m["expected"],
        "wrong==0": lambda m: m["wrong"] == 0,
        "skipped==0": lambda m: m["skipped"] == 0,
    },
)
