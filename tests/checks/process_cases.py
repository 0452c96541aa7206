"""The faults of `disk` on the process: a second server, the clock, descriptors, the engine's memory, a stop of everything."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import threading
import time

from tests.checks.disk_cases import Case, Told
from tests.checks.disk_site import DIALECTS, Site
from tests.harness.admin import Admin
from tests.harness.steward import Steward
from tests.judges.export import read_export

DAY_S = 86_400
STOPPED_S = 5.0  # a minute takes the same path: longer than the watch's patience, shorter than a deadline
MODEL = "smollm2-135m-instruct"


def two_servers(site: Site) -> Told:
    """The second says which process owns the home, and the first does not notice."""
    site.begin()
    second = Steward(home=site.steward.home)
    second.env |= {"SCRIPT_KEY": "none"}
    second.write_config((site.steward.folder / "home" / "steward.toml").read_text())
    done = second.cli("serve", "--no-welcome", check=False, timeout=30)
    site.told.append(f"second: {done.stderr[-400:]}")
    named = f"process {site.steward.process.pid}" in done.stderr
    return Told(done.returncode != 0, ("is in use by",), {"it names the process": named, "the first goes on": site.traffic() == 10})


def clock_steps(seconds: int) -> Case:
    """The wall clock steps: a wall that stood stands, records keep their order, ids stay unique, and it is told."""

    def case(site: Site) -> Told:
        site.begin()
        with Admin(site.steward) as admin:
            poor = admin.new_key("poor")
            admin.set_budget("wall", poor["id"], 1_000_000, "day")
        spends = spent_more(site, poor["secret"])
        spend(site, poor["secret"])
        stood = not spent_more(site, poor["secret"])
        site.faults.step_clock(seconds)
        told = site.wait_code("clock_stepped")
        doctor = site.doctor()
        # A day ahead is another day: its budget begins. A step back never gives money again.
        more = spent_more(site, poor["secret"])
        done = site.traffic()
        site.faults.step_clock(0)
        again = site.traffic(1)
        if seconds > 0:
            spend(site, poor["secret"])
        walled = not spent_more(site, poor["secret"])
        claims = {
            "the wall stood before": spends and stood,
            "it is told": told,
            "doctor names it": any(line.startswith("clock_stepped") for line in doctor),
            "a step back gives no money": more == (seconds > 0),
            "the wall stands after": walled,
            "calls go on": done == 10 and again == 5,
            "it stays ready": site.ready()["http"] == 200,
        }
        return Told(True, ("readyz 200: clock_stepped", "doctor clock_stepped"), claims | order_of(site))

    return case


def order_of(site: Site) -> dict[str, bool]:
    """The export is in the order of seq without a gap, whatever the times say, and every id stands once."""
    path = site.steward.folder / "order.jsonl"
    path.write_text(site.cli("journal", "export").stdout)
    records = list(read_export(path))
    ids = [one["id"] for one in records]
    return {"seqs have no gap": [one["seq"] for one in records] == list(range(1, len(records) + 1)), "ids are unique": len(set(ids)) == len(ids)}


def spent_more(site: Site, key: str) -> bool:
    """Whether this key gets another call through its budget."""
    answer = site.post("/v1/chat/completions", DIALECTS["/v1/chat/completions"], key)
    return answer is not None and answer.status_code == 200


def spend(site: Site, key: str) -> None:
    for _ in range(200):
        if not spent_more(site, key):
            return
    raise AssertionError("the budget did not hold")


def out_of_descriptors(site: Site) -> Told:
    """A real limit: connections take every descriptor. The next is told so, the loop neither spins nor dies, and all recovers."""
    site.begin()
    site.traffic(1)
    pid = site.steward.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 20, hard))
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(contextlib.closing(socket.create_connection(("127.0.0.1", site.steward.port), timeout=5)))
        time.sleep(0.3)
        struck = site.wait(lambda: "out_of_descriptors" in site.ready()["codes"], 10)
        site.doctor()
        before = len(site.steward.log_tail(10**7).splitlines())
        time.sleep(1)
        lines = len(site.steward.log_tail(10**7).splitlines()) - before
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    claims = {"the loop does not spin": lines < 100, "it recovers": site.wait_ready() and site.traffic() == 10}
    return Told(struck, ("out_of_descriptors",), claims)


# --- the engine -----------------------------------------------------------------------------------------------------------------------
def ask_engine(site: Site, tokens: int = 8, deadline_s: float = 60.0) -> tuple[int, str]:
    """A call of the local model: its status and, where it failed, its sentence. A stream that ends in an error is one."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Count upwards from one, in words, and do not stop."}], "max_tokens": tokens}
    answer = site.http.post(site.steward.url + "/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {site.key}"}, timeout=deadline_s)
    if answer.status_code == 200:
        usage = answer.json()["usage"]
        site.acks.add("call", call=answer.headers["x-steward-call"], prompt=usage["prompt_tokens"], completion=usage["completion_tokens"])
        return 200, ""
    message = answer.json()["error"]["message"]
    site.told.append(f"refused: {answer.status_code} {message}")
    return answer.status_code, message


def engine_fault(harm, *, told: str) -> Case:
    """A long call is under way when its engine is harmed: it is answered by a new one, or clearly refused; the server lives on."""

    def case(site: Site) -> Told:
        site.begin()
        first = ask_engine(site)[0]
        children = site.steward.children()
        engine = next(child for child in children if "steward-engine" in child.name())
        answers: list[tuple[int, str]] = []
        caller = threading.Thread(target=lambda: answers.append(ask_engine(site, 400)))
        caller.start()
        time.sleep(0.3)
        harm(engine.pid)
        caller.join(90)
        status, sentence = answers[0] if answers else (0, "")
        gone = site.wait(lambda: not engine.is_running() or engine.status() == "zombie")
        again = ask_engine(site)[0]
        if status == 200:
            site.told.append(f"{told}: the call was answered all the same")
        claims = {
            "the engine answered before": first == 200,
            "the call is answered or clearly refused": status == 200 or (status in (502, 503, 504) and bool(sentence)),
            "the harmed engine is gone": gone,
            "another takes its place": again == 200,
            "the server lives": site.ready()["http"] == 200 and site.act(),
        }
        return Told(True, (), claims, absorbed=int(status == 200))

    return case


def starve(pid: int) -> None:
    """The next piece of memory it asks for is refused; then the system's own answer to such a process."""
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_AS, (1, 1))
        time.sleep(0.5)
        os.kill(pid, signal.SIGKILL)


def sigstop_server(site: Site) -> Told:
    """The whole server stands still: its callers wait, doctor says why, and afterwards everything is as it was."""
    site.begin()
    site.traffic(1)
    late: list[bool] = []
    site.steward.process.send_signal(signal.SIGSTOP)
    caller = threading.Thread(target=lambda: late.append(site.act()))
    caller.start()
    began = time.monotonic()
    doctor = site.doctor()
    time.sleep(max(0.0, STOPPED_S - (time.monotonic() - began)))
    site.steward.process.send_signal(signal.SIGCONT)
    caller.join(60)
    told = site.wait_code("process_stalled")
    site.doctor()
    claims = {
        "doctor says that it is stopped": any("is stopped" in line for line in doctor),
        "the call that waited is answered": late == [True],
        "it is told afterwards": told,
        "it goes on": site.wait_ready() and site.traffic() == 10,
    }
    return Told(True, ("readyz 200: process_stalled", "doctor process_stalled", "is stopped"), claims)


PROCESS_CASES: dict[str, Case] = {
    "two servers on one home": two_servers,
    "the clock steps back": clock_steps(-DAY_S),
    "the clock jumps ahead": clock_steps(40 * DAY_S),
    "out of file descriptors": out_of_descriptors,
    "SIGSTOP of the server": sigstop_server,
}
ENGINE_CASES: dict[str, Case] = {
    "killed for memory in the engine": engine_fault(starve, told="engine killed"),
    "SIGSTOP of the engine": engine_fault(lambda pid: os.kill(pid, signal.SIGSTOP), told="engine stopped"),
}
ENGINE_CONFIG = "[engine]\nhang_timeout_s = 8\n"
