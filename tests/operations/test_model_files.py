"""Models over the admin API: taken in, fetched by a job that can be watched and resumed, removed only when nobody needs them."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import http.server
import shutil
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.harness import wire
from tests.harness.admin import Admin
from tests.harness.paths import shipped_model
from tests.harness.steward import Steward


class Shelf(http.server.SimpleHTTPRequestHandler):
    """A folder over HTTP with ranges; slow, so that a job can be seen at work."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if not (file := Path(self.translate_path(self.path))).is_file():
            self.send_error(404)
            return
        data = file.read_bytes()
        start = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
        self.server.starts.append(start)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", '"one"')
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        try:
            for at in range(start, len(data), 1 << 20):
                self.wfile.write(data[at : at + (1 << 20)])
                time.sleep(self.server.pause_s)
        except OSError:
            pass


@pytest.fixture
def shelf(tmp_path):
    folder = tmp_path / "shelf"
    folder.mkdir()
    shutil.copyfile(shipped_model("embedding"), folder / "m.gguf")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Shelf, directory=str(folder)))
    server.starts, server.pause_s = [], 0.05
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server, f"http://127.0.0.1:{server.server_port}/m.gguf", hashlib.sha256((folder / "m.gguf").read_bytes()).hexdigest()
    server.shutdown()


@pytest.fixture
def served():
    with Steward("[limits]\nallow_inside = [\"127.0.0.1\"]\n") as steward, Admin(steward) as admin:
        yield steward, admin


def wait_job(admin: Admin, job: str, states=("finished", "failed", "cancelled")) -> dict:
    end = time.monotonic() + 60
    while (now := admin.call("GET", f"/jobs/{job}"))["state"] not in states:
        assert time.monotonic() < end, now
        time.sleep(0.1)
    return now


def names(admin: Admin) -> set[str]:
    return {model["name"] for model in admin.pages("/models")}


def test_a_pull_is_a_job_with_progress_that_goes_on_after_a_kill(served, shelf):
    steward, admin = served
    server, url, digest = shelf
    server.pause_s = 0.15
    job = admin.call("POST", "/models", {"pull": url, "name": "pulled", "sha256": digest})
    assert job["object"] == "job" and job["kind"] == "model.pull"
    assert admin.call("POST", "/models", {"pull": url, "name": "pulled", "sha256": digest})["id"] == job["id"], "one pull of one model at a time"
    end = time.monotonic() + 30
    while not ((told := admin.call("GET", f"/jobs/{job['id']}"))["progress"] or {}).get("have"):
        assert time.monotonic() < end, told
        time.sleep(0.1)
    assert 0 < told["progress"]["have"] < told["progress"]["whole"]
    steward.kill()
    server.pause_s = 0
    steward.start()
    done = wait_job(admin, job["id"])
    assert done["state"] == "finished" and done["result"]["sha256"] == digest and done["result"]["checked"] is True
    assert any(start > 0 for start in server.starts), "it began anew"
    assert "pulled" in names(admin)


def test_a_pull_that_cannot_be_says_why(served, shelf):
    _, admin = served
    _, url, _ = shelf
    wrong = wait_job(admin, admin.call("POST", "/models", {"pull": url, "name": "wrong", "sha256": "0" * 64})["id"])
    assert wrong["state"] == "failed" and "SHA-256" in wrong["progress"]["problem"]
    missing = wait_job(admin, admin.call("POST", "/models", {"pull": url.replace("m.gguf", "none.gguf")})["id"])
    assert missing["state"] == "failed" and missing["progress"]["problem"]
    assert "wrong" not in names(admin)


def test_a_key_reaches_neither_inside_nor_at_files(shelf):
    _, url, _ = shelf
    with Steward() as steward, Admin(steward) as admin:
        refused = wait_job(admin, admin.call("POST", "/models", {"pull": url, "name": "inside"})["id"])
        assert refused["state"] == "failed" and "may not be fetched" in refused["progress"]["problem"]
        for body in ({"path": "/etc/passwd"}, {"path": "../steward.toml"}, {"pull": "a/b", "hub": "http://127.0.0.1:1"}, {"pull": "a/b", "path": "c"}, {}, {"path": "x.gguf", "more": 1}):
            answer = admin.http.post("/models", json=body)
            assert answer.status_code == 400, (body, answer.text)


def test_a_file_of_the_models_folder_is_taken_in_by_its_name(served):
    steward, admin = served
    shutil.copyfile(shipped_model("embedding"), steward.home / "models" / "Mine.gguf")
    added = admin.call("POST", "/models", {"path": "Mine.gguf"})
    assert added["name"] == "mine" and added["kind"] == "embedding" and "mine" in names(admin)
    (steward.home / "models" / "junk.gguf").write_bytes(b"no model" * 100)
    assert admin.http.post("/models", json={"path": "junk.gguf"}).status_code == 400
    assert admin.http.post("/models", json={"path": "none.gguf"}).status_code in (400, 404)


def test_the_command_asks_the_server(served):
    steward, admin = served
    file = shipped_model("embedding")
    steward.cli("models", "add", str(file), "--name", "added", "--link")
    assert "added" in names(admin)
    assert steward.cli("models", "add", str(file), "--name", "added", check=False).returncode != 0
    steward.cli("models", "remove", "added")
    assert "added" not in names(admin) and file.exists()


def test_what_is_used_is_removed_only_by_force(served):
    steward, admin = served
    shutil.copyfile(shipped_model("chat"), steward.home / "models" / "busy.gguf")
    admin.call("POST", "/models", {"path": "busy.gguf"})
    admin.call("PUT", "/routes/needs", {"deployments": ["local/busy"]})
    named = admin.http.delete("/models/busy")
    assert named.status_code == 409 and "route" in named.json()["error"]["message"]
    admin.call("DELETE", "/routes/needs")
    secret = admin.new_key("caller")["secret"]
    body = {"model": "busy", "messages": [{"role": "user", "content": "Count to two hundred."}], "max_tokens": 400, "stream": True, "temperature": 0}

    async def scene() -> wire.Answer:
        seen = asyncio.Event()
        loop = asyncio.get_running_loop()

        def piece(_: bytes) -> bool:
            loop.call_soon_threadsafe(seen.set)
            return True

        streaming = asyncio.ensure_future(wire.call(steward.port, "/v1/chat/completions", secret, body, deadline_s=80, on_piece=piece))
        await asyncio.wait_for(seen.wait(), 60)
        refused = await asyncio.to_thread(admin.http.delete, "/models/busy")
        assert refused.status_code == 409 and "answers 1 calls" in refused.json()["error"]["message"], refused.text
        forced = await asyncio.to_thread(admin.http.delete, "/models/busy", params={"force": "true"})
        assert forced.status_code == 200 and forced.json()["deleted"] is True
        assert not streaming.done(), "the call was over before"
        return await streaming

    answer = asyncio.run(scene())
    assert answer.status == 200 and answer.events()[-1] == "[DONE]", "the call that was under way was cut"
    assert "busy" not in names(admin) and not (steward.home / "models" / "busy.gguf").exists()
    assert admin.http.delete("/models/busy").status_code == 404
    shipped = next(model["name"] for model in admin.pages("/models") if model.get("shipped"))
    assert admin.http.delete(f"/models/{shipped}").status_code == 409


def embedding(steward: Steward, admin: Admin, secret: str) -> wire.Answer:
    model = next(one["name"] for one in admin.pages("/models") if one["kind"] == "embedding")
    return asyncio.run(wire.call(steward.port, "/v1/embeddings", secret, {"model": model, "input": "hi"}, deadline_s=60))


def engines(steward: Steward) -> list[psutil.Process]:
    return [child for child in steward.children() if "steward-engine" in child.name()]


def test_the_engine_yields_and_is_ended_before_the_server():
    with Steward("[engine]\nnice = 2\nwarm = false\ndata_limit_mb = 4000\n") as steward, Admin(steward) as admin:
        assert embedding(steward, admin, admin.new_key("x")["secret"]).status == 200
        own = psutil.Process(steward.process.pid)
        [engine] = engines(steward)
        assert engine.nice() == own.nice() + 2
        assert engine.rlimit(psutil.RLIMIT_DATA) == (4_000_000_000, 4_000_000_000)
        assert engine.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        scores = {one.pid: int(open(f"/proc/{one.pid}/oom_score_adj").read()) for one in (own, engine)}  # noqa: SIM115
        assert scores[engine.pid] == 500 > scores[own.pid]


def test_a_model_over_its_memory_limit_fails_clearly_and_the_server_lives():
    with Steward("[engine]\nwarm = false\ndata_limit_mb = 20\n") as steward, Admin(steward) as admin:
        secret = admin.new_key("x")["secret"]
        answer = embedding(steward, admin, secret)
        assert answer.status in (502, 503) and answer.error["message"], answer.body
        assert httpx.get(steward.url + "/readyz").status_code == 200
