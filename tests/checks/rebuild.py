"""rebuild: everything but the journal can be thrown away.

A random history of every kind of record that this release can write (`steward debug record-kinds`: the journal refuses any other) is made over
the public interfaces. Then the live tables of views.db are compared byte for byte
with those that `steward journal rebuild` folds anew; `journal verify` holds; and copies whose journal was changed are all found out.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.checks.history import History, config_of, history_provider
from tests.checks.history_talk import Shelf
from tests.harness.steward import Steward
from tests.judges import chain, tamper
from tests.judges.export import read_export
from tests.judges.tables import Tables, differences, read_tables, row_count

TURNS, TURNS_CI = 400, 150


def run(options: Options) -> Outcome:
    seed = options.number("SEED", int.from_bytes(os.urandom(4)))
    turns = options.number("TURNS", TURNS_CI if options.ci else TURNS)
    with history_provider() as provider, Shelf() as shelf:
        steward = Steward(config_of(provider.base_url), env={"SCRIPT_KEY": provider.key})
        try:
            unexpected = History(steward, random.Random(seed), shelf.url).live(turns)
            facts = {"seed": seed, "unexpected": unexpected} | examine(steward)
        finally:
            steward.close()
    return Outcome(judge(facts), {fault: judge(doctored) for fault, doctored in planted(facts).items()})


def examine(steward: Steward) -> dict:
    """The stopped home: live tables, rebuilt tables, the chain, and tampered copies."""
    live = read_tables(steward.home / "views.db")
    steward.cli("journal", "rebuild")
    rebuilt = read_tables(steward.home / "views.db")
    export = steward.folder / "export.jsonl"
    export.write_text(steward.cli("journal", "export").stdout)
    records = list(read_export(export))
    return {
        "records": len(records),
        "kinds": sorted({one["kind"] for one in records}),
        "known": listed(steward),
        "apart": listed(steward, "--apart"),
        "live": live,
        "rebuilt": rebuilt,
        "verify": steward.cli("journal", "verify", check=False).returncode == 0,
        "chain_faults": chain.faults(records),
        "tampered": {name: found_out(steward, change) for name, change in tamper.FAULTS.items()},
    }


def listed(steward: Steward, *more: str) -> list[str]:
    return [line.split()[0] for line in steward.cli("debug", "record-kinds", *more).stdout.splitlines()]


def found_out(steward: Steward, change) -> bool:
    """Whether verify notices this change in a copy of the home."""
    copy = Path(shutil.copytree(steward.home, steward.folder / "tampered", ignore=shutil.ignore_patterns("models", "lock")))
    try:
        change(copy / "journal.db")
        return steward.cli("journal", "verify", check=False, env={"STEWARD_HOME": str(copy)}).returncode != 0
    finally:
        shutil.rmtree(copy)


def judge(facts: dict) -> Metrics:
    unlike = differences(facts["live"], facts["rebuilt"])
    tampered = facts["tampered"]
    return {
        "cases": facts["records"] + len(tampered),
        "records": facts["records"],
        "rows": row_count(facts["live"]),
        "tables": len(facts["live"]),
        "kinds": len(set(facts["kinds"]) & set(facts["known"])),
        "kinds_all": len(facts["known"]),
        "kinds_missing": sorted(set(facts["known"]) - set(facts["kinds"])),
        "kinds_unknown": sorted(set(facts["kinds"]) - set(facts["known"]) - set(facts["apart"])),
        "kinds_apart": facts["apart"],  # that no public interface leads to, as the program says
        "apart_made": sorted(set(facts["kinds"]) & set(facts["apart"])),
        "views_equal": not unlike,
        "differences": unlike[:10],
        "verify": facts["verify"] and not facts["chain_faults"],
        "tamper_tried": len(tampered),
        "tamper_detected": bool(tampered) and all(tampered.values()),
        "tamper_missed": [name for name, found in tampered.items() if not found],
        "unexpected": facts["unexpected"][:5],
        "seed": facts["seed"],
    }


def planted(facts: dict) -> dict[str, dict]:
    table = max(facts["live"], key=lambda name: len(facts["live"][name]))
    rows = facts["live"][table]

    def rebuilt_as(changed: list[str]) -> dict:
        tables: Tables = facts["rebuilt"] | {table: changed}
        return facts | {"rebuilt": tables}

    return {
        "rebuilds another cell": rebuilt_as([*rows[:-1], rows[-1][:-1] + ("1" if rows[-1][-1] != "1" else "2")]),
        "rebuilds a row less": rebuilt_as(rows[:-1]),
        "rebuilds nothing": facts | {"rebuilt": {}},
        "has no tables": facts | {"live": {}, "rebuilt": {}},
        "writes a kind that it does not know": facts | {"kinds": [*facts["kinds"], "thing.unknown"]},
        "never wrote a kind": facts | {"kinds": facts["kinds"][1:]},
        "writes what it says nothing leads to": facts | {"kinds": [*facts["kinds"], "thing.apart"], "apart": [*facts["apart"], "thing.apart"]},
        "lists nothing": facts | {"known": [], "apart": []},
        "overlooks a change": facts | {"tampered": facts["tampered"] | {"a time": False}},
        "cries at a whole chain": facts | {"verify": False},
        "breaks the chain": facts | {"chain_faults": ["broken"]},
        "refuses everything": facts | {"records": 0, "kinds": [], "unexpected": ["403"]},
    }


CHECK = Check(
    "rebuild",
    run,
    {
        "records>0": lambda m: m["records"] > 0,
        "rows>0": lambda m: m["rows"] > 0,
        "kinds==all": lambda m: m["kinds"] == m["kinds_all"] > 0 and not m["kinds_unknown"] and not m["apart_made"],
        "views_equal": lambda m: m["views_equal"] is True,
        "verify": lambda m: m["verify"] is True,
        "tamper_detected": lambda m: m["tamper_detected"] is True,
        "unexpected==0": lambda m: not m["unexpected"],
    },
)
