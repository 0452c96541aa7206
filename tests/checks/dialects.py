"""dialects: every in-dialect × every out-dialect × every feature, whole and streamed; nothing may get lost unseen.

A cell is one feature asked for in one dialect of a model behind another. The scripted provider writes down what it was asked and answers in
its own dialect; a judge that shares no code with the product looks whether the feature reached the provider, and whether what the provider
said reached the client. What an out-dialect can't honour must be refused by the caller's own name of it, or told as dropped: only what
stands in dialects.toml may. `python -m tests.checks.dialects --write` writes the matrix into docs/providers.md.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import struct
import sys
import tomllib
import zlib
from collections import Counter
from dataclasses import dataclass, field, replace

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.harness import wire
from tests.harness.admin import Admin
from tests.harness.paths import ROOT
from tests.harness.provider import Call, Provider
from tests.harness.steward import Steward
from tests.judges import said
from tests.judges.said import Broken
from tests.matrix import answer as answers
from tests.matrix import ask as asks
from tests.matrix import vectors
from tests.matrix.answer import SIGNATURE, Answer
from tests.matrix.ask import DIALECTS, Ask, Turn
from tests.matrix.features import ASKED, FEATURES, FILES, HERE, TWO_CALLS, Feature
from tests.matrix.given import ids_of, raw_answer
from tests.matrix.heard import Heard, heard
from tests.matrix.vectors import VECTOR_FEATURES, VectorFeature

DOCUMENT = ROOT / "docs" / "providers.md"
LISTED = ROOT / "tests" / "checks" / "dialects.toml"
OUTS = ("chat", "responses", "messages", "gemini", "bedrock")
SPOKEN = {"bedrock": "messages"}  # inside AWS's envelope
LIKE = {"chat": "openai", "responses": "openai", "messages": "anthropic", "gemini": "gemini", "bedrock": "bedrock"}
CONFIG_DIALECT = {"chat": "openai", "responses": "responses", "messages": "anthropic", "gemini": "gemini", "bedrock": "bedrock"}
REASON = "the upstream's own reason, word for word"
STATUS = {400: 400, 429: 429, 500: 502}
AT_ONCE = 12
OK, REFUSED, TOLD, DROPPED, WRONG = "ok", "refused", "told", "silent drop", "wrong"


@dataclass(frozen=True)
class Cell:
    feature: Feature
    into: str
    out: str
    streamed: bool

    @property
    def name(self) -> str:
        return f"{self.feature.name}: {self.into} → {self.out}{', streamed' if self.streamed else ''}"


@dataclass
class Verdict:
    cell: Cell
    kind: str
    why: list[str] = field(default_factory=list)


def all_cells() -> list[Cell]:
    chats = [Cell(f, i, o, s) for f in FEATURES for i in DIALECTS if i in f.ins for o in OUTS for s in (False, True) if makes_sense(f, o)]
    return chats + [Cell(f, i, o, False) for f in VECTOR_FEATURES for i in f.ins for o in OUTS if f.status == 200 or o != "messages"]


def makes_sense(feature: Feature, out: str) -> bool:
    """Gemini doesn't count what is written to a cache; dropping is asked for where something is refused."""
    if feature.name == "usage with cache writes":
        return out != "gemini"
    return out in ("responses", "messages", "bedrock") if feature.drop else True


def run(_: Options) -> Outcome:
    verdicts = measure()
    return Outcome(judge(verdicts), {fault: judge(doctored) for fault, doctored in planted(verdicts).items()})


def measure() -> list[Verdict]:
    stage = Stage(all_cells())
    with Provider({"*": stage.answer}) as provider:
        env = {"SCRIPT_KEY": "upstream", "AWS_KEY": "AKIDSCRIPT:upstream"}
        with Steward(stage.config(provider), env=env) as steward, Admin(steward) as admin:
            return asyncio.run(stage.play(steward.port, admin.new_key("judge")["secret"]))


# --- the provider and the clients --------------------------------------------------------------------------------------------------------
class Stage:
    """Each cell's calls go to a model of its own (x12), or to another provider's of the same dialect (y12)."""

    def __init__(self, cells: list[Cell]):
        self.cells = cells
        self.heard: dict[str, list[dict]] = {}
        self.listed = tomllib.loads(LISTED.read_text())
        self.at = HERE  # the address where FILES lie

    def config(self, provider: Provider) -> str:
        self.at = f"http://127.0.0.1:{provider.port}"
        out = ["[engine]\nenabled = false\n[routing]\nretries = 0\ncircuit_failures = 1000\n"]
        out.append(f'[limits]\nallow_inside = ["127.0.0.1:{provider.port}"]\n')
        places: dict[tuple[str, str], list[int]] = {}
        for number, cell in enumerate(self.cells):
            places.setdefault((cell.out, like(cell)), []).append(number)
        for (dialect, known), numbers in places.items():
            for mark in ("x", "y"):
                name = f"{dialect}-{known}-{mark}"
                out.append(f'[providers.{name}]\nlike = "{known}"\nbase_url = "http://127.0.0.1:{provider.port}/{name}/v1"\n')
                out.append('key_env = "AWS_KEY"\nregion = "us-east-1"\n' if dialect == "bedrock" else 'key_env = "SCRIPT_KEY"\n')
                out.append(f'dialect = "{CONFIG_DIALECT[dialect]}"\nmodels = {json.dumps([self.model(mark, number) for number in numbers])}\n')
                out.append(f'[prices."{name}/*"]\ninput = 1\noutput = 2\n')
        return "".join(out)

    def model(self, mark: str, number: int) -> str:
        cell = self.cells[number]
        return vectors.model_name(mark, number, cell.out) if isinstance(cell.feature, VectorFeature) else f"{mark}{number}"

    async def answer(self, call: Call) -> None:
        if call.seen.path in FILES:
            kind, data = FILES[call.seen.path]
            return await call.bytes(base64.b64decode(data), 200, kind)
        model = call.seen.model
        cell = self.cells[int(re.match(r"[xy](\d+)", model)[1])]
        self.heard.setdefault(model, []).append(moved(call.body, self.at, HERE))
        spoken, feature = SPOKEN.get(cell.out, cell.out), cell.feature
        if feature.status != 200:
            return await call.json(answers.error(spoken, feature.status, REASON), feature.status)
        if isinstance(feature, VectorFeature):
            return await call.json(vectors.answer(cell.out, call.body))
        told = Answer("Thank you.") if feature.gives_back and len(self.heard[model]) + (model[0] == "y") > 1 else feature.answer
        streamed = cell.streamed
        if not streamed:
            return await call.json(answers.WHOLE[spoken](told))
        if cell.out == "bedrock":
            data, kind = b"".join(aws_frame(one) for one in answers.messages_events(told)), "application/vnd.amazon.eventstream"
            return await call.bytes(data, 200, kind)
        await call.begin_stream()
        await call.piece(answers.stream(spoken, told))
        await call.raw(b"0\r\n\r\n")

    async def play(self, port: int, key: str) -> list[Verdict]:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(number: int, cell: Cell) -> Verdict:
            async with gate:
                try:
                    return await self.judge_cell(port, key, number, cell)
                except (wire.CutOff, OSError, TimeoutError, ValueError, LookupError, TypeError, AssertionError) as error:
                    return Verdict(cell, WRONG, [f"{type(error).__name__}: {error}"[:300]])

        return list(await asyncio.gather(*(one(number, cell) for number, cell in enumerate(self.cells))))

    async def judge_cell(self, port: int, key: str, number: int, cell: Cell) -> Verdict:
        model = self.model("x", number)
        answer = await self.ask(port, key, cell, model, cell.feature.ask)
        if cell.feature.status != 200:
            return error_verdict(cell, answer)
        if answer.status == 400:
            return refusal_verdict(cell, answer, self.listed)
        if answer.status != 200:
            return Verdict(cell, WRONG, [f"status {answer.status}: {answer.body[:200]!r}"])
        if isinstance(cell.feature, VectorFeature):
            return vector_verdict(cell, answer, self.heard[model])
        if cell.feature.gives_back:
            return await self.give_back(port, key, number, cell, answer)
        return verdict(cell, answer, self.request(cell, model), self.listed)

    async def ask(self, port: int, key: str, cell: Cell, model: str, ask: Ask) -> wire.Answer:
        if isinstance(cell.feature, VectorFeature):
            path, body = vectors.write(cell.into, model, cell.feature)
        else:
            path, body = asks.write(cell.into, model, ask, cell.streamed)
            body = moved(body, HERE, self.at)
        headers = {"x-steward-drop": "unsupported"} if cell.feature.drop else None
        return await wire.call(port, path, key, body, headers=headers, deadline_s=50)

    def request(self, cell: Cell, model: str) -> Heard:
        return heard(SPOKEN.get(cell.out, cell.out), self.heard[model][-1])

    async def give_back(self, port: int, key: str, number: int, cell: Cell, answer: wire.Answer) -> Verdict:
        """The answer goes back with the tools' results: with its signature to its maker, without it to anybody else."""
        first = verdict(cell, answer, self.request(cell, f"x{number}"), self.listed)
        if first.kind != OK:
            return first
        turn = Turn("model", given=raw_answer(cell.into, answer.body, cell.streamed))
        results = tuple((key, name, text, "") for (_, name, _), key, text in zip(TWO_CALLS, ids_of(cell.into, turn.given), ("18 degrees", "7 degrees"), strict=True))
        ask = replace(cell.feature.ask, turns=(ASKED, turn, Turn("tools", results=results)))
        why = []
        for model, proof in ((f"x{number}", True), (f"y{number}", False)):
            again = await self.ask(port, key, cell, model, ask)
            if again.status != 200:
                why.append(f"{model[0]}: status {again.status}: {again.body[:200]!r}")
                continue
            request = self.request(cell, model)
            if (SIGNATURE in request.raw) != proof:
                why.append("the signature did not come back to its maker" if proof else "another provider was given the signature")
            if [text for _, text in request.results if "degrees" in text] == []:
                why.append(f"{model[0]}: the results got lost")
        return Verdict(cell, WRONG if why else OK, why)


def moved(body: dict, here: str, there: str) -> dict:
    """The same with every address changed."""
    return json.loads(json.dumps(body).replace(here, there))


def like(cell: Cell) -> str:
    """Whose ways the provider has. OpenAI's own Chat Completions tell no reasoning that could be given back; OpenRouter's do."""
    return "openrouter" if cell.out == "chat" and cell.feature.gives_back else LIKE[cell.out]


def aws_frame(event: dict) -> bytes:
    """One message of Amazon's event stream that holds an event of Messages."""
    def header(name: str, value: str) -> bytes:
        return struct.pack(">B", len(name)) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()

    headers = header(":event-type", "chunk") + header(":content-type", "application/json") + header(":message-type", "event")
    payload = json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode()}).encode()
    prelude = struct.pack(">II", len(headers) + len(payload) + 16, len(headers))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return body + struct.pack(">I", zlib.crc32(body))


# --- the judge ---------------------------------------------------------------------------------------------------------------------------
def entry(listed: dict, kind: str, cell: Cell) -> str | list[str] | None:
    """The name under which the caller must be told, or all of several, if this stands in the list."""
    for one in listed[kind]:
        if one["feature"] == cell.feature.name and cell.out in one["out"]:
            return one["names"].get(cell.into)
    unknown = cell.feature.unknown
    return unknown if kind == "refused" and unknown and cell.into != SPOKEN.get(cell.out, cell.out) else None


def refusal_verdict(cell: Cell, answer: wire.Answer, listed: dict) -> Verdict:
    name = entry(listed, "refused", cell)
    error = json.loads(answer.body)["error"]
    if name is None:
        return Verdict(cell, WRONG, [f"refused, and not on the list: {error['message'][:200]}"])
    named = f"'{name}'" in error["message"] or error.get("param") == name
    return Verdict(cell, REFUSED if named else WRONG, [] if named else [f"'{name}' isn't named: {error['message'][:200]}"])


def verdict(cell: Cell, answer: wire.Answer, request: Heard, listed: dict) -> Verdict:
    feature, dropped = cell.feature, [one.strip() for one in answer.headers.get("x-steward-dropped", "").split(",") if one.strip()]
    if feature.drop:
        wanted = {"chat": "n", "gemini": "generationConfig.candidateCount"}[cell.into]
        return Verdict(cell, OK if wanted in dropped else DROPPED, [] if wanted in dropped else [f"told: {dropped}"])
    unheard = feature.heed(request)
    if unheard:
        name = entry(listed, "told", cell)
        names = [name] if isinstance(name, str) else name or []
        if len(names) == len(unheard) and set(names) <= set(dropped):
            return Verdict(cell, TOLD)
        return Verdict(cell, DROPPED, [f"the provider was not asked for {', '.join(unheard)}"])
    try:
        got = said.read(cell.into, answer.body, cell.streamed)
    except Broken as broken:
        return Verdict(cell, WRONG, [f"an error or no end: {str(broken.args)[:200]}"])
    spoken = SPOKEN.get(cell.out, cell.out)
    sent = said.read(spoken, answers.stream(spoken, feature.answer) if cell.streamed else answers.WHOLE[spoken](feature.answer), cell.streamed)
    wrong = said.differences(sent, got, cell.into) + feature.hear(got)
    return Verdict(cell, WRONG if wrong else OK, wrong)


def vector_verdict(cell: Cell, answer: wire.Answer, asked: list[dict]) -> Verdict:
    unheard = vectors.unheard(cell.out, asked, cell.feature)
    if unheard:
        return Verdict(cell, DROPPED, [f"the provider was not asked for {', '.join(unheard)}"])
    wrong = vectors.not_got(cell.into, answer.body, cell.feature)
    return Verdict(cell, WRONG if wrong else OK, wrong)


def error_verdict(cell: Cell, answer: wire.Answer) -> Verdict:
    wanted = STATUS[cell.feature.status]
    why = [] if answer.status == wanted else [f"status {answer.status} instead of {wanted}"]
    error = json.loads(answer.body).get("error", {}) if answer.status >= 400 else {}
    why += [] if REASON in error.get("message", "") else [f"the reason is missing: {str(error)[:200]}"]
    if cell.into == "messages" and error.get("type") != {400: "invalid_request_error", 429: "rate_limit_error", 502: "api_error"}[wanted]:
        why.append(f"type {error.get('type')}")
    if cell.into == "gemini" and error.get("code") != wanted:
        why.append(f"code {error.get('code')}")
    return Verdict(cell, WRONG if why else OK, why)


def judge(verdicts: list[Verdict]) -> Metrics:
    kinds = Counter(one.kind for one in verdicts)
    bad = [one for one in verdicts if one.kind in (DROPPED, WRONG)]
    return {
        "cases": len(verdicts),
        "cells": len(verdicts),
        "ok": len(verdicts) - len(bad),
        "refusals": kinds[REFUSED],
        "told": kinds[TOLD],
        "silent_drops": kinds[DROPPED],
        "documented": matrix(verdicts) in DOCUMENT.read_text(),
        "wrong": [f"{one.cell.name}: {one.kind}: {'; '.join(one.why)}"[:300] for one in bad[:20]],
    }


def planted(verdicts: list[Verdict]) -> dict[str, list[Verdict]]:
    """The judges' own eyes are tried: each is shown a good cell whose request or answer was spoilt."""
    listed = tomllib.loads(LISTED.read_text())
    out: dict[str, list[Verdict]] = {}
    for fault, spoilt in spoilt_verdicts(listed).items():
        number = next(i for i, one in enumerate(verdicts) if one.cell.name == spoilt.cell.name)
        out[fault] = [*verdicts[:number], spoilt, *verdicts[number + 1 :]]
    out["cells left out"] = verdicts[:-200]
    return out


def spoilt_verdicts(listed: dict) -> dict[str, Verdict]:
    by_name = {feature.name: feature for feature in FEATURES}

    def told(cell: Cell, answer: Answer, status: int = 200, **headers: str) -> wire.Answer:
        return wire.Answer(status, headers, json.dumps(answers.WHOLE[cell.into](answer)).encode(), True)

    image = Cell(by_name["images"], "chat", "messages", False)
    lost = heard("messages", {"messages": [{"role": "user", "content": "What is this?"}]})
    text = Cell(by_name["text"], "chat", "responses", False)
    asked = heard("responses", {"instructions": "Be brief, please.", "input": "Hello.", "temperature": 0.5, "max_output_tokens": asks.LIMIT})
    hints = Cell(by_name["hints"], "chat", "gemini", False)
    unhinted = heard("gemini", {"contents": [{"role": "user", "parts": [{"text": "Hello."}]}], "generationConfig": {}})
    one_hint = {"x-steward-dropped": "prompt_cache_key, metadata"}
    several = Cell(by_name["several choices"], "chat", "messages", False)
    refusal = {"error": {"message": "This can't be honoured.", "param": None}}
    usage = Cell(by_name["usage with a cache"], "chat", "responses", False)
    plain = heard("responses", {"input": "Hello."})
    cached = by_name["usage with a cache"].answer
    custom = Cell(by_name["a custom tool"], "chat", "chat", False)
    called = heard("chat", asks.write("chat", "m", custom.feature.ask, False)[1])
    as_function = replace(custom.feature.answer, calls=tuple((key, name, {"input": given}) for key, name, given in custom.feature.answer.calls))
    writes, hours = Cell(by_name["usage with cache writes"], "chat", "messages", False), Cell(by_name["usage with cache writes"], "messages", "messages", False)
    wrote = writes.feature.answer
    stopped, refused = Cell(by_name["stop sequences"], "messages", "messages", False), Cell(by_name["a refusal"], "gemini", "chat", False)
    stops = heard("messages", {"messages": [], "stop_sequences": ["END", "HALT"]})
    vector = Cell(VECTOR_FEATURES[1], "chat", "chat", False)
    sent = vectors.write("chat", "m", VECTOR_FEATURES[1])[1]
    mixed = [{"index": at, "embedding": numbers} for at, numbers in enumerate(reversed(vectors.NUMBERS))]
    return {
        "an image is dropped unseen": verdict(image, told(image, image.feature.answer), lost, listed),
        "a word of the answer is lost": verdict(text, told(text, replace(text.feature.answer, text="Größe done.")), asked, listed),
        "a hint is dropped unseen": verdict(hints, told(hints, hints.feature.answer, **one_hint), unhinted, listed),
        "refused without a name": refusal_verdict(several, wire.Answer(400, {}, json.dumps(refusal).encode(), True), listed),
        "refused though it could be honoured": refusal_verdict(image, wire.Answer(400, {}, json.dumps(refusal).encode(), True), listed),
        "a custom tool's call is told as a function's": verdict(custom, told(custom, as_function), called, listed),
        "vectors in the wrong order": vector_verdict(vector, wire.Answer(200, {}, json.dumps(vectors.answer("chat", {"input": [1, 2], "model": "m"}) | {"data": mixed}).encode(), True), [sent]),
        "dimensions are dropped unseen": vector_verdict(vector, wire.Answer(200, {}, json.dumps(vectors.answer("chat", sent)).encode(), True), [sent | {"dimensions": None}]),
        "cache writes are not told": verdict(writes, told(writes, replace(wrote, written_5m=0, written_1h=0)), plain, listed),
        "cache writes for an hour are told as for five minutes": verdict(hours, told(hours, replace(wrote, written_5m=500, written_1h=0)), plain, listed),
        "the word that it stopped at is not told": verdict(stopped, told(stopped, replace(stopped.feature.answer, stopped_by="")), stops, listed),
        "a refusal is told as any text": verdict(refused, told(refused, Answer(refused.feature.answer.refusal)), plain, listed),
        "cached tokens are not told": verdict(usage, told(usage, replace(cached, cached=0)), plain, listed),
    }


# --- the matrix --------------------------------------------------------------------------------------------------------------------------
BEGIN, END = "<!-- matrix: begin (python -m tests.checks.dialects --write) -->", "<!-- matrix: end -->"
SIGNS = {OK: "✓", REFUSED: "refused", TOLD: "told", DROPPED: "LOST", WRONG: "WRONG"}


def matrix(verdicts: list[Verdict]) -> str:
    """A table a feature: one row, a column for each way out; where the ways in differ, it is said."""
    lines = ["| feature | " + " | ".join(OUTS) + " |", "|---" * (len(OUTS) + 1) + "|"]
    for feature in (*FEATURES, *VECTOR_FEATURES):
        cells = []
        for out in OUTS:
            kinds = {one.cell.into: set() for one in verdicts if one.cell.feature is feature and one.cell.out == out}
            for one in verdicts:
                if one.cell.feature is feature and one.cell.out == out:
                    kinds[one.cell.into].add(SIGNS[one.kind])
            merged = {into: "/".join(sorted(signs)) for into, signs in kinds.items()}
            same = set(merged.values())
            cells.append("-" if not merged else same.pop() if len(same) == 1 else ", ".join(f"{into} {sign}" for into, sign in merged.items()))
        lines.append(f"| {feature.name} ({', '.join(feature.ins) if len(feature.ins) < len(DIALECTS) else 'all'}) | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write_matrix(verdicts: list[Verdict]) -> None:
    text = DOCUMENT.read_text()
    table = f"{BEGIN}\n{matrix(verdicts)}\n{END}"
    inside = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    DOCUMENT.write_text(inside.sub(lambda _: table, text) if inside.search(text) else text.rstrip() + f"\n\n## What works where\n\n{table}\n")


def _least() -> int:
    return int(tomllib.loads(LISTED.read_text())["least_cells"])


CHECK = Check(
    "dialects",
    run,
    {
        f"cells>={_least()}": lambda m: m["cells"] >= _least(),
        "cells==ok": lambda m: m["cells"] == m["ok"],
        "silent_drops==0": lambda m: m["silent_drops"] == 0,
        "refusals>0": lambda m: m["refusals"] > 0,
        "documented": lambda m: m["documented"] is True,  # the matrix in docs/providers.md is this one
    },
)

if __name__ == "__main__":
    told = measure()
    print(json.dumps(judge(told), indent=2, ensure_ascii=False))
    if "--write" in sys.argv:
        write_matrix(told)
