"""`steward backup` under load: what was acknowledged before it began is in it, it restores into an empty home and verifies, and old ones make way."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time

import pytest

from tests.checks.crash import CONFIG
from tests.checks.crash_load import PRICES, Load, provider_scripts
from tests.harness.acklog import AckLog, read_log
from tests.harness.admin import Admin
from tests.harness.provider import Provider
from tests.harness.steward import Steward
from tests.judges import chain
from tests.judges.export import read_export

ROUNDS = 3


@pytest.mark.timeout(180)
def test_everything_acknowledged_before_is_in_it(tmp_path):
    rng = random.Random(20_261)
    with Provider(provider_scripts(rng)) as provider, Steward(CONFIG.format(base_url=provider.base_url), env={"SCRIPT_KEY": provider.key}) as steward:
        with Admin(steward) as admin:
            for name, price in PRICES.items():
                admin.set_price(*name.split("/"), price)
            people = [admin.new_principal("user", name) for name in "PQ"]
            keys = [admin.new_key(f"load-{i}", owner=people[i % 2])["secret"] for i in range(4)]
        log = AckLog(tmp_path / "acks.jsonl")
        told = asyncio.run(back_up_under(steward, Load(steward.port, log=log, rng=rng, admin_key=steward.admin_key, keys=keys, people=people), log, tmp_path))
        for number, acknowledged in told.items():
            assert acknowledged > 20, "there was no load"
            missing = not_in(restored(steward, tmp_path / f"backup-{number}", tmp_path / f"home-{number}"), read_log(log.path)[:acknowledged])
            assert missing == []
        first = restored_records(tmp_path, 0)
        assert not_in(first, read_log(log.path)) != [], "the judge misses nothing even of what came later"


async def back_up_under(steward: Steward, load: Load, log: AckLog, folder) -> dict[int, int]:
    """For each backup: how many acknowledgements stood when it began."""
    load.start()
    told = {}
    for number in range(ROUNDS):
        await asyncio.sleep(0.6)
        told[number] = len(read_log(log.path))
        await asyncio.to_thread(steward.cli, "backup", str(folder / f"backup-{number}"))
        assert len(read_log(log.path)) > told[number], "nothing was acknowledged while it copied"
    await load.stop()
    assert load.unexpected == []
    return told


def restored(steward: Steward, backup, home) -> list[dict]:
    home.mkdir(mode=0o700)
    steward.cli("restore", str(backup), env={"STEWARD_HOME": str(home)})
    env = {"STEWARD_HOME": str(home)}
    assert "The chain holds" in steward.cli("journal", "verify", env=env).stdout
    (home / "export.jsonl").write_text(steward.cli("journal", "export", env=env).stdout)
    records = list(read_export(home / "export.jsonl"))
    assert chain.faults(records) == []
    return records


def restored_records(folder, number: int) -> list[dict]:
    return list(read_export(folder / f"home-{number}" / "export.jsonl"))


def not_in(records: list[dict], acks: list[dict]) -> list[dict]:
    settled = {one["stream"].partition("/")[2] for one in records if one["kind"] == "call.settled"}
    text = " ".join(f"{one['stream']} {one['body_text']} {one['kind']}" for one in records)
    subjects = {word for one in records for word in re.findall(r"[\w.-]+(?:/[\w.-]+)?", f"{one['stream']} {one['body_text']}")}
    return [ack for ack in acks if (ack["call"] not in settled if ack["ack"] == "call" else ack["subject"] not in subjects and ack["subject"] not in text)]


def test_keep_removes_the_oldest_of_its_own_alone():
    with Steward() as steward:
        named = steward.home / "backups" / "before-the-move"
        steward.cli("backup", str(named))
        made = []
        for _ in range(3):
            made.append(json.loads(steward.cli("backup", "--keep", "2", "--json").stdout))
            time.sleep(1.1)  # they are named after the second
        names = [one["path"].rpartition("/")[2] for one in made]
        assert made[-1]["removed"] == names[:1]
        listed = {one["name"] for one in steward.cli_json("backup", "--list")}
        assert listed == {"before-the-move", *names[1:]}
        assert steward.metric("steward_backup_newest_timestamp_seconds") == pytest.approx(time.time(), abs=30)
        refused = steward.cli("backup", "--keep", "0", check=False)
        assert refused.returncode != 0 and "keep" in refused.stderr
