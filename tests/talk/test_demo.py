"""`steward demo`: a sample home that is full of life, each page of it true to the journal, and nobody's own home touched."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.harness.money import Price
from tests.harness.paths import free_port, steward_binary
from tests.harness.steward import clean_environment
from tests.judges import chain, crash_judge, tables
from tests.judges.export import Call, calls_of, read_export

CONVERSATIONS = 89
SHIPPED = "smollm2-135m-instruct"


def environment(folder: Path) -> dict[str, str]:
    (folder / "run").mkdir(mode=0o700, exist_ok=True)
    return clean_environment() | {"HOME": str(folder / "user"), "XDG_RUNTIME_DIR": str(folder / "run")}


def demo(folder: Path, *arguments: str, **env: str) -> subprocess.Popen:
    command = [steward_binary(), "demo", *arguments]
    return subprocess.Popen(command, env=environment(folder) | env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_ready(process: subprocess.Popen, port: int) -> None:
    for _ in range(1200):
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.05)
    raise AssertionError("the sample home did not become ready")


@contextmanager
def served(folder: Path) -> Iterator[httpx.Client]:
    """The sample home of the folder, asked over its socket, as its owner."""
    port = free_port()
    process = demo(folder, str(folder / "demo"), "--port", str(port))
    try:
        wait_ready(process, port)
        [socket] = (folder / "run").rglob("steward.sock")
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://localhost", timeout=60) as http:
            yield http
    finally:
        process.terminate()
        process.wait(20)


def cli(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [steward_binary(), *arguments]
    return subprocess.run(command, env=environment(folder) | {"STEWARD_HOME": str(folder / "demo")}, capture_output=True, text=True, check=False, timeout=120)


def rows(http: httpx.Client, path: str, **query: object) -> list[dict]:
    answer = http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


@dataclass
class Seen:
    """What a visitor finds, and what the journal holds once the visitor has gone."""

    folder: Path
    pages: dict[str, list[dict]]
    records: list[dict]
    calls: dict[str, Call]
    began: datetime


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    with tempfile.TemporaryDirectory(prefix="stw-") as name:
        folder, began = Path(name), datetime.now(UTC)
        with served(folder) as http:
            pages = {path: rows(http, f"/admin/v1/{path}") for path in ("people", "principals", "invitations", "keys", "budgets", "prices", "changes")}
            pages["conversations"] = rows(http, "/v1/conversations", archived="any", limit=100)
            pages["days"] = rows(http, "/admin/v1/usage", group_by="day")
            pages["usage"] = rows(http, "/admin/v1/usage", group_by="key,owner,provider,model")
            projects = http.get("/v1/projects").json()
            pages["projects"], pages["folders"] = projects["data"], projects["folders"]
            pages["shares"] = [share for one in pages["conversations"] if one["shared"] for share in rows(http, f"/v1/conversations/{one['id']}/shares")]
        (folder / "export.jsonl").write_text(cli(folder, "journal", "export").stdout)
        records = list(read_export(folder / "export.jsonl"))
        yield Seen(folder, pages, records, calls_of(records), began)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A short one: a socket's path has at most 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="stw-") as folder:
        yield Path(folder)


def test_a_visitor_sees_a_life(tmp_path):
    for _ in range(2):  # the second time it is there
        with served(tmp_path) as http:
            page = rows(http, "/v1/conversations", archived="any", limit=100)
            shown = http.get(f"/v1/conversations/{page[0]['id']}/messages").json()["data"]
            assert len(page) == CONVERSATIONS
            assert rows(http, "/v1/search", q="lamp", limit=20)
            assert shown and shown[-1]["text"]
    assert not (tmp_path / "user").exists(), "the visitor's own home is left alone"


def test_every_answer_belongs_to_a_metered_call(seen):
    answers = [one["body"] for one in seen.records if one["kind"] == "conversation.answer_ended"]
    started = [one for one in seen.records if one["kind"] == "conversation.answer_started"]
    assert len(answers) == len(started) == len({one["call"] for one in answers}) > 300
    assert sum(one["usage"]["input_tokens"] == 0 for one in answers) <= 1, "nothing stood above it"
    for answer in answers:
        [reserved], [settled] = seen.calls[answer["call"]].reserved, seen.calls[answer["call"]].settled
        assert (answer["model"], answer["provider"]) == (reserved["model"], reserved["provider"])
        assert answer["cost_nano_usd"] == settled["cost_nano"]
        assert answer["usage"] == {"input_tokens": settled["usage"]["prompt"], "output_tokens": settled["usage"]["completion"], "reasoning_tokens": 0}
        assert answer["duration_ms"] == settled["duration_us"] // 1000 > 0
        assert answer["usage"]["output_tokens"] > 0
        assert settled["outcome"] == {"completed": "finished", "stopped": "client_gone"}[answer["status"]]
        assert settled["usage"]["estimated"], "nobody told what they used: it was counted from the words"


def test_what_calls_cost_is_their_use_at_their_price(seen):
    for call in seen.calls.values():
        [reserved], [settled] = call.reserved, call.settled
        price = Price(reserved["price"]["input"], reserved["price"]["output"])
        assert settled["cost_nano"] == price.cost_nano(settled["usage"]["prompt"], settled["usage"]["completion"]), call.id
        assert settled["cost_nano"] <= reserved["reserved_nano"]
    told = Counter(settled["outcome"] for call in seen.calls.values() for settled in call.settled)
    assert set(told) == {"finished", "client_gone", "upstream_failed"}


def test_its_journal_holds(seen):
    assert cli(seen.folder, "journal", "verify").returncode == 0
    assert chain.faults(seen.records) == []
    times = [one["time_us"] for one in seen.records]
    assert times == sorted(times), "it was lived in the order of time"
    assert crash_judge.unsettled(seen.calls) == crash_judge.double_charges([], seen.calls) == []
    live = tables.read_tables(seen.folder / "demo" / "views.db")
    cli(seen.folder, "journal", "rebuild")
    assert tables.differences(live, tables.read_tables(seen.folder / "demo" / "views.db")) == []


def test_budgets_hold_what_the_calls_under_them_cost(seen):
    spent = Counter()
    for call in seen.calls.values():
        for budget, start in call.reserved[0]["budgets"]:
            spent[budget, start] += call.settled[0]["cost_nano"]
    assert len(seen.pages["budgets"]) >= 5
    for budget in seen.pages["budgets"]:
        start = int(datetime.fromisoformat(budget["period_start"]).timestamp() * 1e6) if budget["period_start"] else None
        sums = [amount for (one, began), amount in spent.items() if one == budget["id"] and start in (None, began)]
        assert float(budget["spent_microusd"]) * 1000 == pytest.approx(sum(sums))
        assert float(budget["left_microusd"]) > 0, "every budget has something left"
    assert any(budget["period"] == "forever" and float(budget["spent_microusd"]) > 0.5e6 * float(budget["limit_usd"]) for budget in seen.pages["budgets"])


def test_use_tells_years_and_ends_in_the_last_days(seen):
    days = sorted(row["group"]["day"] for row in seen.pages["days"])
    years = {day[:4] for day in days}
    assert len(years) == 8, years
    last = datetime.fromisoformat(days[-1] + "T23:59:59+00:00")
    assert timedelta(0) <= seen.began - last + timedelta(days=1) <= timedelta(days=8)
    assert max(one["time_us"] for one in seen.records if one["kind"] == "call.settled") / 1e6 <= seen.began.timestamp()
    usage = seen.pages["usage"]
    assert sum(row["calls"] for row in usage) == len(seen.calls) == sum(row["calls"] for row in seen.pages["days"])
    assert len({row["group"]["key"] for row in usage}) >= 5 and len({row["group"]["owner"] for row in usage}) >= 4
    assert {"local", "openai", "anthropic"} <= {row["group"]["provider"] for row in usage}


def test_people_keys_and_places_are_there(seen):
    pages = seen.pages
    assert {one["role"] for one in pages["people"]} == {"owner", "member", "guest"} and len(pages["people"]) == 5
    assert len([one for one in pages["principals"] if one["kind"] == "team"]) == 2
    assert len([one for one in pages["invitations"] if not one.get("used_at")]) == 1
    assert len(pages["keys"]) == 5 and sum(one["status"] == "revoked" for one in pages["keys"]) == 1
    assert sum(bool(one["limits"]["requests_per_minute"]) for one in pages["keys"]) >= 3
    assert len(pages["projects"]) == 2 and all(one["instructions"] and one["conversations"] for one in pages["projects"])
    assert {one["name"] for one in pages["folders"]} == {"The hall", "Family", "Money"}
    conversations = pages["conversations"]
    assert any(one["pinned"] for one in conversations) and any(one["archived"] for one in conversations)
    assert Counter(one["with"].split("_")[0] for one in pages["shares"]) == {"link": 1, "usr": 1, "team": 1}
    assert any((one["provider"], one["source"]) == ("local", "owner") for one in pages["prices"])


def test_the_shipped_model_answers_in_it(seen):
    with served(seen.folder) as http:
        assert SHIPPED in {one["id"] for one in rows(http, "/v1/models")}
        [conversation] = [one for one in seen.pages["conversations"] if one["title"] == "Bart on Monday"]
        said = http.post(f"/v1/conversations/{conversation['id']}/messages", json={"text": "Say hello.", "model": SHIPPED})
        assert said.status_code in (200, 201), said.text
        answer = said.json()["answer"]["id"]
        for _ in range(1200):
            [shown] = [one for one in http.get(f"/v1/conversations/{conversation['id']}/messages").json()["data"] if one["id"] == answer]
            if shown["status"] not in ("queued", "in_progress"):
                break
            time.sleep(0.1)
        assert shown["status"] in ("completed", "incomplete") and shown["text"], shown
        assert shown["model"] == SHIPPED and shown["call"] and shown["usage"]["output_tokens"] > 0


def test_one_whose_making_was_cut_off_is_made_again(tmp_path):
    home = tmp_path / "demo"
    process = demo(tmp_path, str(home), "--port", str(free_port()))
    while not (home / "journal.db").exists():
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    assert "is making" in (home / "demo").read_text(), "killed too late to show anything"
    (home / "left over").write_text("")
    with served(tmp_path) as http:
        assert len(rows(http, "/v1/conversations", archived="any", limit=100)) == CONVERSATIONS
    assert not (home / "left over").exists()


def test_an_own_home_is_refused(tmp_path):
    own, other = tmp_path / "user/.local/share/steward", tmp_path / "elsewhere"
    full = tmp_path / "full"
    full.mkdir()
    (full / "steward.toml").write_text("")
    for folder, env in ((own, {}), (own, {"STEWARD_HOME": str(other)}), (other, {"STEWARD_HOME": str(other)}), (full, {})):
        process = demo(tmp_path, str(folder), **env)
        said, _ = process.communicate(timeout=30)
        assert process.returncode != 0 and ("own home" in said or "no sample home" in said), said
    assert not own.exists() and not other.exists() and [one.name for one in full.iterdir()] == ["steward.toml"]


def test_what_it_tells_stands_in_its_files():
    """Every conversation that home.json places or shares is one of the sample's, and is there by then."""
    folder = Path(__file__).resolve().parents[2] / "demo"
    told = json.loads((folder / "home.json").read_text())
    created = {one["title"]: one["create_time"] for one in json.loads((folder / "conversations.json").read_text())}
    placed = [(title, step["at"]) for step in told["steps"] for title in [*step.get("conversations", []), *([step["conversation"]] if "conversation" in step else [])]]
    assert len(placed) > 15
    for title, at in placed:
        assert created[title] < datetime.fromisoformat(at).timestamp(), title
