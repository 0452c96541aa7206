"""What only a database can do to a server: lost in a COMMIT, killed, taken over from, refused a password. Each fault acts from outside
on a Steward with its journal in PostgreSQL, and answers what happened."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import httpx

from tests.checks.store_cases import CONFIG, Stage
from tests.harness.admin import Admin
from tests.harness.postgres import PASSWORD, Cutter, Postgres
from tests.harness.steward import Steward
from tests.harness.stores import environment

READY_WITHIN_S = 30


def until(what: Callable[[], bool], within_s: float = READY_WITHIN_S) -> bool:
    ends = time.monotonic() + within_s
    while time.monotonic() < ends:
        try:
            if what():
                return True
        except (httpx.HTTPError, OSError, AssertionError):
            pass
        time.sleep(0.1)
    return False


def readiness(steward: Steward) -> tuple[int, str]:
    answer = httpx.get(steward.url + "/readyz", timeout=10)
    return answer.status_code, answer.json().get("parts", {}).get("journal", {}).get("problem", "")


def make_key(steward: Steward, name: str) -> int:
    """What asking for a new key answers."""
    secret = {"authorization": f"Bearer {steward.admin_key}"}
    return httpx.post(steward.url + "/admin/v1/keys", json={"name": name}, headers=secret, timeout=40).status_code


def made(steward: Steward, name: str) -> int:
    with Admin(steward) as admin:
        return sum(one["name"] == name for one in admin.pages("/keys"))


def lost_in_commit(stage: Stage, *, forward: bool) -> object:
    """The connection is cut with a group on its way: the server had it (forward) or not. The answer must say what is true."""
    cutter = Cutter(stage.postgres.port)
    url = stage.postgres.database(f"cut-{'after' if forward else 'before'}")
    steward = Steward(CONFIG.format(base_url="http://127.0.0.1:9"), env={"SCRIPT_KEY": "x"} | environment(stage.postgres.url(url.rsplit("/", 1)[1], cutter.port)))
    try:
        steward.start()
        before = make_key(steward, "before")
        cutter.cut_after(b"the-marked-key", forward=forward)
        answered = make_key(steward, "the-marked-key")
        ready = until(lambda: readiness(steward)[0] == 200)
        after = make_key(steward, "after")
        there = made(steward, "the-marked-key")
        steward.stop()
        verified = steward.cli("journal", "verify").returncode
        return [before, cutter.cuts, answered, there, ready, after, verified]
    finally:
        steward.close()
        cutter.close()


def lost_in_a_commit_that_was_made(stage: Stage) -> object:
    return lost_in_commit(stage, forward=True)


def lost_in_a_commit_that_was_not(stage: Stage) -> object:
    return lost_in_commit(stage, forward=False)


def _database_ends(stage: Stage, end: Callable[[Postgres], None]) -> object:
    """Keys are made while the database dies and comes back. Every acknowledged one is there once, no other twice."""
    steward, acked, refused = stage.steward, [], []
    for i in range(10):
        (acked if make_key(steward, f"{end.__name__} {i}") == 201 else refused).append(f"{end.__name__} {i}")
    end(stage.postgres)
    down = make_key(steward, f"{end.__name__} down")
    told = until(lambda: readiness(steward)[0] == 503 and readiness(steward)[1] != "")
    stage.postgres.start()
    ready = until(lambda: readiness(steward)[0] == 200)
    after = make_key(steward, f"{end.__name__} after")
    with Admin(steward) as admin:
        names = [one["name"] for one in admin.pages("/keys")]
    counts = [names.count(name) for name in acked]
    verified = steward.cli("journal", "verify").returncode
    return [len(acked), down, told, ready, after, set(counts) == {1}, verified]


def restarted(postgres: Postgres) -> None:
    postgres.stop(signal.SIGINT)


def crashed(postgres: Postgres) -> None:
    postgres.stop(signal.SIGQUIT)


def killed(postgres: Postgres) -> None:
    postgres.kill()


def the_database_is_restarted(stage: Stage) -> object:
    return _database_ends(stage, restarted)


def the_database_crashes(stage: Stage) -> object:
    return _database_ends(stage, crashed)


def the_database_is_killed(stage: Stage) -> object:
    return _database_ends(stage, killed)


def a_zombie_writes_nothing(stage: Stage) -> object:
    """A server is stopped (SIGSTOP), its lease runs out, another takes over and writes; awake again the first must commit nothing."""
    url = stage.postgres.database("zombie")
    first, second = (Steward(CONFIG.format(base_url="http://127.0.0.1:9"), env={"SCRIPT_KEY": "x"} | environment(url)) for _ in range(2))
    try:
        first.start()
        before = make_key(first, "before")
        secret = first.admin_key
        first.process.send_signal(signal.SIGSTOP)
        stage.postgres.sql("UPDATE steward.lease SET expires = now() - interval '1 s'", "zombie")
        second.start()
        by_second = make_key(second, "second's")
        first.process.send_signal(signal.SIGCONT)
        late = httpx.post(first.url + "/admin/v1/keys", json={"name": "zombie's"}, headers={"authorization": f"Bearer {secret}"}, timeout=40).status_code
        named = until(lambda: f"process {second.process.pid}" in readiness(first)[1])
        return [before, by_second, late, named, made(second, "zombie's"), second.cli("journal", "verify").returncode]
    finally:
        first.process.send_signal(signal.SIGCONT)
        first.close()
        second.close()


def passwords_are_not_shown(stage: Stage) -> object:
    """Neither a wrong one nor the right one, wherever it stands."""
    wrong = "w0rdThatIsWrong"
    url = stage.postgres.database("shown")
    with_password = [url.replace("steward@", f"steward:{word}@") for word in (wrong, PASSWORD)]
    refused, served = (Steward(CONFIG.format(base_url="http://127.0.0.1:9"), env={"SCRIPT_KEY": "x", "STEWARD_JOURNAL_URL": one}) for one in with_password)
    try:
        said = [refused.cli(*command, check=False) for command in (("serve",), ("doctor",), ("journal", "verify"), ("usage",))]
        texts = [one.stdout + one.stderr for one in said]
        served.start()
        shown = [served.cli(*command, check=False).stdout for command in (("config", "show", "--json"), ("doctor",))]
        told = served.get("/readyz") + served.log_tail(10**7)
        return [
            all(one.returncode != 0 for one in said),
            "password authentication failed" in texts[0],
            any(wrong in text for text in texts),
            "***" in shown[0],
            any(PASSWORD in text for text in [*shown, told]),
        ]
    finally:
        refused.close()
        served.close()


def a_standby_is_refused_by_name(stage: Stage) -> object:
    url = stage.postgres.database("standby")
    stage.postgres.sql('ALTER DATABASE "standby" SET default_transaction_read_only = on')
    steward = stage.fresh(url)
    try:
        done = steward.cli("serve", check=False)
        return [done.returncode != 0, "read-only standby" in done.stderr]
    finally:
        steward.close()


# What a right server answers. These have databases of their own, so that they go beside the cases.
FAULTS: dict[Callable[[Stage], object], object] = {
    lost_in_a_commit_that_was_made: [201, 1, 201, 1, True, 201, 0],
    lost_in_a_commit_that_was_not: [201, 1, 503, 0, True, 201, 0],
    a_zombie_writes_nothing: [201, 201, 503, True, 0, 0],
    passwords_are_not_shown: [True, True, False, True, False],
    a_standby_is_refused_by_name: [True, True],
}
# These end the whole server: one after another, when all else is done. CI takes the last, which is the hardest.
ENDS: dict[Callable[[Stage], object], object] = {
    the_database_is_restarted: [10, 503, True, True, 201, True, 0],
    the_database_crashes: [10, 503, True, True, 201, True, 0],
    the_database_is_killed: [10, 503, True, True, 201, True, 0],
}
