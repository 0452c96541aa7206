"""clients: real client libraries and coding agents, unmodified, at the committed versions, each in front of Steward.

Every library holds a streamed conversation that uses a tool (two calls at once, results back, a final answer) with a scripted model that
speaks each of the four dialects behind Steward; every agent makes a small edit in a file. A run counts as well only if the client's user was
handed exactly what the model said, the model was told everything the client sent, and Steward metered what the model told, to the
nano-dollar. The control runs the same clients where they must fail: a key that may not use the model, and a model that calls no tool.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.realclients.catalog import Client, committed, installed
from tests.realclients.runs import DIALECTS, Run, Verdict, perform, stage

SHOWN_FAULTS = 12
DEADLINE_S = 90


def plan(clients: list[Client], ci: bool) -> list[Run]:
    """Each library over each dialect behind. Each agent over each too, but in continuous integration over the one that most providers
    speak, and the agent's own."""
    runs: list[Run] = []
    for client in clients:
        behind = ("chat", client.dialect) if ci and client.kind == "agent" else DIALECTS
        runs += [Run(client, dialect, len(runs) + index) for index, dialect in enumerate(dict.fromkeys(behind))]
    return runs


def faulty(clients: list[Client], first: int) -> list[Run]:
    """Runs that must fail, real ones: a library and an agent that are refused, and both before a model that calls no tool."""
    library = next(client for client in clients if client.kind == "library")
    agent = next(client for client in clients if client.name == "Claude Code")
    kinds = [(client, fault) for client in (library, agent) for fault in ("refused", "idle")]
    return [Run(client, "chat", first + index, **{fault: True}) for index, (client, fault) in enumerate(kinds)]


def run(options: Options) -> Outcome:
    clients = committed()
    runs = plan(clients, options.ci)
    planted_runs = faulty(clients, len(runs))
    with stage(runs + planted_runs) as on:
        verdicts = perform(on, runs + planted_runs, DEADLINE_S)
        unreadable = list(on.model.unreadable)
        websockets = on.steward.metric("steward_http_requests_total", method="GET", route="/v1/responses", status="101")
    meant_to_fail = [one for one in verdicts if one.run.idle or one.run.refused]
    facts = {
        "committed": {client.name: client.versions for client in clients},
        "found": {client.name: installed(client) for client in clients},
        "verdicts": [one for one in verdicts if one not in meant_to_fail],
        "planned": len(runs),
        "unreadable": unreadable,
        "websockets": int(websockets),
    }
    return Outcome(judge(facts), {fault: judge(doctored) for fault, doctored in planted(facts, meant_to_fail).items()})


def judge(facts: Mapping) -> Metrics:
    verdicts: list[Verdict] = facts["verdicts"]
    failed = [one for one in verdicts if one.faults]
    tried = {one.run.client.name for one in verdicts}
    return {
        "cases": len(verdicts),
        "skipped": facts["planned"] - len(verdicts),
        "failed": len(failed) + len(facts["unreadable"]),
        "clients": len(tried),
        "versions_differ": sorted(name for name, version in facts["committed"].items() if facts["found"].get(name) != version),
        "not_tried": sorted(facts["committed"].keys() - tried),
        "not_committed": sorted(tried - facts["committed"].keys()),
        "versions": dict(facts["found"]),
        "faults": [one.as_json() for one in failed][:SHOWN_FAULTS],
        "unreadable": facts["unreadable"][:SHOWN_FAULTS],
        "websockets": facts["websockets"],
        "websockets_meant": sum("WebSocket" in one.run.client.name for one in verdicts),
        "slowest_s": round(max((one.seconds for one in verdicts), default=0.0), 1),
    }


def planted(facts: dict, meant_to_fail: list[Verdict]) -> dict[str, dict]:
    """What the judge must refuse: the runs that were planted, and lists and counts that are not the committed ones."""
    name = next(iter(facts["committed"]))
    faults = {f"{'refused' if one.run.refused else 'idle'}: {one.run.client.name}": facts | {"verdicts": [*facts["verdicts"], one], "planned": facts["planned"] + 1}
              for one in meant_to_fail}
    return faults | {
        "another version": facts | {"found": facts["found"] | {name: dict.fromkeys(facts["committed"][name], "0.0.1")}},
        "a client that is not installed": facts | {"found": facts["found"] | {name: dict.fromkeys(facts["committed"][name], "")}},
        "a client that was left out": facts | {"verdicts": [one for one in facts["verdicts"] if one.run.client.name != name]},
        "a client that fell back from its WebSocket": facts | {"websockets": facts["websockets"] - 1},
        "a model that could not read": facts | {"unreadable": ["/v1/chat/completions: KeyError"]},
    }


CHECK = Check(
    "clients",
    run,
    {
        "failed==0": lambda m: m["failed"] == 0,
        "skipped==0": lambda m: m["skipped"] == 0,
        "websockets==meant>0": lambda m: m["websockets"] == m["websockets_meant"] > 0,
        "names and versions==committed": lambda m: m["versions_differ"] == m["not_tried"] == m["not_committed"] == [],
    },
)
