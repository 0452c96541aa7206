"""recordings: what real providers sent, replayed behind the shipped binary and read by clients of every dialect.

Each recorded answer is what a provider of its dialect (and with its quirks) answers here, in slices cut at random; clients ask for it in Chat
Completions, Responses, Messages and Gemini, streamed where it was recorded as a stream. A judge that shares no code with the product takes
out of the provider's bytes and of the client's what was said (tests/judges/said.py), and compares: text, refusal, tool calls and their
arguments, reasoning, why it stopped, usage, cited pages. The cost is computed by hand from the recorded usage at a price that the check sets.
Recorded errors must reach the client with their reason. What is no answer of a model call stands in recordings.toml with its reason, and must
become an error in every dialect, never an empty answer. `RECORDINGS=folder` judges another folder.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.harness import recorded, wire
from tests.harness.admin import Admin
from tests.harness.provider import Call, Provider
from tests.harness.recorded import Exchange
from tests.harness.steward import Steward
from tests.judges import said
from tests.judges.said import Broken, Said

DIALECTS = ("chat", "responses", "messages", "gemini")
CONFIG_DIALECT = {"chat": "openai", "responses": "responses", "messages": "anthropic", "gemini": "gemini"}
OFFICIAL = {"chat": ChatCompletion, "responses": Response}  # the official client's own models of an answer
AT_ONCE = 12
PIECES = 9  # slices of an answer
LIMIT = 100_000  # output tokens asked for: more than any recording has
INPUT, CACHED, OUTPUT = Fraction(1), Fraction(1, 2), Fraction(2)  # micro-dollars a token: nobody's price
FILES_LEAST = 590


@dataclass
class Case:
    """One exchange asked for in one dialect, and what came of it."""

    exchange: Exchange
    dialect: str
    choice: int = 0
    sent: Said | None = None
    got: Said | None = None
    cost: Fraction | None = None  # micro-dollars
    problems: list[str] = field(default_factory=list)


def run(options: Options) -> Outcome:
    folder = Path(options.settings.get("RECORDINGS") or recorded.FOLDER)
    files = recorded.load(folder)
    exchanges = [one for several in files.values() for one in several]
    names = {one.name: f"x{number}" for number, one in enumerate(exchanges)}
    with Provider() as provider:
        provider.scripts = {model_of(one, names, dialect): replay(one) for one in exchanges for dialect in asked_in(one)}
        env = {"SCRIPT_KEY": "upstream", "AWS_KEY": "AKIDSCRIPT:upstream"}
        with Steward(config(provider, exchanges, names), env=env) as steward, Admin(steward) as admin:
            key = admin.new_key("judge")["secret"]
            cases = asyncio.run(ask_all(steward.port, key, exchanges, names))
    metrics = judge(files, cases)
    return Outcome(metrics, {fault: judge(files, doctored) for fault, doctored in planted(cases).items()})


# --- the provider ------------------------------------------------------------------------------------------------------------------------
def config(provider: Provider, exchanges: list[Exchange], names: dict[str, str]) -> str:
    """A provider for each dialect and profile; each exchange is a model of its own there."""
    groups: dict[tuple[str, str, str], set[str]] = {}
    for one in exchanges:
        for dialect in asked_in(one):
            model = model_of(one, names, dialect)
            groups.setdefault((*place_of(one), "" if model == names[one.name] else f"-{model}"), set()).add(model)
    out = ["[engine]\nenabled = false\n[routing]\nretries = 0\ncircuit_failures = 1000\n"]
    for (dialect, profile, apart), models in groups.items():
        name = f"{dialect}-{profile or 'plain'}{apart}"
        out.append(f'[providers.{name}]\nbase_url = "http://127.0.0.1:{provider.port}/{name}/v1"\ndialect = "{dialect}"\n')
        out.append('key_env = "AWS_KEY"\nregion = "us-east-1"\n' if dialect == "bedrock" else 'key_env = "SCRIPT_KEY"\n')
        out.append(f'models = {json.dumps(sorted(models))}\n' + (f'like = "{profile}"\n' if profile else ""))
        out.append(f'[prices."{name}/*"]\ninput = {float(INPUT)}\ncached_input = {float(CACHED)}\noutput = {float(OUTPUT)}\n')
    return "".join(out)


def model_of(one: Exchange, names: dict[str, str], dialect: str) -> str:
    """Who says "no more calls for 34 s" is not asked again so soon, by anybody: each client gets a provider of its own there."""
    return f"{names[one.name]}-{dialect}" if one.status == 429 else names[one.name]


def place_of(one: Exchange) -> tuple[str, str]:
    """The dialect and the profile under which it is configured. What is foreign stands in the place of a chat provider."""
    if one.profile == "bedrock":
        return "bedrock", "bedrock"
    dialect = CONFIG_DIALECT.get(one.dialect, "openai")
    fits = {"anthropic": ("anthropic",), "gemini": ("gemini",)}.get(dialect)
    if fits:
        return dialect, one.profile if one.profile in fits else ""
    return dialect, "" if one.profile in ("anthropic", "gemini") else one.profile


def replay(one: Exchange):
    async def script(call: Call) -> None:
        if not one.streamed:
            return await call.bytes(one.body, one.status, one.content_type if "json" in one.content_type else "application/json")
        await call.begin_stream()
        for piece in slices(one.body, one.name):
            await call.piece(piece)
        await call.raw(b"0\r\n\r\n")

    return script


def slices(data: bytes, seed: str) -> list[bytes]:
    chance = random.Random(seed)
    cuts = sorted({chance.randrange(1, max(2, len(data))) for _ in range(PIECES - 1)})
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if a < b]


# --- the clients -------------------------------------------------------------------------------------------------------------------------
async def ask_all(port: int, key: str, exchanges: list[Exchange], names: dict[str, str]) -> list[Case]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(exchange: Exchange, dialect: str) -> list[Case]:
        async with gate:
            try:
                return await ask(port, key, exchange, model_of(exchange, names, dialect), dialect)
            except (wire.CutOff, OSError, TimeoutError, ValueError, LookupError, TypeError, AssertionError) as error:
                return [Case(exchange, dialect, problems=[f"{type(error).__name__}: {error}"[:300]])]

    work = [one(exchange, dialect) for exchange in exchanges for dialect in asked_in(exchange)]
    return [case for several in await asyncio.gather(*work) for case in several]


def asked_in(one: Exchange) -> tuple[str, ...]:
    return {"count": DIALECTS[1:], "embeddings": ("embeddings",), "completions": ("completions",)}.get(one.kind, DIALECTS)


async def ask(port: int, key: str, exchange: Exchange, model: str, dialect: str) -> list[Case]:
    choices = choices_of(exchange) if dialect == "chat" else 1
    path, body = request_of(dialect, model, exchange, choices)
    answer = await wire.call(port, path, key, body, deadline_s=50)
    if exchange.kind == "unknown":
        return [Case(exchange, dialect, problems=["it fits no dialect and is not listed"])]
    if exchange.kind == "count":
        return [count_case(exchange, dialect, answer)]
    if exchange.kind in ("embeddings", "completions"):
        return [other_case(exchange, dialect, answer)]
    if exchange.kind == "foreign" or exchange.status >= 400:
        return [error_case(exchange, dialect, answer)]
    return [said_case(exchange, dialect, choice, answer) for choice in range(choices)]


def choices_of(one: Exchange) -> int:
    if one.kind != "chat" or one.status != 200:
        return 1
    if one.streamed:
        return 1 + max((c.get("index", 0) for _, e in said.events(one.body) if isinstance(e, dict) for c in e.get("choices") or []), default=0)
    return max(1, len(json.loads(one.body)["choices"]))


def request_of(dialect: str, model: str, one: Exchange, choices: int) -> tuple[str, dict]:
    count, streamed = one.kind == "count", one.streamed
    stream = {"stream": True} if streamed else {}
    if dialect == "embeddings":
        return "/v1/embeddings", {"model": model, "input": ["Hello."], "encoding_format": "float"}
    if dialect == "completions":
        return "/v1/completions", {"model": model, "prompt": "Hello", "max_tokens": 1000} | stream
    if dialect == "chat":
        usage = {"stream_options": {"include_usage": True}} if streamed else {}
        several = {"n": choices} if choices > 1 else {}
        body = {"model": model, "messages": [{"role": "user", "content": "Hello."}], "max_completion_tokens": LIMIT}
        return "/v1/chat/completions", body | stream | usage | several
    if dialect == "responses":
        if count:
            return "/v1/responses/input_tokens", {"model": model, "input": "Hello."}
        return "/v1/responses", {"model": model, "input": "Hello.", "max_output_tokens": LIMIT, "store": False} | stream
    if dialect == "messages":
        body = {"model": model, "messages": [{"role": "user", "content": "Hello."}]}
        return ("/v1/messages/count_tokens", body) if count else ("/v1/messages", body | {"max_tokens": LIMIT} | stream)
    body = {"contents": [{"role": "user", "parts": [{"text": "Hello."}]}]}
    if count:
        return f"/v1beta/models/{model}:countTokens", body
    how = ":streamGenerateContent?alt=sse" if streamed else ":generateContent"
    return f"/v1beta/models/{model}{how}", body | {"generationConfig": {"maxOutputTokens": LIMIT}}


# --- the judge ---------------------------------------------------------------------------------------------------------------------------
def said_case(exchange: Exchange, dialect: str, choice: int, answer: wire.Answer) -> Case:
    case = Case(exchange, dialect, choice)
    try:
        case.sent = said.read(exchange.dialect, exchange.body, exchange.streamed, choice)
    except Broken as broken:  # the provider broke off or told an error in its stream: so must we
        case.problems = told_an_error(dialect, exchange.streamed, answer, str(broken.args[0]))
        return case
    if answer.status != 200:
        case.problems = [f"status {answer.status}: {answer.body[:200]!r}"]
        return case
    try:
        case.got = said.read(dialect, answer.body, exchange.streamed, choice)
    except Broken as broken:
        case.problems = [f"an error or no end: {str(broken.args)[:200]}"]
        return case
    if dialect != exchange.dialect and not exchange.streamed and dialect in OFFICIAL:
        OFFICIAL[dialect].model_validate(json.loads(answer.body))
    case.cost = cost_of(answer)
    return case


def cost_of(answer: wire.Answer) -> Fraction | None:
    told = answer.headers.get("x-steward-cost-microusd")
    if told is None:
        found = re.search(rb'"cost_microusd":\s*"?([0-9.]+)', answer.body)
        told = found.group(1).decode() if found else None
    return Fraction(told) if told is not None else None


def problems_of(case: Case) -> list[str]:
    """What is wrong with a case, from what was gathered alone: so the judge can be handed doctored facts."""
    if case.problems or case.sent is None or case.got is None:
        return case.problems
    out = said.differences(case.sent, case.got, case.dialect)
    usage = case.sent.usage
    if case.cost is None or case.cost <= 0:
        if usage is None or usage["input"] + usage["output"] > 0:
            out.append(f"cost {case.cost}")
    elif usage is not None and usage["input"] + usage["output"] > 0:
        by_hand = (usage["input"] - usage["cached"]) * INPUT + usage["cached"] * CACHED + usage["output"] * OUTPUT
        if case.cost != by_hand:
            out.append(f"cost {float(case.cost)} instead of {float(by_hand)}")
    return out


def told_an_error(dialect: str, streamed: bool, answer: wire.Answer, why: str) -> list[str]:
    if answer.status >= 400:
        return envelope_problems(dialect, answer)
    try:
        got = said.read(dialect, answer.body, streamed)
    except (Broken, ValueError, KeyError, TypeError) as broken:
        told = isinstance(broken, Broken) and (broken.args[0] == "error" or why == "cut")
        return [] if told else [f"no clear error: {broken!r}"[:200]]
    return [f"an answer was made of it: {got.words()[:80]!r}"]


def envelope_problems(dialect: str, answer: wire.Answer) -> list[str]:
    try:
        body = json.loads(answer.body)
        error = body["error"]
    except (ValueError, KeyError, TypeError):
        return [f"no error envelope: {answer.body[:120]!r}"]
    wrong = []
    if not error.get("message"):
        wrong.append("an error without a message")
    if dialect == "messages" and (body.get("type") != "error" or not error.get("type")):
        wrong.append("no error of Messages")
    if dialect == "gemini" and (error.get("code") != answer.status or not error.get("status")):
        wrong.append("no error of Gemini")
    if dialect in ("chat", "responses") and not error.get("type"):
        wrong.append("no error of OpenAI")
    return wrong


EXPECTED_STATUS = {401: 502, 402: 502, 403: 502, 500: 502, 529: 503}


def error_case(exchange: Exchange, dialect: str, answer: wire.Answer) -> Case:
    if exchange.kind == "foreign":
        return Case(exchange, dialect, problems=told_an_error(dialect, exchange.streamed, answer, "cut"))
    problems = envelope_problems(dialect, answer) if answer.status >= 400 else [f"status {answer.status}"]
    if not problems:
        reason = said.squash(reason_of(exchange))[:150]
        told = said.squash(json.loads(answer.body)["error"]["message"])
        if reason not in told:
            problems.append(f"its reason is missing: {told[:150]!r}")
        wanted = EXPECTED_STATUS.get(exchange.status, exchange.status)
        if answer.status != wanted:
            problems.append(f"status {answer.status} instead of {wanted}")
    return Case(exchange, dialect, problems=problems)


def reason_of(exchange: Exchange) -> str:
    body = json.loads(exchange.body)
    error = body.get("error", body)
    return error if isinstance(error, str) else error.get("message", "")


def count_case(exchange: Exchange, dialect: str, answer: wire.Answer) -> Case:
    if exchange.status >= 400:
        return error_case(exchange, dialect, answer)
    body = json.loads(exchange.body)
    wanted = next(body[name] for name in ("input_tokens", "inputTokens", "totalTokens") if name in body)
    told = json.loads(answer.body).get("totalTokens" if dialect == "gemini" else "input_tokens") if answer.status == 200 else None
    return Case(exchange, dialect, problems=[] if told == wanted else [f"counted {told} instead of {wanted} ({answer.status})"])


def other_case(exchange: Exchange, dialect: str, answer: wire.Answer) -> Case:
    if answer.status != 200:
        return Case(exchange, dialect, problems=[f"status {answer.status}: {answer.body[:200]!r}"])
    if dialect == "embeddings":
        sent, got = ([one["embedding"] for one in json.loads(body)["data"]] for body in (exchange.body, answer.body))
    else:
        sent, got = ("".join(c["text"] for _, e in said.events(body) if e != "[DONE]" for c in e["choices"]) for body in (exchange.body, answer.body))
    wrong = [] if sent == got and sent else ["not what the provider sent"]
    return Case(exchange, dialect, problems=wrong + ([] if cost_of(answer) else ["no cost"]))


def judge(files: dict[str, list[Exchange]], cases: list[Case]) -> Metrics:
    failed: dict[str, list[str]] = {name: ["nothing in it was judged"] for name in files}
    judged = Counter(case.exchange.file for case in cases)
    for name in files:
        if judged[name]:
            failed[name] = []
    for case in cases:
        failed[case.exchange.file] += [f"#{case.exchange.number} → {case.dialect}: {one}" for one in problems_of(case)]
    bad = {name: problems for name, problems in failed.items() if problems}
    kinds = Counter(case.exchange.kind for case in cases)
    return {
        "files": len(files),
        "ok": len(files) - len(bad),
        "cases": len(cases),
        "kinds": dict(sorted(kinds.items())),
        "skipped": sum(not several for several in files.values()),
        "wrong": [f"{name} {problems[0]}" for name, problems in list(bad.items())[:25]],
    }


def planted(cases: list[Case]) -> dict[str, list[Case]]:
    """One case each changed as a bad gateway might have: the judge has to see it."""
    faults = {
        "loses the end of a text": (lambda s: len(s.text) > 4, lambda c: replace(c, got=replace(c.got, text=c.got.text[:-1]))),
        "loses the reasoning": (lambda s: bool(s.reasoning), lambda c: replace(c, got=replace(c.got, reasoning=""))),
        "loses a tool call": (lambda s: bool(s.calls), lambda c: replace(c, got=replace(c.got, calls=c.got.calls[:-1]))),
        "changes an argument": (lambda s: bool(s.calls), lambda c: replace(c, got=replace(c.got, calls=[(n, {"other": 1}) for n, _ in c.got.calls]))),
        "forgets the cached tokens": (lambda s: bool(s.usage and s.usage["cached"]), lambda c: replace(c, got=replace(c.got, usage=c.got.usage | {"cached": 0}))),
        "charges nothing": (lambda s: bool(s.usage), lambda c: replace(c, cost=Fraction(0))),
        "charges twice": (lambda s: bool(s.usage), lambda c: replace(c, cost=2 * c.cost)),
        "tells another stop reason": (lambda s: s.stop == said.LENGTH, lambda c: replace(c, got=replace(c.got, stop=said.STOP))),
        "loses a citation": (lambda s: bool(s.urls), lambda c: replace(c, got=replace(c.got, urls=[]))),
    }
    out = {}
    for fault, (fits, change) in faults.items():
        number = next((i for i, case in enumerate(cases) if case.sent and case.got and not problems_of(case) and fits(case.sent)), None)
        if number is None:
            raise AssertionError(f"no good case on which to plant '{fault}'")
        out[fault] = [*cases[:number], change(deepcopy(cases[number])), *cases[number + 1 :]]
    out["leaves a file out"] = [case for case in cases if case.exchange.file != cases[0].exchange.file]
    return out


CHECK = Check(
    "recordings",
    run,
    {
        f"files>={FILES_LEAST}": lambda m: m["files"] >= FILES_LEAST,
        "files==ok": lambda m: m["files"] == m["ok"],
        "skipped==0": lambda m: m["skipped"] == 0,
    },
)
