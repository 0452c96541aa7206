"""What a command or a reload promises and only a whole life shows: backup into an empty home, models from elsewhere, streams that go on."""

from __future__ import annotations

import asyncio
import csv
import functools
import hashlib
import http.server
import io
import json
import shutil
import threading
from fractions import Fraction
from typing import ClassVar

import pytest

from tests.checks.__main__ import NAMES, load
from tests.checks.contract import Options, perform
from tests.harness import scripts, wire
from tests.harness.money import Price
from tests.harness.paths import shipped_model
from tests.harness.steward import Steward
from tests.judges.tamper import FAULTS

BODY = {"messages": [{"role": "user", "content": "go"}], "max_tokens": 40}


def test_a_backup_restores_into_an_empty_home(scene, tmp_path):
    it = scene({"quick": scripts.answer(prompt=7, tokens=3)})
    it.admin.set_price("script", "quick", Price(output_pico=10_000_000))
    key = it.admin.new_key("kept")
    it.admin.set_budget("kept", key["id"], 10**9)
    assert asyncio.run(wire.call(it.steward.port, "/v1/chat/completions", key["secret"], BODY | {"model": "quick"})).status == 200
    it.steward.cli("backup", str(tmp_path / "backup"))
    exported = it.steward.cli("journal", "export").stdout
    other = Steward(home=tmp_path / "other")
    (other.home / "steward.toml").unlink()
    try:
        other.cli("restore", str(tmp_path / "backup"))
        assert exported.startswith(restored := other.cli("journal", "export").stdout) and restored
        other.env |= {"SCRIPT_KEY": it.provider.key}
        other.start()
        answer = asyncio.run(wire.call(other.port, "/v1/chat/completions", key["secret"], BODY | {"model": "quick"}))
        assert answer.status == 200, answer.body
        assert "$0.00006" in other.cli("usage").stdout
    finally:
        other.close()


def test_a_damaged_backup_is_not_restored(tmp_path):
    steward, other = Steward(home=tmp_path / "home"), Steward(home=tmp_path / "other")
    try:
        steward.cli("keys", "new", "one")
        steward.cli("backup", str(tmp_path / "backup"))
        FAULTS["a time"](next((tmp_path / "backup").rglob("journal.db")))
        assert other.cli("restore", str(tmp_path / "backup"), check=False).returncode != 0
        assert not (other.home / "journal.db").exists()
    finally:
        steward.close()
        other.close()


def test_a_reload_drops_no_stream(scene):
    it = scene({"long": scripts.answer(" ".join(f"w{i}" for i in range(60)), prompt=7, tokens=60, chunk_s=0.02)})
    secret = it.admin.new_key("streamer")["secret"]

    async def through() -> wire.Answer:
        body = BODY | {"model": "long", "stream": True, "max_tokens": 60}
        streaming = asyncio.ensure_future(wire.call(it.steward.port, "/v1/chat/completions", secret, body))
        await asyncio.sleep(0.4)
        config = (it.steward.home / "steward.toml").read_text()
        it.steward.write_config(config.replace('models = ["long"]', 'models = ["long", "another"]'))
        await asyncio.to_thread(it.steward.cli, "reload")
        assert not streaming.done(), "the stream was over before the reload"
        return await streaming

    answer = asyncio.run(through())
    text = "".join(choice["delta"].get("content") or "" for event in answer.events() if isinstance(event, dict) for choice in event["choices"])
    assert text.split()[-1] == "w59" and answer.events()[-1] == "[DONE]"
    listed = asyncio.run(wire.call(it.steward.port, "/v1/models", secret)).json()
    assert "another" in {model["id"] for model in listed["data"]}


def test_usage_says_the_same_in_every_form(scene):
    it = scene({"quick": scripts.answer(prompt=7, tokens=3), "other": scripts.answer(prompt=1, tokens=1)})
    it.admin.set_price("script", "quick", Price(input_pico=1_234_567, output_pico=10_000_001))
    it.admin.set_price("script", "other", Price(input_pico=7))
    secret = it.admin.new_key("user")["secret"]
    for model in ("quick", "other", "quick"):
        assert asyncio.run(wire.call(it.steward.port, "/v1/chat/completions", secret, BODY | {"model": model})).status == 200
    by_hand = 2 * Price(1_234_567, 10_000_001).cost_nano(7, 3) + Price(input_pico=7).cost_nano(1, 1)
    told = json.loads(it.steward.cli("usage", "--json").stdout)
    rows = list(csv.DictReader(io.StringIO(it.steward.cli("usage", "--csv").stdout)))
    table = it.steward.cli("usage").stdout
    assert (told["total"]["calls"], told["total"]["completion_tokens"]) == (3, 7)
    assert sum(int(row["calls"]) for row in rows) == 3 and sum(int(row["output"]) for row in rows) == 7
    assert sum(Fraction(row["cost_microusd"]) for row in rows) * 1_000 == by_hand  # micro-dollars
    assert all(row["model"] in table and row["output"] in table for row in rows)


class Slow(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; the first answer of each run breaks off in the middle. Ranges as a real server's."""

    broke = False
    starts: ClassVar[list[int]] = []

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        data = open(self.translate_path(self.path), "rb").read()  # noqa: SIM115
        start = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
        Slow.starts.append(start)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", '"one"')
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if not Slow.broke:
            Slow.broke = True
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            self.connection.shutdown(2)
            return
        self.wfile.write(data[start:])


@pytest.fixture
def shelf(tmp_path):
    folder = tmp_path / "shelf"
    folder.mkdir()
    shutil.copyfile(shipped_model("embedding"), folder / "m.gguf")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Slow, directory=str(folder)))
    Slow.broke, Slow.starts = False, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder / "m.gguf", f"http://127.0.0.1:{server.server_port}/m.gguf"
    server.shutdown()


def test_a_model_is_pulled_resumed_and_its_digest_checked(shelf, tmp_path):
    file, url = shelf
    right = hashlib.sha256(file.read_bytes()).hexdigest()
    with Steward() as steward:
        for _ in range(3):
            if steward.cli("models", "pull", url, "--name", "pulled", "--sha256", right, check=False).returncode == 0:
                break
        assert any(start > 0 for start in Slow.starts), f"nothing was resumed: {Slow.starts}"
        assert "pulled" in steward.cli("models", "list").stdout
        wrong = steward.cli("models", "pull", url, "--name", "wrong", "--sha256", "0" * 64, check=False)
        assert wrong.returncode != 0 and "wrong" not in steward.cli("models", "list").stdout
        steward.cli("models", "remove", "pulled")
        steward.cli("models", "add", str(file), "--name", "added")
        assert "added" in steward.cli("models", "list").stdout
        junk = tmp_path / "junk.gguf"
        junk.write_bytes(b"not a model at all" * 100)
        assert steward.cli("models", "add", str(junk), check=False).returncode != 0


@pytest.mark.timeout(120)
def test_inference_killed_in_mid_call_is_an_answer_or_a_clear_end(embedded):
    secret, port = embedded.secret, embedded.steward.port
    numbers = {"type": "array", "items": {"type": "integer"}, "minItems": 300}  # so that the answer can't end early by itself
    form = {"type": "json_schema", "json_schema": {"name": "numbers", "schema": numbers}}
    body = {"model": embedded.chat, "messages": [{"role": "user", "content": "Count."}], "max_tokens": 400, "temperature": 0, "response_format": form}

    async def killed(stream: bool) -> wire.Answer:
        began = asyncio.Event()
        call = asyncio.ensure_future(wire.call(port, "/v1/chat/completions", secret, body | {"stream": stream}, on_piece=lambda _: began.set()))
        if stream:
            await asyncio.wait_for(began.wait(), 30)
        await asyncio.sleep(0.3)
        assert not call.done(), "the call was over before the kill"
        for child in embedded.steward.children():
            child.kill()
        return await call

    assert asyncio.run(wire.call(port, "/v1/chat/completions", secret, body | {"max_tokens": 1})).status == 200  # it is loaded
    whole = asyncio.run(killed(stream=False))
    assert whole.status == 200 or (whole.status == 503 and whole.error["code"] == "engine_failed"), whole.body
    cut = asyncio.run(killed(stream=True))
    assert any(isinstance(event, dict) and "error" in event for event in cut.events()), cut.body[-300:]
    assert asyncio.run(wire.call(port, "/v1/chat/completions", secret, body | {"max_tokens": 4})).status == 200
    assert embedded.steward.process.poll() is None


REFUSER = '''#!/usr/bin/env python3
"""A steward that is alive and refuses everything."""
import http.server, json, os, sys

class Refuses(http.server.BaseHTTPRequestHandler):
    def answer(self):
        alive = self.path in ("/healthz", "/readyz")
        body = b"{}" if alive else json.dumps({"error": {"message": "no", "type": "invalid_request_error", "code": "no"}}).encode()
        self.send_response(200 if alive else 403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer
    def log_message(self, *_): pass

if sys.argv[1] == "serve":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["STEWARD_PORT"])), Refuses).serve_forever()
if sys.argv[1:3] == ["keys", "new"]:
    print(json.dumps({"id": "key_0", "secret": "sk-steward-x"}))
    sys.exit(0)
sys.exit(1)
'''


@pytest.mark.parametrize("name", NAMES)
def test_a_server_that_refuses_everything_fails_every_check(name, tmp_path, monkeypatch):
    fake = tmp_path / "steward"
    fake.write_text(REFUSER)
    fake.chmod(0o755)
    monkeypatch.setenv("STEWARD_BIN", str(fake))
    monkeypatch.setattr("tests.checks.contract.RESULTS", tmp_path / "results")
    assert perform(load(name), Options(ci=True))["ok"] is False
