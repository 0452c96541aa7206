"""store: SQLite in the home and PostgreSQL keep the same promises.

The same cases run against the shipped binary on either store over public interfaces, and must answer what was written down by hand
(`sqlite==postgres`); then a real PostgreSQL is cut off in a COMMIT, restarted, killed and taken over from. The store's own conformance
suite (`journal_test`, `EveryStore.*`, `OnPostgres.*`) holds the same below these interfaces.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.checks.store_cases import CASES, CONFIG, Stage, provider_scripts
from tests.checks.store_faults import ENDS, FAULTS
from tests.harness.postgres import PASSWORD, Postgres
from tests.harness.provider import Provider
from tests.harness.steward import Steward
from tests.harness.stores import STORES, environment


SLOW_S = 3  # a case that takes longer is named on standard error


def run(options: Options) -> Outcome:
    ends = dict(list(ENDS.items())[-1:]) if options.ci else ENDS
    with Postgres() as postgres, Provider(provider_scripts()) as provider:
        url = postgres.database("steward")
        config, env = CONFIG.format(base_url=provider.base_url), {"SCRIPT_KEY": provider.key, "PGPASSWORD": PASSWORD}
        with Steward(config, env=env) as in_home, Steward(config, env=env | environment(url)) as in_postgres:
            stages = {"sqlite": Stage(in_home, "", postgres), "postgres": Stage(in_postgres, url, postgres)}
            with ThreadPoolExecutor() as pool:  # each waits for its server most of the time
                faults = pool.submit(answers, stages["postgres"], FAULTS)
                facts = dict(zip(STORES, pool.map(lambda store: answers(stages[store], CASES), STORES), strict=True))
                facts |= {"faults": faults.result(), "version": postgres.version, "asked": len(FAULTS) + len(ends)}
            facts["faults"] |= answers(stages["postgres"], ends)
    return Outcome(judge(facts), {fault: judge(doctored) for fault, doctored in planted(facts).items()})


def answers(stage: Stage, cases: dict[Callable[[Stage], object], object]) -> dict[str, object]:
    """What each case answered; one that raised answers that."""
    out: dict[str, object] = {}
    for case in cases:
        began = time.monotonic()
        try:
            out[case.__name__] = case(stage)
        except Exception as error:  # noqa: BLE001 the next cases still tell something
            traceback.print_exc()
            out[case.__name__] = f"{type(error).__name__}: {error}"[:400]
            if stage.steward.process.poll() is not None:
                stage.steward.start()
        if (took := time.monotonic() - began) > SLOW_S:
            print(f"store: {'postgres' if stage.url else 'sqlite'}: {case.__name__}: {took:.1f} s", file=sys.stderr)
    return out


def judge(facts: dict) -> Metrics:
    right = {case.__name__: wanted for case, wanted in CASES.items()}
    faults = {case.__name__: wanted for case, wanted in [*FAULTS.items(), *ENDS.items()]}
    wrong = [f"{store}: {name}: {facts[store].get(name)!r}" for store in STORES for name, wanted in right.items() if facts[store].get(name) != wanted]
    wrong += [f"fault: {name}: {answer!r}" for name, answer in facts["faults"].items() if answer != faults[name]]
    agreeing = {store: sum(facts[store].get(name) == wanted for name, wanted in right.items()) for store in STORES}
    return {
        "cases": len(facts["sqlite"]) + len(facts["postgres"]) + len(facts["faults"]),
        "sqlite": agreeing["sqlite"],
        "postgres": agreeing["postgres"],
        "faults": len(facts["faults"]),
        "faults_asked": facts["asked"],
        "failed": len(wrong),
        "wrong": wrong,
        "server_version": facts["version"],
    }


def planted(facts: dict) -> dict[str, dict]:
    """The facts of servers that break a promise, each in one way."""

    def with_answer(part: str, case: Callable[[Stage], object], answer: object) -> dict:
        return facts | {part: facts[part] | {case.__name__: answer}}

    by_name = {case.__name__: case for case in [*CASES, *FAULTS]}
    refused = {name: "AssertionError: answered 503" for name in facts["postgres"]}
    return {
        "loses what it acknowledged": with_answer("postgres", by_name["killed_loses_nothing_acknowledged"], [40, 1]),
        "leaves a gap": with_answer("postgres", by_name["many_at_once_are_gapless"], [{201: 80}, 80, False]),
        "keeps what was erased": with_answer("postgres", by_name["erased_is_gone_from_every_file"], [True, True, ["finished"], True, False]),
        "charges otherwise": with_answer("postgres", by_name["calls_are_charged_exactly"], {"answers": [200] * 6, "calls": 6, "costs": [1], "sum": 6}),
        "copies other bytes": with_answer("postgres", by_name["copied_there_and_back_it_is_the_same"], [True, [0, 0], 0, [True, False], 200]),
        "writes as a zombie": with_answer("faults", by_name["a_zombie_writes_nothing"], [201, 201, 201, True, 1, 0]),
        "appends twice after a lost COMMIT": with_answer("faults", by_name["lost_in_a_commit_that_was_made"], [201, 1, 201, 2, True, 201, 0]),
        "loses an acknowledged COMMIT": with_answer("faults", by_name["lost_in_a_commit_that_was_not"], [201, 1, 201, 0, True, 201, 0]),
        "shows a password": with_answer("faults", by_name["passwords_are_not_shown"], [True, True, True, True, False]),
        "knows no PostgreSQL": facts | {"postgres": {}, "faults": {}},
        "tells no version": facts | {"version": ""},
        "refuses everything": facts | {"sqlite": refused, "postgres": refused},
    }


CHECK = Check(
    "store",
    run,
    {
        "sqlite==postgres": lambda m: m["sqlite"] == m["postgres"] == len(CASES) > 0,
        "faults==all": lambda m: m["faults"] == m["faults_asked"] > 0,
        "failed:0": lambda m: m["failed"] == 0,
        "the server's version": lambda m: bool(m["server_version"]),
    },
)
