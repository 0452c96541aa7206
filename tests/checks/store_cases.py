"""What a Steward must do whatever keeps its journal: each case acts over public interfaces and answers what happened, as plain data
that a right server always answers the same."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.harness import scripts, wire
from tests.harness.admin import Admin
from tests.harness.money import Price, nano_of_microusd
from tests.harness.postgres import PASSWORD, Postgres
from tests.harness.steward import StartFailed, Steward
from tests.harness.stores import environment
from tests.judges import chain
from tests.judges.export import calls_of, read_export

PRICE = Price(1_000, 2_000_000)
PROMPT, TOKENS = 7, 4
SECRET = "the-word-that-must-go"

CONFIG = """
[engine]
enabled = false
[providers.script]
base_url = "{base_url}"
key_env = "SCRIPT_KEY"
models = ["good-1"]
"""


def provider_scripts() -> dict:
    return {"good-1": scripts.answer("some words come back", prompt=PROMPT, tokens=TOKENS)}


class Stage:
    """One store's server, and what the cases need of it."""

    def __init__(self, steward: Steward, url: str, postgres: Postgres):
        self.steward, self.url, self.postgres = steward, url, postgres
        with Admin(steward) as admin:
            admin.set_price("script", "good-1", PRICE)
        self.key = self.admin(lambda admin: admin.new_key("caller"))

    def admin(self, act: Callable[[Admin], object]):
        with Admin(self.steward) as admin:
            return act(admin)

    def chat(self, key: str | None = None, stream: bool = False) -> wire.Answer:
        body = {"model": "good-1", "messages": [{"role": "user", "content": "go"}], "max_tokens": TOKENS, "stream": stream}
        return asyncio.run(wire.call(self.steward.port, "/v1/chat/completions", key or self.key["secret"], body))

    def post(self, path: str, body: dict | None = None, method: str = "POST") -> httpx.Response:
        return httpx.request(method, self.steward.url + path, headers={"authorization": f"Bearer {self.key['secret']}"}, json=body, timeout=30)

    def export(self, name: str = "export.jsonl", *arguments: str, env: dict[str, str] | None = None) -> Path:
        path = self.steward.folder / name
        path.write_text(self.steward.cli("journal", "export", *arguments, env=env).stdout)
        return path

    def fresh(self, url: str = "") -> Steward:
        """Another home, not started."""
        return Steward(CONFIG.format(base_url="http://127.0.0.1:9"), env={"SCRIPT_KEY": "x", "PGPASSWORD": PASSWORD} | environment(url))


def calls_are_charged_exactly(stage: Stage) -> object:
    answers = [stage.chat(stream=i % 2 == 1).status for i in range(6)]
    # A settlement of a streamed call may come a moment after its last byte.
    calls = {}
    for _ in range(50):
        calls = calls_of(list(read_export(stage.export())))
        if all(call.settled for call in calls.values()):
            break
    costs = [call.settled[0]["cost_nano"] for call in calls.values() if call.settled]
    return {"answers": answers, "calls": len(calls), "costs": sorted(set(costs)), "sum": sum(costs)}


def a_budget_is_a_wall(stage: Stage) -> object:
    key = stage.admin(lambda admin: admin.new_key("poor"))
    stage.admin(lambda admin: admin.set_budget("poor", key["id"], 5 * PRICE.cost_nano(PROMPT, TOKENS) + PRICE.cost_nano(3000, 0)))

    async def storm() -> list[wire.Answer]:
        body = {"model": "good-1", "messages": [{"role": "user", "content": "go"}], "max_tokens": TOKENS}
        return await asyncio.gather(*(wire.call(stage.steward.port, "/v1/chat/completions", key["secret"], body) for _ in range(30)))

    statuses = Counter(one.status for one in asyncio.run(storm()))
    budget = next(one for one in stage.admin(lambda admin: admin.budgets()) if one["name"] == "poor")
    spent = nano_of_microusd(budget["spent_microusd"])
    return {"only": sorted(statuses), "counted": spent == statuses[200] * PRICE.cost_nano(PROMPT, TOKENS), "some": statuses[200] > 0}


def keys_rotate_and_end(stage: Stage) -> object:
    def act(admin: Admin) -> object:
        key = admin.new_key("short")
        first = stage.chat(key["secret"]).status
        fresh = admin.call("POST", f"/keys/{key['id']}/rotate", {})["secret"]
        admin.call("POST", f"/keys/{key['id']}/revoke", {})
        return [first, stage.chat(fresh).status]

    return stage.admin(act)


def asked_twice_is_done_once(stage: Stage) -> object:
    def act(admin: Admin) -> object:
        headers = {"Idempotency-Key": "once"}
        answers = [admin.http.post("/principals", json={"kind": "user", "name": "One"}, headers=headers) for _ in range(3)]
        return [len({one.json()["id"] for one in answers}), [one.status_code for one in answers]]

    return stage.admin(act)


def responses_survive_a_restart(stage: Stage) -> object:
    made = stage.post("/v1/responses", {"model": "good-1", "input": "remember me", "store": True, "max_output_tokens": 60})
    before = made.json()
    stage.steward.stop()
    stage.steward.start()
    after = stage.post(f"/v1/responses/{before['id']}", method="GET")
    return [made.status_code, after.status_code, after.json()["output"] == before["output"]]


def a_batch_is_answered(stage: Stage) -> object:
    body = {"model": "good-1", "messages": [{"role": "user", "content": "go"}], "max_tokens": TOKENS}
    lines = "\n".join(json.dumps({"custom_id": f"l{i}", "method": "POST", "url": "/v1/chat/completions", "body": body}) for i in range(5))
    secret = {"authorization": f"Bearer {stage.key['secret']}"}
    file = httpx.post(stage.steward.url + "/v1/files", headers=secret, data={"purpose": "batch"}, files={"file": ("in.jsonl", lines.encode())}, timeout=30)
    made = stage.post("/v1/batches", {"input_file_id": file.json()["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}).json()
    for _ in range(300):
        made = stage.post(f"/v1/batches/{made['id']}", method="GET").json()
        if made["status"] in ("completed", "failed"):
            break
        asyncio.run(asyncio.sleep(0.05))
    return [made["status"], made["request_counts"]]


def many_at_once_are_gapless(stage: Stage) -> object:
    async def storm() -> list[int]:
        secret = {"authorization": f"Bearer {stage.steward.admin_key}"}
        async with httpx.AsyncClient(base_url=stage.steward.url, headers=secret, timeout=60) as http:
            made = await asyncio.gather(*(http.post("/admin/v1/keys", json={"name": f"many {i}"}) for i in range(80)))
        return [one.status_code for one in made]

    answers = Counter(asyncio.run(storm()))
    names = [one["name"] for one in stage.admin(lambda admin: admin.pages("/keys"))]
    records = list(read_export(stage.export()))
    gapless = [one["seq"] for one in records] == list(range(1, len(records) + 1))
    return [dict(answers), sum(name.startswith("many ") for name in names), gapless]


def killed_loses_nothing_acknowledged(stage: Stage) -> object:
    acked: list[str] = []

    def write(admin: Admin) -> None:
        for i in range(40):
            admin.new_key(f"acked {i}")
            acked.append(f"acked {i}")

    stage.admin(write)
    stage.steward.kill()
    stage.steward.start()
    names = {one["name"] for one in stage.admin(lambda admin: admin.pages("/keys"))}
    return [len(acked), sum(name not in names for name in acked)]


def erased_is_gone_from_every_file(stage: Stage) -> object:
    def act(admin: Admin) -> object:
        person = admin.new_principal("user", SECRET)
        held = _holds(stage)
        answer = admin.call("POST", "/journal/erase", {"stream": f"principal/{person}"})
        jobs = []
        for _ in range(600):
            jobs = [one for one in admin.call("GET", "/jobs", limit=1000)["data"] if one["kind"] == "erasure.purge"]
            if jobs and all(one["state"] not in ("queued", "running") for one in jobs):
                break
            asyncio.run(asyncio.sleep(0.05))
        return [held, bool(answer), sorted({one["state"] for one in jobs}), _holds(stage), SECRET in stage.export().read_text()]

    return stage.admin(act)


def _holds(stage: Stage) -> bool:
    """Whether any file of the store, or of the home, has the word."""
    homes = any(SECRET.encode() in path.read_bytes() for path in stage.steward.home.rglob("*") if path.is_file())
    return homes or bool(stage.url and stage.postgres.files_with(SECRET.encode()))


def a_second_server_is_refused_by_name(stage: Stage) -> object:
    if not stage.url:
        done = stage.steward.cli("serve", check=False, env={"STEWARD_PORT": "0"})
        return [done.returncode != 0, f"process {stage.steward.process.pid}" in done.stderr]
    other = stage.fresh(stage.url)
    try:
        done = other.cli("serve", check=False)
        return [done.returncode != 0, f"process {stage.steward.process.pid}" in done.stderr]
    finally:
        other.close()


def views_are_folded_anew_the_same(stage: Stage) -> object:
    before = stage.admin(lambda admin: [admin.usage(), admin.budgets()])
    stage.steward.cli("journal", "rebuild")
    return stage.admin(lambda admin: [admin.usage(), admin.budgets()]) == before


def the_chain_holds_for_another_program(stage: Stage) -> object:
    verified = stage.steward.cli("journal", "verify").returncode
    records = list(read_export(stage.export()))
    return [verified, chain.faults(records), len(records) > 100]


def doctor_says_what_it_is(stage: Stage) -> object:
    stage.steward.cli("doctor", check=False)
    status = json.loads(stage.steward.get("/readyz"))["parts"]["journal"]
    told = stage.steward.cli("doctor", "--json", check=False).stdout
    named = "PostgreSQL" if stage.url else "SQLite in the home"
    return [status["state"], status["store"]["kind"] == ("postgresql" if stage.url else "sqlite"), named in told]


def a_backup_is_restored_into_either_store(stage: Stage) -> object:
    """Into a home with SQLite, and into PostgreSQL, each exported and compared with the source."""
    folder = stage.steward.folder / "backup"
    stage.steward.cli("backup", str(folder))
    whole = stage.export("source.jsonl").read_bytes()
    same = []
    for url in ("", stage.postgres.database(f"restored-{'pg' if stage.url else 'lite'}")):
        home = stage.fresh(url)
        try:
            home.cli("restore", str(folder))
            same.append(whole.startswith(home.cli("journal", "export").stdout.encode()))
        finally:
            home.close()
    return same


def copied_there_and_back_it_is_the_same(stage: Stage) -> object:
    """Last: the server is stopped, and begun again on what was copied twice."""
    refused = stage.steward.cli("journal", "copy", stage.url or "home", str(_folder(stage, "refused")), check=False).returncode
    stage.steward.stop()
    source = stage.url or "home"
    first, second = _folder(stage, "first"), stage.postgres.database(f"copied-{'pg' if stage.url else 'lite'}")
    bytes_before = stage.export("before.jsonl").read_bytes()
    codes = [stage.steward.cli("journal", "copy", *ends, check=False).returncode for ends in ((source, str(first)), (str(first), second))]
    again = json.loads(stage.steward.cli("journal", "copy", str(first), second, "--json").stdout)
    same = [stage.export("x.jsonl", "--journal", where).read_bytes() == bytes_before for where in (str(first), second)]
    shutil.rmtree(first)
    stage.steward.start()
    return [refused != 0, codes, again["records"], same, stage.chat().status]


def _folder(stage: Stage, name: str) -> Path:
    path = stage.steward.folder / name
    path.mkdir(mode=0o700)
    return path


COST = PRICE.cost_nano(PROMPT, TOKENS)
# What a right server answers; made by hand, not by asking one.
CASES: dict[Callable[[Stage], object], object] = {
    calls_are_charged_exactly: {"answers": [200] * 6, "calls": 6, "costs": [COST], "sum": 6 * COST},
    a_budget_is_a_wall: {"only": [200, 429], "counted": True, "some": True},
    keys_rotate_and_end: [200, 401],
    asked_twice_is_done_once: [1, [201] * 3],
    responses_survive_a_restart: [200, 200, True],
    a_batch_is_answered: ["completed", {"total": 5, "completed": 5, "failed": 0}],
    many_at_once_are_gapless: [{201: 80}, 80, True],
    killed_loses_nothing_acknowledged: [40, 0],
    erased_is_gone_from_every_file: [True, True, ["finished"], False, False],
    a_second_server_is_refused_by_name: [True, True],
    views_are_folded_anew_the_same: True,
    the_chain_holds_for_another_program: [0, [], True],
    doctor_says_what_it_is: ["ready", True, True],
    a_backup_is_restored_into_either_store: [True, True],
    copied_there_and_back_it_is_the_same: [True, [0, 0], 0, [True, True], 200],
}

__all__ = ["CASES", "CONFIG", "Stage", "StartFailed", "provider_scripts"]
