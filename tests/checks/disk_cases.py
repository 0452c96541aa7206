"""The faults of `disk` on the journal, the views and the folder. Each case brings a home to life, breaks something, and says what the judge
may expect: `expect` are words that must stand among the signs the server gave, `claims` are what has to hold besides."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from errno import EIO, ENOSPC, EROFS
from pathlib import Path

from tests.checks.disk_site import Site
from tests.faults import control as f

WAL = "journal.db-wal"


@dataclass
class Told:
    """What a case answers: whether the fault struck, and what must hold."""

    fired: bool
    expect: tuple[str, ...] = ()
    claims: dict[str, bool] = field(default_factory=dict)
    absorbed: int = 0


Case = Callable[[Site], Told]


def broken_disk(code: str, arm: Callable[[f.Faults], object], dialect_words: int = 4) -> Case:
    """Under load, the disk begins to fail: nothing new is promised, it is told why, and all goes on when the disk works again."""

    def case(site: Site) -> Told:
        site.begin()
        site.traffic()
        arm(site.faults)
        struck = site.until_refused()
        state = site.ready()
        doctor = site.doctor()
        site.refusals.clear()
        granted = site.traffic(1)
        refused = len(site.refusals)
        fired = site.faults.fired()
        site.faults.disarm()
        back = site.wait_ready()
        done = site.traffic()
        claims = {
            "it was told": struck,
            "/readyz answers 503 with the code": state["http"] == 503 and code in state["codes"],
            "doctor names it": any(line.startswith(code) for line in doctor),
            "nothing is promised while it lasts": granted == 0,
            "every dialect is refused with 503": refused == dialect_words + 1 and all(one["status"] == 503 for one in site.refusals),
            "it goes on without hand work": back and done == 2 * (dialect_words + 1),
        }
        return Told(fired > 0, (f"readyz 503: {code}", f"doctor {code}", "refused"), claims)

    return case


def file_size_limit(site: Site) -> Told:
    """A real limit of the system: files may grow no further."""
    site.begin()
    site.traffic()
    pid = site.steward.process.pid
    wal = site.steward.home / WAL
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (wal.stat().st_size, hard))
    struck = site.until_refused()
    state = site.ready()
    site.doctor()
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
    claims = {"/readyz answers 503": state["http"] == 503, "it goes on without hand work": site.wait_ready() and site.traffic() == 10}
    return Told(struck, ("readyz 503: disk_full", "doctor disk_full"), claims)


def views_full(site: Site) -> Told:
    """The journal's disk works, that of the views doesn't: calls go on, and it is told that figures lag."""
    site.begin()
    site.faults.arm(f.WRITE, f.ERRNO, error=ENOSPC, match="views.db-wal")
    site.traffic()
    told = site.wait_code("disk_full")
    granted = site.traffic(1)
    http = site.ready()["http"]
    site.doctor()
    fired = site.faults.fired()
    site.faults.disarm()
    back = site.wait(lambda: "disk_full" not in site.ready()["codes"])
    return Told(fired > 0, ("readyz 200: disk_full", "doctor disk_full"), {"calls go on": granted == 5 and http == 200, "it is told": told, "the views catch up": back})


def short_writes(site: Site) -> Told:
    """Every write takes half of what it is given: the rest is written by the next one."""
    site.begin()
    site.faults.arm(f.WRITE, f.SHORT, match="")
    granted = site.traffic(3)
    fired = site.faults.fired()
    site.faults.disarm()
    return Told(fired > 0, (), {"calls go on": granted == 15, "it stays ready": site.ready()["http"] == 200}, absorbed=granted)


def read_only_start(site: Site) -> Told:
    """A start on a disk that takes no writes ends with a sentence; on one that does, it goes on where it was."""
    site.begin()
    site.traffic()
    site.steward.stop()
    rule = site.faults.arm(f.CHANGES, f.ERRNO, error=EROFS)
    refused = site.start_refused()
    fired = site.faults.fired()
    site.faults.disarm()
    site.steward.start()
    return Told(fired > 0 and rule == 0, ("Read-only file system",), {"the start is refused": refused, "it goes on": site.traffic(1) == 5})


def torn_log(site: Site) -> Told:
    """Half of a page reaches the log, then the process is gone."""
    site.begin()
    site.traffic()
    site.faults.arm(f.WRITE, f.TEAR_AND_DIE, match=WAL, skip=6)
    struck = site.until_refused()
    died = site.steward.process.wait(10) == -signal.SIGKILL
    site.faults.disarm()
    site.doctor()
    site.steward.start()
    return Told(struck and died, ("cut",), {"it starts without hand work": site.ready()["http"] == 200, "it goes on": site.traffic(1) == 5})


def torn_database(site: Site) -> Told:
    """Half of a page reaches the database while the log is taken in at a stop; the log still has it whole."""
    site.begin()
    site.traffic(3)
    site.faults.arm(f.WRITE, f.TEAR_AND_DIE, match="journal.db", skip=1)
    site.steward.process.send_signal(signal.SIGTERM)
    died = site.steward.process.wait(20) == -signal.SIGKILL
    if died:
        site.told.append("cut: the process died")
    site.faults.disarm()
    site.steward.start()
    return Told(died, ("cut",), {"it starts without hand work": site.ready()["http"] == 200, "it goes on": site.traffic(1) == 5})


# --- pages that rotted --------------------------------------------------------------------------------------------------------------
def spoil(path: Path, needle: bytes, change: Callable[[bytearray, int], None]) -> bool:
    """Changes the file where it holds these bytes; true when it does."""
    data = bytearray(path.read_bytes())
    at = data.find(needle)
    if at < 0:
        return False
    change(data, at)
    path.write_bytes(data)
    return True


def whole_page(data: bytearray, at: int) -> None:
    begin = at // 4096 * 4096
    data[begin : begin + 4096] = os.urandom(4096)


def one_bit(data: bytearray, at: int) -> None:
    data[at] ^= 1


def spoiled_journal(change: Callable[[bytearray, int], None]) -> Case:
    """A page of the journal rotted while the server was down: found before anything is promised on it, or within moments of the start;
    what the last backup holds is served again after a restore."""

    def case(site: Site) -> Told:
        site.begin()
        site.traffic()
        copy = Path(site.cli("backup", "--json").stdout and newest_backup(site))
        site.steward.stop()
        spoiled = spoil(site.steward.home / "journal.db", b'"name":"client"', change)
        site.doctor()
        refused = site.start_refused()
        noticed = refused or site.wait_code("journal_corrupt")
        granted = 0 if refused else site.traffic(1)
        if not refused:
            site.doctor()
            site.steward.stop()
        site.steward.env = site.plain_env
        fresh = site.steward.folder / "restored"
        restored = site.cli_on(fresh, "restore", str(copy), check=False)
        if restored.returncode == 0:
            site.move_to(fresh)
            site.steward.start()
        back = restored.returncode == 0 and site.traffic(1) == 5
        claims = {"it is noticed": noticed, "nothing is promised on it": granted == 0, "a backup brings it back": back}
        return Told(spoiled, ("journal verify", "doctor journal: "), claims)

    return case


def newest_backup(site: Site) -> str:
    return str(max((site.steward.home / "backups").iterdir(), key=lambda path: path.stat().st_mtime))


def lost_log(site: Site) -> Told:
    """The log's end rotted after it was synced, so SQLite leaves it out: acknowledged records are gone, and the views know of them."""
    site.begin()
    site.traffic()
    caught_up = site.wait(lambda: applied(site))
    copy = Path(site.cli("backup", "--json").stdout and newest_backup(site))
    site.steward.kill()
    wal = site.steward.home / WAL
    data = bytearray(wal.read_bytes())
    data[32 + 24 + 100] ^= 1  # in the first frame: all after it count no more
    wal.write_bytes(data)
    refused = site.start_refused()
    site.steward.env = site.plain_env
    fresh = site.steward.folder / "restored"
    restored = site.cli_on(fresh, "restore", str(copy), check=False).returncode == 0
    if restored:
        site.move_to(fresh)
        site.steward.start()
    return Told(caught_up, ("its end was lost",), {"the start is refused": refused, "a backup brings it back": restored and site.traffic(1) == 5})


def applied(site: Site) -> bool:
    parts = site.http.get(site.steward.url + "/readyz").json()["parts"]
    return parts["views"]["applied_seq"] >= parts["journal"]["written_seq"] > 0


def calls_in_usage(site: Site) -> int:
    rows = site.http.get(site.steward.url + "/admin/v1/usage", headers={"Authorization": f"Bearer {site.admin_key}"})
    return sum(row["calls"] for row in rows.json()["data"]) if rows.status_code == 200 else -1


def spoil_tables(path: Path, name: str) -> int:
    """Overwrites the root pages of the tables and indexes with this prefix; how many."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        pages = [row[0] for row in db.execute("SELECT rootpage FROM sqlite_schema WHERE tbl_name LIKE ? AND rootpage > 1", (name + "%",))]
    with open(path, "r+b") as file:
        for page in pages:
            file.seek((page - 1) * 4096)
            file.write(os.urandom(4096))
    return len(pages)


def spoiled_views_at_rest(site: Site) -> Told:
    """Pages of the views rotted while the server was down: it folds them again from the journal."""
    site.begin()
    site.traffic(3)
    site.wait(lambda: applied(site))
    before = calls_in_usage(site)
    site.steward.stop()
    spoiled = spoil_tables(site.steward.home / "views.db", "ledger")
    site.steward.start()
    same = site.wait(lambda: calls_in_usage(site) == before > 0)
    site.ready()
    site.doctor()
    return Told(spoiled > 0, ("views_",), {"usage is as it was": same, "it goes on": site.traffic(1) == 5})


def spoiled_views_alive(site: Site) -> Told:
    """Pages of the views rot under a running server: the next look finds it, and they are folded again beside."""
    site.begin()
    site.traffic(3)
    site.wait(lambda: applied(site))
    before = calls_in_usage(site)
    site.steward.stop()
    site.steward.start()  # the log was taken in: pages are read from the file
    spoiled = spoil_tables(site.steward.home / "views.db", "ledger")
    told = site.wait(lambda: calls_in_usage(site) != before or "views_rebuilt" in site.ready()["codes"], 5)
    site.traffic(1)
    rebuilt = site.wait_code("views_rebuilt")
    same = site.wait(lambda: calls_in_usage(site) == before + 4)
    site.doctor()
    return Told(spoiled > 0, ("readyz 200: views_", "doctor views_"), {"usage is as it should be": same and rebuilt, "it is told": told or rebuilt, "calls go on": site.traffic(1) == 5})


DISK_CASES: dict[str, Case] = {
    "disk full": broken_disk("disk_full", lambda faults: faults.arm(f.WRITE | f.OPEN_TO_WRITE, f.ERRNO, error=ENOSPC)),
    "disk full in the middle of a write": broken_disk("disk_full", lambda faults: faults.arm(f.WRITE, f.SHORT_THEN_ERRNO, error=ENOSPC, match=WAL)),
    "a file at its size limit": file_size_limit,
    "read-only": broken_disk("disk_read_only", lambda faults: faults.arm(f.CHANGES, f.ERRNO, error=EROFS)),
    "read-only at the start": read_only_start,
    "I/O error on write": broken_disk("disk_io_error", lambda faults: faults.arm(f.WRITE, f.ERRNO, error=EIO, match=WAL)),
    "I/O error on sync": broken_disk("disk_sync_failed", lambda faults: faults.arm(f.SYNC, f.ERRNO, error=EIO)),
    "short writes": short_writes,
    "torn page in the log": torn_log,
    "torn page in the database": torn_database,
    "no room for the views": views_full,
    "a corrupt page in the journal": spoiled_journal(whole_page),
    "one bit of a record": spoiled_journal(one_bit),
    "a corrupt page in the journal's log": lost_log,
    "corrupt pages in the views, at rest": spoiled_views_at_rest,
    "corrupt pages in the views, alive": spoiled_views_alive,
}
