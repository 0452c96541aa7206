"""wall: a budget is a wall at admission, under any concurrency.

Four nested budgets (key < person < team < organisation) over four keys, and an upstream that holds every answer until all 1,000 calls
are decided, so nothing is given back meanwhile. Each admitted call costs exactly its worst case, so the number that may pass is computed
by hand. The calls arrive interleaved by key; on the way up each budget fills in turn:

    one:   person P, own budget of 5 calls         the key's binds at its 6th
    two:   person P, whose budget holds 30         the person's binds once `one` and `two` have 30
    three: person Q, same team, which holds 100    the team's binds once the three have 100
    four:  person R, another team                  the organisation's binds at 300 in all

Each holds about three times the one inside it, since all calls are sent at once and a thousand connections don't arrive in order.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.harness import scripts, wire
from tests.harness.admin import Admin
from tests.harness.money import Price, nano_of_microusd
from tests.harness.provider import Gate, Provider
from tests.harness.steward import Steward
from tests.harness.stores import journal_in

CALLS = 1_000
OUTPUT_TOKENS = 10
PROMPT_TOKENS = 7  # what the upstream reports; free, so the worst case is known whatever bound the input is given
PRICE = Price(output_pico=10_000_000)
COST_NANO = PRICE.cost_nano(PROMPT_TOKENS, OUTPUT_TOKENS)  # 100,000: a hundredth of a cent
LIMITS = {"key": 5, "person": 30, "team": 100, "organisation": 300}  # in calls
EXPECTED = LIMITS["organisation"]  # by hand: every pool is asked for more than it holds, and the outermost holds 300

CONFIG = """
[providers.slow]
base_url = "{base_url}"
key_env = "SLOW_KEY"
models = ["slow-1"]
"""


def run(options: Options) -> Outcome:
    with Provider() as provider, journal_in(options.settings.get("STORE", "sqlite")) as store:
        gate = provider.gate()
        provider.scripts["slow-1"] = scripts.answer("ten tokens", prompt=PROMPT_TOKENS, gate=gate)
        config = CONFIG.format(base_url=provider.base_url)
        with Steward(config, env={"SLOW_KEY": provider.key} | store) as steward, Admin(steward) as admin:
            keys, scopes = furnish(admin)
            answers = asyncio.run(storm(steward.port, list(keys.values()), gate, provider))
            budgets = {kind: one for one in admin.budgets() for kind, scope in scopes.items() if one["scope"] == scope}
    facts = gather(answers, len(provider.calls("slow-1")), budgets)
    metrics = judge(facts)
    return Outcome(metrics, {fault: judge(doctored) for fault, doctored in planted(facts).items()})


def furnish(admin: Admin) -> tuple[dict[str, str], dict[str, str]]:
    """People, teams, keys and budgets. Answers the keys' secrets and the scope of each budget."""
    admin.set_price("slow", "slow-1", PRICE)
    teams = {name: admin.new_principal("team", name) for name in ("builders", "sellers")}
    people = {name: admin.new_principal("user", name) for name in "PQR"}
    for person, team in (("P", "builders"), ("Q", "builders"), ("R", "sellers")):
        admin.add_member(teams[team], people[person])
    owners = {"one": ("P", "builders"), "two": ("P", "builders"), "three": ("Q", "builders"), "four": ("R", "sellers")}
    made = {name: admin.new_key(name, owner=people[person], team=teams[team]) for name, (person, team) in owners.items()}
    scopes = {"key": made["one"]["id"], "person": people["P"], "team": teams["builders"], "organisation": admin.tenant()}
    for kind, scope in scopes.items():
        admin.set_budget(kind, scope, LIMITS[kind] * COST_NANO)
    return {name: one["secret"] for name, one in made.items()}, scopes


async def storm(port: int, keys: list[str], gate: Gate, provider: Provider) -> list[wire.Answer]:
    """All calls at once; the upstream answers when each is either held there or refused."""
    body = {"model": "slow-1", "messages": [{"role": "user", "content": "go"}], "max_tokens": OUTPUT_TOKENS}
    tasks = [asyncio.ensure_future(wire.call(port, "/v1/chat/completions", keys[i % len(keys)], body, deadline_s=50)) for i in range(CALLS)]
    for _ in range(400):
        await asyncio.sleep(0.05)
        if sum(task.done() for task in tasks) + len(provider.calls()) >= CALLS:
            break
    await asyncio.sleep(0.3)  # one that slipped past the wall would still be on its way
    gate.open()
    return [one if isinstance(one, wire.Answer) else wire.Answer() for one in await asyncio.gather(*tasks, return_exceptions=True)]


def gather(answers: list[wire.Answer], upstream_seen: int, budgets: dict[str, dict]) -> dict:
    """Plain facts, so that planted faults can be made by changing them."""
    return {
        "answers": [{"status": one.status, "code": one.error.get("code"), "budget": blamed(one), "retry": one.headers.get("retry-after")} for one in answers],
        "upstream_seen": upstream_seen,
        "budgets": {
            kind: {"id": one["id"], "spent": nano_of_microusd(one["spent_microusd"]), "overrun": nano_of_microusd(one["overrun_microusd"])}
            for kind, one in budgets.items()
        },
    }


def blamed(answer: wire.Answer) -> str | None:
    """The budget that a refusal names."""
    error = answer.error
    return error.get("budget") or (error.get("details") or {}).get("budget")


def judge(facts: dict) -> Metrics:
    by_status = Counter(one["status"] for one in facts["answers"])
    ids = {one["id"]: kind for kind, one in facts["budgets"].items()}
    full = {kind for kind, one in facts["budgets"].items() if one["spent"] == LIMITS[kind] * COST_NANO}
    refusals = [one for one in facts["answers"] if one["code"] == "budget_exceeded" and one["status"] == 429]
    named = [ids.get(one["budget"]) for one in refusals]
    overrun = sum(max(0, one["spent"] - LIMITS[kind] * COST_NANO) + one["overrun"] for kind, one in facts["budgets"].items())
    return {
        "cases": len(facts["answers"]),
        "calls": len(facts["answers"]),
        "expected": EXPECTED,
        "admitted": by_status[200],
        "upstream_seen": facts["upstream_seen"],
        "refused": len(refusals),
        "other_answers": len(facts["answers"]) - by_status[200] - len(refusals),
        "budgets_bound": len({kind for kind in named if kind}),
        "overrun_microusd": overrun / 1_000,
        # A refusal was just only if the budget that it names is full at the end: nothing was given back meanwhile.
        "false_refusals": sum(kind not in full for kind in named) + max(0, EXPECTED - by_status[200]),
        "cost_microusd_each": COST_NANO / 1_000,
    }


def planted(facts: dict) -> dict[str, dict]:
    """The facts of servers that break the promise, each in one way."""
    refused = next((i for i, one in enumerate(facts["answers"]) if one["status"] == 429), 0)
    let_in = facts["answers"][:refused] + [{"status": 200, "code": None, "budget": None, "retry": None}] + facts["answers"][refused + 1 :]
    nothing = [{"status": 429, "code": "budget_exceeded", "budget": facts["budgets"]["key"]["id"], "retry": "1"}] * len(facts["answers"])
    team = facts["budgets"]["team"]
    return {
        "admits one too many": facts | {"answers": let_in, "upstream_seen": facts["upstream_seen"] + 1},
        "asks upstream behind a refusal": facts | {"upstream_seen": facts["upstream_seen"] + 1},
        "refuses everything": facts | {"answers": nothing, "upstream_seen": 0},
        "spends past a limit": facts | {"budgets": facts["budgets"] | {"team": team | {"spent": team["spent"] + COST_NANO}}},
        "blames a budget with room": facts | {"budgets": facts["budgets"] | {"team": team | {"spent": team["spent"] - COST_NANO}}},
    }


CHECK = Check(
    "wall",
    run,
    {
        "calls==1000": lambda m: m["calls"] == CALLS,
        "expected>0": lambda m: m["expected"] > 0,
        "admitted==expected==upstream_seen": lambda m: m["admitted"] == m["expected"] == m["upstream_seen"],
        "refused>0": lambda m: m["refused"] > 0,
        "other_answers==0": lambda m: m["other_answers"] == 0,
        "budgets_bound==4": lambda m: m["budgets_bound"] == 4,
        "overrun_microusd==0": lambda m: m["overrun_microusd"] == 0,
        "false_refusals==0": lambda m: m["false_refusals"] == 0,
    },
)
