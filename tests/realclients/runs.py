"""Every real client once in front of Steward, with the scripted model behind it in one of four dialects, and what was wrong with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.harness.admin import Admin
from tests.harness.money import Price, nano_of_microusd
from tests.harness.steward import Steward
from tests.realclients import agents, libraries
from tests.realclients.catalog import Client
from tests.realclients.model import IDLE, Heard, ScriptedModel

DIALECTS = ("chat", "responses", "messages", "gemini")
AT_ONCE = 2
PRICE = Price(input_pico=3_000_000, output_pico=15_000_000, cached_input_pico=300_000)
PROVIDER = """
[providers.{dialect}]
base_url = "{root}/{version}"
dialect = "{kind}"
key_env = "SCRIPT_KEY"
models = [{models}]
"""
KINDS = {"chat": "openai", "responses": "responses", "messages": "anthropic", "gemini": "gemini"}


@dataclass(frozen=True)
class Run:
    """One conversation to be held. `idle` and `refused` are planted faults: the judge has to fail them."""

    client: Client
    behind: str
    number: int
    idle: bool = False
    refused: bool = False

    @property
    def model(self) -> str:
        return f"{IDLE if self.idle else 'script'}-{self.number}-{self.behind}"


@dataclass
class Verdict:
    run: Run
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def as_json(self) -> dict:
        return {"client": self.run.client.name, "behind": self.run.behind, "faults": self.faults, "seconds": round(self.seconds, 1)}


@dataclass
class Stage:
    steward: Steward
    admin: Admin
    model: ScriptedModel


@contextmanager
def stage(runs: list[Run]) -> Iterator[Stage]:
    """A Steward in front of the scripted model: one provider a dialect, one model a run, each at a price."""
    with ExitStack() as open_ones:
        model = open_ones.enter_context(ScriptedModel())
        config = ""
        for dialect in DIALECTS:
            names = ", ".join(f'"{run.model}"' for run in runs if run.behind == dialect)
            version = "v1beta" if dialect == "gemini" else "v1"
            config += PROVIDER.format(dialect=dialect, root=model.root, version=version, kind=KINDS[dialect], models=names) if names else ""
        steward = open_ones.enter_context(Steward(config, env={"SCRIPT_KEY": model.provider.key}))
        admin = open_ones.enter_context(Admin(steward))
        for run in runs:
            admin.set_price(run.behind, run.model, PRICE)
        yield Stage(steward, admin, model)


def perform(on: Stage, runs: list[Run], deadline_s: float = 120) -> list[Verdict]:
    """Libraries hold all their conversations in one process; agents start anew for each."""
    jobs: dict[object, list[Run]] = {}
    for run in sorted(runs, key=lambda one: one.client.kind):  # agents first: they take longest
        alone = run.client.kind == "agent" or run.refused
        jobs.setdefault((run.client.name, run.number) if alone else (run.client.name, run.idle), []).append(run)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = pool.map(lambda job: _one_job(on, job, deadline_s), jobs.values())
        return [verdict for verdicts in told for verdict in verdicts]


def _one_job(on: Stage, runs: list[Run], deadline_s: float) -> list[Verdict]:
    return _agent(on, runs[0], deadline_s) if runs[0].client.kind == "agent" else _library(on, runs, deadline_s)


def _key(on: Stage, run: Run) -> tuple[str, str]:
    """A key for this client; a refused one may use no model that is here."""
    made = on.admin.new_key(f"{run.client.name} {run.number}", **({"models": ["other"]} if run.refused else {}))
    return made["id"], made["secret"]


def _library(on: Stage, runs: list[Run], deadline_s: float) -> list[Verdict]:
    client = runs[0].client
    key_id, secret = _key(on, runs[0])
    lines, ran = libraries.run(client, on.steward.url, secret, [run.model for run in runs], deadline_s)
    told = {line["model"]: line for line in lines}
    verdicts = []
    for run in runs:
        verdict = Verdict(run, seconds=ran.seconds / len(runs))
        if line := told.get(run.model):
            verdict.faults = libraries.faults(client, line) + libraries.unheard(on.model.heard[run.model].asked)
            verdict.faults += _unmetered(on.admin, key_id, run, on.model.heard[run.model])
        else:
            verdict.faults = ["it told nothing: " + ran.tail()]
        verdicts.append(verdict)
    return verdicts


def _agent(on: Stage, run: Run, deadline_s: float) -> list[Verdict]:
    key_id, secret = _key(on, run)
    heard = on.model.heard[run.model]
    edited = agents.run(run.client.name, agents.Pointed(on.steward.url, secret, run.model), heard, deadline_s)
    faults = agents.faults(edited, heard) + _unmetered(on.admin, key_id, run, heard)
    return [Verdict(run, faults, edited.ran.seconds)]


def _unmetered(admin: Admin, key_id: str, run: Run, heard: Heard) -> list[str]:
    """Where Steward's usage of this key and model differs from what the model told, token by token and nano-dollar by nano-dollar."""
    prompt, completion = (sum(getattr(say, name) for say in heard.said) for name in ("prompt_tokens", "completion_tokens"))
    cost = sum(PRICE.cost_nano(say.prompt_tokens, say.completion_tokens) for say in heard.said)
    wanted = {"calls": len(heard.said), "prompt_tokens": prompt, "completion_tokens": completion, "cost_nano": cost}
    end = time.monotonic() + 5
    while (metered := _usage(admin, key_id, run.model)) != wanted and time.monotonic() < end:
        time.sleep(0.1)  # a view may be a moment behind the settlement
    return [f"metered {metered}, but the model told {wanted}"] if metered != wanted else []


def _usage(admin: Admin, key_id: str, model: str) -> dict:
    rows = [row for row in admin.usage(group_by="key,model") if row["group"] == {"key": key_id, "model": model}]
    row = rows[0] if rows else {"calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost_microusd": 0}
    counts = {name: row[name] for name in ("calls", "prompt_tokens", "completion_tokens")}
    return counts | {"cost_nano": nano_of_microusd(row["cost_microusd"])}

