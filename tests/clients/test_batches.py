"""Files and batches through the official client: every line answered once and charged, through a kill too."""

from __future__ import annotations

import json
import time

import openai
import pytest

from tests.conftest import client_of, scene_with
from tests.harness import scripts
from tests.harness.money import Price, nano_of_microusd


def lines(count: int, model: str = "good-1", url: str = "/v1/chat/completions") -> bytes:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 8}
    rows = [{"custom_id": f"line-{n}", "method": "POST", "url": url, "body": body} for n in range(count)]
    return "\n".join(json.dumps(row) for row in rows).encode()


def start(client: openai.OpenAI, data: bytes, endpoint: str = "/v1/chat/completions"):
    file = client.files.create(file=("in.jsonl", data), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h", metadata={"night": "yes"})


def ended(client: openai.OpenAI, batch_id: str, deadline_s: float = 60):
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        batch = client.batches.retrieve(batch_id)
        if batch.status in ("completed", "failed", "expired", "cancelled"):
            return batch
        time.sleep(0.1)
    raise AssertionError(f"still {batch.status} after {deadline_s} s")


def rows_of(client: openai.OpenAI, file_id: str | None) -> list[dict]:
    return [json.loads(line) for line in client.files.content(file_id).text.splitlines()] if file_id else []


def test_each_line_is_answered_and_charged(scene):
    made = scene({"good-1": scripts.answer("fine", prompt=7, tokens=2), "broken-1": scripts.fails(400)})
    made.admin.set_price("script", "good-1", Price(input_pico=1_000_000, output_pico=5_000_000))
    made.admin.set_price("script", "broken-1", Price(input_pico=1_000_000, output_pico=5_000_000))
    client = made.client()
    bad = json.dumps({"custom_id": "bad", "method": "POST", "url": "/v1/chat/completions",
                      "body": {"model": "broken-1", "messages": [{"role": "user", "content": "x"}], "max_tokens": 4}}).encode()
    batch = ended(client, start(client, lines(12) + b"\n" + bad + b"\n").id)
    assert (batch.status, batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed) == ("completed", 13, 12, 1)
    assert batch.metadata == {"night": "yes"}
    good = rows_of(client, batch.output_file_id)
    assert [row["custom_id"] for row in good] == [f"line-{n}" for n in range(12)]
    assert all(row["response"]["status_code"] == 200 and row["response"]["body"]["choices"][0]["message"]["content"] == "fine" for row in good)
    (wrong,) = rows_of(client, batch.error_file_id)
    assert wrong["custom_id"] == "bad" and wrong["response"]["status_code"] == 400
    # 12 × (7 × 1,000 + 2 × 5,000) nano-dollars = 204,000, by hand.
    assert sum(nano_of_microusd(row["cost_microusd"]) for row in made.admin.usage()) == 204_000
    assert [one.id for one in client.batches.list(limit=5)] == [batch.id]


def test_what_is_wrong_with_the_input_is_told_line_by_line(scene):
    client = scene({"good-1": scripts.answer()}).client()
    data = b"\n".join([lines(1), lines(1), b"{not json", lines(1, url="/v1/embeddings").replace(b"line-0", b"line-9")])
    batch = ended(client, start(client, data).id)
    assert batch.status == "failed"
    assert [(one.line, one.code) for one in batch.errors.data] == [(2, "duplicate_custom_id"), (3, "invalid_json_line"), (4, "mismatched_endpoint")]
    with pytest.raises(openai.BadRequestError):
        client.files.create(file=("x", b"hello"), purpose="nonsense")
    with pytest.raises(openai.NotFoundError):
        client.batches.create(input_file_id="file_nothere", endpoint="/v1/chat/completions", completion_window="24h")


def test_files_are_their_owners_and_erased_for_good(scene):
    made = scene({"good-1": scripts.answer()})
    other_person = made.admin.new_principal("user", "Somebody Else")
    mine, other = made.client(), made.client(owner=other_person)
    file = mine.files.create(file=("secret name.jsonl", b"the content of it"), purpose="user_data")
    assert mine.files.retrieve(file.id).filename == "secret name.jsonl"
    assert mine.files.content(file.id).text == "the content of it"
    assert [one.id for one in mine.files.list()] == [file.id] and list(other.files.list()) == []
    for act in (other.files.retrieve, other.files.content, other.files.delete):
        with pytest.raises(openai.NotFoundError):
            act(file.id)
    assert mine.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        mine.files.content(file.id)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(b"the content of it" in path.read_bytes() for path in made.steward.home.rglob("*") if path.is_file()):
        time.sleep(0.2)
    assert not any(b"the content of it" in path.read_bytes() for path in made.steward.home.rglob("*") if path.is_file())


def test_a_cancelled_batch_keeps_what_was_answered(scene):
    made = scene({"good-1": scripts.answer(latency_s=0.3)})
    client = made.client()
    batch = start(client, lines(200))
    made.provider.wait_for(lambda: len(made.provider.calls()) >= 6)
    assert client.batches.cancel(batch.id).status in ("cancelling", "cancelled")
    batch = ended(client, batch.id)
    assert batch.status == "cancelled" and 0 < batch.request_counts.completed < 200
    assert len(rows_of(client, batch.output_file_id)) == batch.request_counts.completed
    left = rows_of(client, batch.error_file_id)
    assert len(left) == 200 - batch.request_counts.completed and left[-1]["error"]["code"] == "batch_cancelled"
    with pytest.raises(openai.ConflictError):
        client.batches.cancel(batch.id)


def test_a_kill_loses_no_line_and_asks_none_twice_that_was_answered():
    with scene_with({"good-1": scripts.answer("fine", latency_s=0.05)}) as made:
        secret = made.admin.new_key("night")["secret"]
        client = client_of(made.steward, secret)
        batch = start(client, lines(60))
        made.provider.wait_for(lambda: len(made.provider.calls()) >= 20)
        made.steward.kill()
        seen_before = len(made.provider.calls())
        made.steward.start()
        batch = ended(client_of(made.steward, secret), batch.id)
        rows = rows_of(client_of(made.steward, secret), batch.output_file_id)
        assert batch.status == "completed" and [row["custom_id"] for row in rows] == [f"line-{n}" for n in range(60)]
        # Only the four that were under way, or whose answer was not yet a record, are asked again.
        assert seen_before < 60 and 60 <= len(made.provider.calls()) <= 60 + 8
