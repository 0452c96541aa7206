"""Two things of `erase` that need a stage of their own: an export that is under way when its conversation is erased, and the cache of
vectors, for which a server has to embed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.checks.erase_life import Stage, until
from tests.harness.people import Browser, owner_of
from tests.harness.steward import Steward

PARTS, PART_BYTES = 10, 1_000_000  # more than the line between a server and a reader that waits can hold
EMBEDDED_S = 240
WITH_ENGINE = "[people]\nsign_in_tries = 1000\n[engine]\nwarm = false\n[talk]\nundo_seconds = 0\n"
DOOMED = ("My sister's dog is called Rex.", "The bread was baked by a man from Lyon.", "去年三月我们去了北京看长城。")
KEPT = ("The train to Lyon was late again.", "Please remind me to buy salt.")


def export_under_way(stage: Stage) -> Callable[[], dict]:
    """Begins to read a long conversation's export; the answer reads the rest, which must not tell what has been erased since."""
    talk = stage.new(title="A long talk")
    last = "theverylastofalongtalk"
    for part in range(PARTS):
        stage.say(talk, f"part{part} " + "-" * PART_BYTES + (last if part == PARTS - 1 else ""), answer=False)
    context = stage.ana.http.stream("GET", f"/v1/conversations/{talk}/export", params={"format": "json"}, timeout=60)
    answer = context.__enter__()
    pieces = answer.iter_bytes()
    began = b"part0" in next(pieces)
    stage.erasing.append(lambda: stage.ana.call("DELETE", f"/v1/conversations/{talk}"))

    def rest() -> dict:
        text = b""
        try:
            for piece in pieces:
                text = text[-len(last) :] + piece
                if last.encode() in text:
                    return {"began": began, "told_after": 1}
        except httpx.HTTPError:
            return {"began": began, "told_after": 0}  # cut off, since it can't be told whole any more
        finally:
            context.__exit__(None, None, None)
        return {"began": began, "told_after": 0}

    return rest


def vectors(_: int) -> dict:
    """How many vectors there are before and after an erasure, and whether any file holds those that went, or their names."""
    with Steward(WITH_ENGINE) as steward, owner_of(steward) as me:
        talks = {text: say(me, text) for text in (*DOOMED, *KEPT)}
        until(lambda: waiting(me) == 0, "the embeddings", EMBEDDED_S)
        home = steward.home
        before = cached(home)
        doomed = names(home, [talks[text] for text in DOOMED])
        kept = names(home, [talks[text] for text in KEPT])
        there = doomed <= set(before) and kept <= set(before)
        for text in DOOMED:
            me.call("DELETE", f"/v1/conversations/{talks[text]}")
        until(lambda: len(cached(home)) <= len(kept) and not open_jobs(me), "the cache's cleaning")
        secrets = [part for name in doomed for part in (name, before.get(name, name))]
        after = cached(home)
        found = sum(any(secret in path.read_bytes() for path in files(home)) for secret in secrets)
        return {"before": len(before), "after": len(after), "doomed": len(doomed), "kept": there and kept <= set(after), "found": found}


def say(me: Browser, text: str) -> str:
    talk = me.call("POST", "/v1/conversations", {})["id"]
    me.call("POST", f"/v1/conversations/{talk}/messages", {"text": text, "answer": False})
    return talk


def waiting(me: Browser) -> int:
    return me.call("POST", "/v1/memory/search", {"query": "x"})["state"]["waiting"]


def open_jobs(me: Browser) -> bool:
    return any(one["state"] != "finished" for one in me.ask("GET", "/admin/v1/jobs", params={"limit": 1000}).json()["data"])


def files(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file() and not path.is_symlink() and "models" not in path.parts]


def read(path: Path, query: str) -> list[tuple]:
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def cached(home: Path) -> dict[bytes, bytes]:
    return dict(read(home / "vectors" / "memory.db", "SELECT key, vector FROM vectors"))


def names(home: Path, talks: list[str]) -> set[bytes]:
    places = ", ".join(f"'{talk}'" for talk in talks)
    return {key for (key,) in read(home / "views.db", f"SELECT key FROM memory_passages WHERE conversation IN ({places})")}
