"""The log file: rotated by itself, opened anew for logrotate; and the limit of open files."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import time

import psutil
import pytest

from tests.harness import scripts, wire
from tests.harness.paths import ROOT, steward_binary
from tests.harness.steward import Steward


def lines(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def call(steward: Steward, times: int = 1) -> None:
    for _ in range(times):
        steward.get("/healthz")


def wait_for(what) -> None:
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_rotates_by_size_and_loses_no_line(tmp_path):
    log = tmp_path / "steward.log"
    with Steward(f'[log]\nfile = "{log}"\nmax_bytes = 20000\nkeep = 50\nlevel = "debug"\n') as steward:
        asked = 0
        while not (tmp_path / "steward.log.3").exists():
            call(steward, 40)
            asked += 40
            assert asked < 20_000
        steward.stop()
    told = [one for path in tmp_path.glob("steward.log*") for one in lines(path)]
    health = [one for one in told if "healthz" in json.dumps(one)]
    assert len(health) >= asked, "a line was lost between two files"
    assert any(one["msg"] == "ready" for one in told) and any(one["msg"] == "stopped" for one in told)
    assert log.stat().st_mode & 0o007 == 0


@pytest.mark.parametrize("how", ["signal", "command"])
def test_is_opened_anew_after_somebody_moved_it(tmp_path, how):
    log = tmp_path / "steward.log"
    with Steward(f'[log]\nfile = "{log}"\n') as steward:
        wait_for(lambda: log.exists() and any(one["msg"] == "ready" for one in lines(log)))
        log.rename(tmp_path / "moved")
        steward.process.send_signal(signal.SIGHUP) if how == "signal" else steward.cli("reload")
        wait_for(log.exists)
        steward.stop()
        assert any(one["msg"] == "stopped" for one in lines(log))


@pytest.mark.parametrize("level", ["info", "debug"])
def test_a_calls_line_is_found_by_its_request_id_and_tells_nothing_said(scene, tmp_path, level):
    log = tmp_path / "steward.log"
    it = scene({"quick-1": scripts.answer("an answer of larks", tokens=4)}, more=f'[log]\nfile = "{log}"\nlevel = "{level}"\n')
    key, tenant = it.admin.new_key("caller"), it.admin.tenant()
    body = {"model": "quick-1", "messages": [{"role": "user", "content": "a question of wrens"}], "max_tokens": 8}

    def ask(**more: object) -> wire.Answer:
        return asyncio.run(wire.call(it.steward.port, "/v1/chat/completions", key["secret"], body | more))

    def ask_as_gemini() -> wire.Answer:
        contents = {"contents": [{"parts": [{"text": "a question of wrens"}]}]}
        return asyncio.run(wire.call(it.steward.port, "/v1beta/models/no-such-model:generateContent", key["secret"], contents))

    answers = [("ok", ask()), ("model_not_found", ask(model="no-such-model")), ("model_not_found", ask_as_gemini())]
    assert [answer.status for _, answer in answers] == [200, 404, 404]
    it.steward.stop()  # whatever was logged is in the file
    for (code, answer), address in zip(answers, ["/v1/chat/completions"] * 2 + ["/v1beta/models/{call*}"], strict=True):
        [line] = [one for one in lines(log) if one.get("request_id") == answer.headers["x-request-id"]]
        what = {"msg": "POST " + address, "level": "info", "code": code, "status": answer.status, "bytes": len(answer.body)}
        assert line == line | what | {"tenant": tenant, "key_id": key["id"]}
        assert line["time"].endswith("Z") and line["duration_us"] > 0 and line["remote"].startswith("127.0.0.1:")
    text = log.read_text()
    for secret in ("wrens", "larks", key["secret"], it.steward.admin_key, it.provider.key):
        assert secret not in text


def test_the_logrotate_sample_is_one(tmp_path):
    if not shutil.which("logrotate"):
        pytest.skip("logrotate is not installed here")
    (tmp_path / "state").touch()
    done = subprocess.run(["logrotate", "--debug", "--state", str(tmp_path / "state"), str(ROOT / "packaging/logrotate/steward")], check=False, capture_output=True, text=True)
    assert done.returncode == 0 and "error" not in done.stderr.lower(), done.stderr


def test_a_start_that_fails_says_so_where_somebody_looks(tmp_path):
    log = tmp_path / "steward.log"
    with Steward(f'[log]\nfile = "{log}"\n') as steward:
        second = subprocess.run([steward_binary(), "serve"], check=False, env=steward.env, capture_output=True, text=True, timeout=60)
        assert second.returncode != 0 and "in use by" in second.stderr


def test_raises_its_limit_of_open_files_and_warns_with_numbers(tmp_path):
    steward = Steward()
    try:
        with open(steward.log_path, "ab") as log:
            steward.process = subprocess.Popen(["prlimit", "--nofile=256:2000", steward_binary(), "serve"], cwd=steward.folder, env=steward.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        steward.wait_until("/readyz")
        assert psutil.Process(steward.process.pid).rlimit(psutil.RLIMIT_NOFILE) == (2000, 2000)
        assert steward.metric("process_max_fds") == 2000 and steward.metric("process_open_fds") > 10
        warned = next(line for line in steward.log_tail(20_000).splitlines() if "few file descriptors" in line)
        for number in ("2000", "12000", "24256"):
            assert number in warned
        doctor = json.loads(steward.cli("doctor", "--json", check=False).stdout)
        assert any(one["about"] == "open files" and one["mark"] == "warning" and "2000" in one["what"] for one in doctor), doctor
    finally:
        steward.close()
