"""Files and batches through the official client: every line answered once and charged, through a kill too."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import openai
import pytest

from tests.conftest import PROVIDER_CONFIG, client_of, scene_with
from tests.harness import scripts
from tests.harness.admin import Admin
from tests.harness.money import Price, nano_of_microusd
from tests.harness.provider import Call, Provider
from tests.harness.steward import Steward


def lines(count: int, model: str = "good-1", url: str = "/v1/chat/completions") -> bytes:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 8}
    rows = [{"custom_id": f"line-{n}", "method": "POST", "url": url, "body": body} for n in range(count)]
    return "\n".join(json.dumps(row) for row in rows).encode()


def start(client: openai.OpenAI, data: bytes, endpoint: str = "/v1/chat/completions"):
    return start_of(client, client.files.create(file=("in.jsonl", data), purpose="batch").id, endpoint)


def start_of(client: openai.OpenAI, file_id: str, endpoint: str = "/v1/chat/completions"):
    return client.batches.create(input_file_id=file_id, endpoint=endpoint, completion_window="24h", metadata={"night": "yes"})


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


def calls_of(made) -> list[dict]:
    return [made.admin.call("GET", f"/calls/{row['id']}") for row in made.admin.pages("/calls")]


def test_what_is_kept_of_a_line_stands_on_the_key(scene):
    made = scene({"good-1": scripts.answer("fine", prompt=7, tokens=2)})
    ended(made.client(), start(made.client(), lines(2)).id)
    assert [call["content"] for call in calls_of(made)] == [None, None]  # metadata alone: the default
    keeping = made.client(content="30d")
    ended(keeping, start(keeping, lines(3)).id)
    kept = [call["content"] for call in calls_of(made) if call["content"]]
    assert len(kept) == 3
    for (one,) in kept:
        assert one["request"]["messages"] == [{"role": "user", "content": "hi"}]
        assert one["answer"]["choices"][0]["message"]["content"] == "fine"
        days = (datetime.fromisoformat(one["until"]) - datetime.now(UTC)).total_seconds() / 86_400
        assert 29.9 < days < 30.1
    ends = [file.expires_at for file in keeping.files.list()]  # what that key asked and was answered goes too; the other key's stays
    assert ends.count(None) == 2
    assert all(29.9 < (end - time.time()) / 86_400 < 30.1 for end in ends if end) and len(ends) == 4
    with pytest.raises(openai.BadRequestError, match="keeps no content"):
        made.client(content="none").files.create(file=("in.jsonl", lines(1)), purpose="batch")
    with pytest.raises(openai.BadRequestError, match="keeps no content"):  # nor may it have another key's file answered
        start_of(made.client(content="none"), keeping.files.list().data[0].id)


OWN_SERVER = """
[providers.own]
like = "vllm"
base_url = "{base_url}"
key_env = "SCRIPT_KEY"
models = ["own-1"]
"""
# A million tokens in pico-dollars a token: standard 2 and 8 dollars, flex half of it, batch a quarter.
TIERED = {"input_pico": 2_000_000, "output_pico": 8_000_000,
          "tiers": ["flex: input=1 output=4", "batch: input=0.5 output=2"]}  # fmt: skip


async def served_flexibly(call: Call) -> None:
    """A provider that serves at the level that it is asked for, and says so."""
    body = scripts.completion(call, ["fine"], scripts.usage_of(7, 2))
    await call.json(body | {"service_tier": call.body.get("service_tier", "default")})


@pytest.mark.parametrize(
    ("provider", "line", "nano"),
    [
        # 7 × 2,000 + 2 × 8,000: the provider answered a live call, and its invoice says so.
        ("script", {}, 30_000),
        # 7 × 1,000 + 2 × 4,000: it was asked for its flex level, and says that it served so.
        ("script", {"service_tier": "flex"}, 15_000),
        # 7 × 500 + 2 × 2,000: a server of one's own sends no invoice; one's own price has a row for batches.
        ("own", {}, 7_500),
    ],
)
def test_a_line_costs_what_the_invoice_says_or_ones_own_row_for_batches(provider, line, nano):
    with Provider({"*": served_flexibly}) as upstream:
        config = PROVIDER_CONFIG.format(base_url=upstream.base_url, models='"script-1"') + OWN_SERVER.format(base_url=upstream.base_url)
        with Steward(config, env={"SCRIPT_KEY": upstream.key}) as steward, Admin(steward) as admin:
            model = f"{provider}-1"
            admin.call("POST", "/prices", {"provider": provider, "model": model} | TIERED)
            client = client_of(steward, admin.new_key("k")["secret"])
            rows = [json.loads(row) for row in lines(4, model).splitlines()]
            data = "\n".join(json.dumps(row | {"body": row["body"] | line}) for row in rows).encode()
            batch = ended(client, start(client, data).id)
            assert batch.request_counts.completed == 4
            [row] = admin.usage()
            assert nano_of_microusd(row["cost_microusd"]) == 4 * nano
            # Asked live, the same price has the row of the level that it was served at.
            client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}], max_tokens=8, extra_body=line)
            [row] = admin.usage()
            assert nano_of_microusd(row["cost_microusd"]) == 4 * nano + (15_000 if line else 30_000)


def test_a_local_models_lines_cost_the_owners_row_for_batches(embedded):
    embedded.admin.call("POST", "/prices", {"provider": "local", "model": embedded.embedding, "input_pico": 1_000_000, "output_pico": 0, "tiers": ["batch: input=0.25"]})
    try:
        client = client_of(embedded.steward, embedded.admin.new_key("night")["secret"])
        body = {"model": embedded.embedding, "input": "Bread is baked in the oven.", "encoding_format": "float"}
        before = sum(nano_of_microusd(row["cost_microusd"]) for row in embedded.admin.usage(model=embedded.embedding))
        live = client.embeddings.create(**body).usage.prompt_tokens
        between = sum(nano_of_microusd(row["cost_microusd"]) for row in embedded.admin.usage(model=embedded.embedding))
        assert between - before == live * 1_000
        data = json.dumps({"custom_id": "a", "method": "POST", "url": "/v1/embeddings", "body": body}).encode()
        assert ended(client, start(client, data, "/v1/embeddings").id).request_counts.completed == 1
        after = sum(nano_of_microusd(row["cost_microusd"]) for row in embedded.admin.usage(model=embedded.embedding))
        assert after - between == live * 250
    finally:
        embedded.admin.call("POST", "/prices", {"provider": "local", "model": embedded.embedding, "input_pico": 0, "output_pico": 0})


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
