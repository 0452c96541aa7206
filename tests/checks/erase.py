"""erase: what is erased stands in no file and in no answer any more, and what lies beside it stays.

Canaries, words that stand nowhere else, are planted in every place that keeps words, in several scripts, with the journal in SQLite and in
PostgreSQL (erase_life.py says where). One scanner (tests/judges/canaries.py) looks for them before and after: in every file of the home as
bytes, in the server's log, in PostgreSQL's whole data folder, in each answer of every address that shows or lists something, and by both
searches. Everything is erased by its own way: a conversation deleted or erased at once, words of a message, an item, a file, a project, a
response, what is kept of a call, a person. When the jobs have ended nothing is found; nor after a restart, a rebuild, or in a backup made
then. What was planted beside it, and not erased, is still there. A third server embeds what is said: its cache loses what was erased.

PostgreSQL has just gathered its statistics when erasing begins (ANALYZE, which its autovacuum does within a minute), since those are copies.
What the scanner can't see, single characters in a compressed index, the searches ask for. Conversations come in by no public interface but
these: there is no import to erase from.
"""

from __future__ import annotations

import base64
import gzip
import sqlite3
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.checks.erase_ask import heard, searched
from tests.checks.erase_life import CONFIG, Stage, Teller
from tests.checks.erase_more import export_under_way, vectors
from tests.harness.postgres import PASSWORD, Postgres
from tests.harness.provider import Provider
from tests.harness.steward import Steward
from tests.harness.stores import STORES, environment
from tests.judges.canaries import Canary, Maker, Scanner, scan_folders

PURGED_S = 90  # an erasure that meets a long read is tried again after 1, 2, 4 … s
SHOWN = 12
SEARCHED_CI = 3
Found = dict[Canary, str]


def run(options: Options) -> Outcome:
    seed = options.number("SEED", 8)
    with ProcessPoolExecutor(len(STORES)) as looking:
        list(looking.map(abs, range(len(STORES))))  # begun before any thread is
        facts = gather(seed, looking, SEARCHED_CI if options.ci else 1)
    return Outcome(judge(facts), {fault: judge(doctored) for fault, doctored in planted(facts).items()})


def gather(seed: int, looking: Executor, every: int) -> dict:
    with Postgres() as postgres, ThreadPoolExecutor() as pool:
        embedding = pool.submit(vectors, seed)
        url = postgres.database("steward")
        stores = pool.map(lambda store, seed: one_store(store, seed, url, postgres, looking, every), STORES, (seed, seed + 1))
        facts = {"stores": dict(zip(STORES, stores, strict=True))}
        facts |= {"vectors": embedding.result(), "faults": faults_found(postgres.folder)}
    return facts


def one_store(store: str, seed: int, url: str, postgres: Postgres, looking: Executor, every: int) -> dict:
    teller = Teller()
    with Provider(teller.scripts()) as provider:
        env = {"SCRIPT_KEY": provider.key, "PGPASSWORD": PASSWORD} | (environment(url) if store == "postgres" else {})
        with Steward(CONFIG.format(base_url=provider.base_url), env=env) as steward:
            stage = Stage(steward, teller, seed)
            return examine(stage, postgres if store == "postgres" else None, looking, every)


def examine(stage: Stage, postgres: Postgres | None, looking: Executor, every: int) -> dict:
    """`every`: of the erased words so manieth is searched for as people do, and only where it is 1 the rebuilt server is asked all again."""
    stage.plant()
    canaries = [*stage.doomed.canaries, *stage.kept.canaries]
    scanner = Scanner(canaries)
    folders = [stage.steward.folder, *([postgres.data] if postgres else [])]
    if postgres:
        postgres.sql("ANALYZE", "steward")
    facts: dict = {"doomed": stage.doomed.canaries, "kept": stage.kept.canaries, "found": {}, "bytes": 0, "seen": []}

    def look(places: list[Path], ask: bool = True) -> Found:
        jobs = [looking.submit(scan_folders, canaries, [place]) for place in places]
        out = heard(stage, scanner) if ask else {}
        for found, size in (job.result() for job in jobs):
            out = found | out
            facts["bytes"] += size
            facts["seen"].append(len(found))
        return out

    def look_after(when: str, places: list[Path], ask: bool = True) -> Found:
        found = look(places, ask)
        facts["found"] |= {canary: f"{when}: {where}" for canary, where in found.items() if canary not in facts["found"]}
        return found

    facts["before"] = look(folders)
    export = export_under_way(stage) if not postgres else None
    for erase in stage.erasing:
        erase()
    facts["export"] = export() if export else None
    stage.stop_slow()
    facts["unpurged"] = purged(stage)

    look_after("purged", folders)
    facts["found"] |= {one: f"found: {where}" for one, where in searched(stage, stage.doomed.canaries[::every], scanner).items()}
    backup = stage.steward.folder / "backup"
    stage.steward.cli("backup", str(backup))
    stage.steward.cli("journal", "rebuild")
    stage.steward.stop()
    stage.steward.start()
    facts["after"] = look_after("rebuilt, restarted", folders[:1], every == 1)  # the backup lies there too; PostgreSQL has only been read since
    facts["backed_up"] = any(backup.iterdir())
    facts["verify"] = stage.steward.cli("journal", "verify", check=False).returncode == 0
    return facts


def purged(stage: Stage) -> list[str]:
    """Waits for every job to end; answers what did not."""

    def open_jobs() -> list[str]:
        jobs = stage.owner.ask("GET", "/admin/v1/jobs", params={"limit": 1000}).json()["data"]
        return [f"{one['kind']}: {one['state']} {one['error'] or ''}" for one in jobs if one["state"] != "finished"]

    end = time.monotonic() + PURGED_S
    while (left := open_jobs()) and time.monotonic() < end:
        time.sleep(0.1)
    return left


# --- whether the scanner sees what it should --------------------------------------------------------------------------------------------


def faults_found(folder: Path) -> dict[str, bool]:
    """Each a way in which something erased may stay in a file: whether the same scanner finds it there."""
    canary = Maker(99).make("a planted fault", "accented")
    other = Maker(98).make("a planted fault", "chinese")
    out = {}
    for number, (name, leave) in enumerate(FAULTS.items()):
        place = folder / f"fault-{number}"
        place.mkdir()
        for one in (canary, other):
            leave(place, one.root)
        out[name] = set(Scanner([canary, other]).scan_files(place)) == {canary, other}
    clean = folder / "clean"
    clean.mkdir()
    (clean / "clean").write_text("nothing of them is here")
    out["cries where nothing is"] = not Scanner([canary, other]).scan_files(clean)
    return out


def _deleted_row(place: Path, text: str) -> None:
    db = sqlite3.connect(place / f"{len(text)}.db")
    db.execute("PRAGMA secure_delete=OFF")
    db.execute("CREATE TABLE t(words TEXT)")
    db.executemany("INSERT INTO t VALUES (?)", [(f"{text} " + "x" * 900,)] * 40)
    db.commit()
    db.execute("DELETE FROM t")
    db.commit()
    db.close()


def _deleted_from_index(place: Path, text: str) -> None:
    db = sqlite3.connect(place / f"{len(text)}.db")
    db.execute("CREATE VIRTUAL TABLE t USING fts5(words)")
    for one in (text, text[:2] + "zz"):  # its neighbour in the index begins as it does
        db.execute("INSERT INTO t VALUES (?)", (one,))
        db.commit()
    db.execute("DELETE FROM t")
    db.commit()
    db.close()


def _left_in_log(place: Path, text: str) -> None:
    path = place / f"{len(text)}.db"
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("CREATE TABLE t(words TEXT)")
    db.execute("INSERT INTO t VALUES (?)", (text,))
    db.commit()
    kept = Path(f"{path}-wal").read_bytes()
    db.close()
    path.unlink()
    (place / f"{len(text)}-wal").write_bytes(kept)


def _written(coded: Callable[[str], bytes], suffix: str = "") -> Callable[[Path, str], None]:
    return lambda place, text: (place / f"{len(text)}{suffix}").write_bytes(coded(text)) and None


def _zipped(place: Path, text: str) -> None:
    with zipfile.ZipFile(place / f"{len(text)}.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", f"<t>{text} and {text}</t>" * 20)


FAULTS: dict[str, Callable[[Path, str], None]] = {
    "a free page": _deleted_row,
    "an index that deletes lazily": _deleted_from_index,
    "a log of writes": _left_in_log,
    "base64": _written(lambda text: base64.b64encode(f"ab{text}c".encode())),
    "base64, aligned otherwise": _written(lambda text: base64.urlsafe_b64encode(f"a{text}c".encode())),
    "UTF-16": _written(lambda text: f"x{text}".encode("utf-16")),
    "JSON escapes": _written(lambda text: b'"' + text.encode("ascii", "backslashreplace").replace(b"\\x", b"\\u00") + b'"'),
    "hex": _written(lambda text: text.encode().hex().encode()),
    "gzip": _written(lambda text: gzip.compress(text.encode() * 3)),
    "a name of a file": _written(lambda text: b"empty", ""),
    "an office file": _zipped,
}
FAULTS["a name of a file"] = lambda place, text: (place / text).write_bytes(b"") and None


# --- the judgement ----------------------------------------------------------------------------------------------------------------------


def judge(facts: dict) -> Metrics:
    stores = facts["stores"].values()
    doomed = [one for store in stores for one in store["doomed"]]
    kept = [one for store in stores for one in store["kept"]]
    before = [one for store in stores for one in store["doomed"] if one in store["before"]]
    found = {f"{name}: {one.place} ({one.script})": where for name, store in facts["stores"].items() for one, where in store["found"].items() if one in set(store["doomed"])}
    there = [one for store in stores for one in store["kept"] if one in store["before"] and one in store["after"]]
    lost = sorted({f"{one.place} ({one.script})" for one in set(kept) - set(there)})
    export = facts["stores"]["sqlite"]["export"]
    cached = facts["vectors"]
    return {
        "cases": len(doomed),
        "canaries": min((len(store["doomed"]) for store in stores), default=0),
        "canaries_all": len(doomed),
        "places": len({one.place for one in doomed}),
        "found_before": len(before),
        "not_found_before": sorted({f"{one.place} ({one.script})" for one in set(doomed) - set(before)})[:SHOWN],
        "found": len(found) + export["told_after"] + cached["found"],
        "found_where": [f"{what} in {where}" for what, where in sorted(found.items())][:SHOWN],
        "kept": len(there),
        "kept_all": len(kept),
        "kept_lost": lost[:SHOWN],
        "export_began": export["began"],
        "vectors": [cached["before"], cached["after"], cached["doomed"]],
        "vectors_kept": cached["kept"],
        "unpurged": [one for store in stores for one in store["unpurged"]][:SHOWN],
        "verify": bool(facts["stores"]) and all(store["verify"] and store["backed_up"] for store in stores),
        "stores": sorted(facts["stores"]),
        "seen_in_postgres": facts["stores"]["postgres"]["seen"][1] if "postgres" in facts["stores"] else 0,  # by itself, before
        "forms_seen": sum(facts["faults"].values()),
        "forms": len(facts["faults"]),
        "forms_missed": [name for name, seen in facts["faults"].items() if not seen],
        "scanned_mb": round(sum(store["bytes"] for store in stores) / 1e6),
    }


def planted(facts: dict) -> dict[str, dict]:
    """The facts of servers that erase less than they say, or more."""

    def store_with(name: str = "sqlite", **doctored: object) -> dict:
        return facts | {"stores": facts["stores"] | {name: facts["stores"][name] | doctored}}

    one = facts["stores"]["sqlite"]["doomed"][0]
    last = facts["stores"]["postgres"]["doomed"][-1]
    cached = facts["vectors"]
    return {
        "keeps a word in a free page": store_with(found={one: "purged: home/views.db"}),
        "keeps a word in PostgreSQL": store_with("postgres", found={last: "purged: base/5/2619"}),
        "brings it back with a rebuild": store_with(found={one: "rebuilt, restarted: home/views.db"}),
        "never had it": store_with(before={}),
        "erases what lies beside it": store_with(after={}),
        "does not come to an end": store_with(unpurged=["erasure.purge: queued store_unavailable"]),
        "breaks the chain": store_with("postgres", verify=False),
        "goes on telling what is erased": store_with(export=facts["stores"]["sqlite"]["export"] | {"told_after": 1}),
        "keeps a vector": facts | {"vectors": cached | {"after": cached["before"], "found": 1}},
        "forgets all vectors": facts | {"vectors": cached | {"after": 0, "kept": False}},
        "looks at one store alone": facts | {"stores": {"sqlite": facts["stores"]["sqlite"]}},
        "does not see base64": facts | {"faults": facts["faults"] | {"base64": False}},
        "refuses everything": facts | {"stores": {name: store | {"doomed": [], "kept": [], "before": {}} for name, store in facts["stores"].items()}},
    }


CHECK = Check(
    "erase",
    run,
    {
        "canaries>=200": lambda m: m["canaries"] >= 200,
        "found_before==canaries": lambda m: m["found_before"] == m["canaries_all"] > 0,
        "found:0": lambda m: m["found"] == 0,
        "verify:true": lambda m: m["verify"] is True,
        "kept==all": lambda m: m["kept"] == m["kept_all"] > 100 and m["vectors_kept"] is True,
        "purged": lambda m: not m["unpurged"],
        "stores==2": lambda m: m["stores"] == ["postgres", "sqlite"] and m["seen_in_postgres"] >= 200,
        "vectors go": lambda m: m["vectors"][0] - m["vectors"][1] == m["vectors"][2] > 0,
        "export under way": lambda m: m["export_began"] is True,
        "forms seen": lambda m: m["forms_seen"] == m["forms"] > 10,
    },
)
