"""Errors reach the official client as its own types, with what a person and a program need."""

from __future__ import annotations

import datetime

import openai
import pytest

from tests.conftest import client_of
from tests.harness import scripts
from tests.harness.money import Price

ASK = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def one():
    from tests.conftest import scene_with

    models = {
        "good-1": scripts.answer("fine", tokens=2),
        "broken-1": scripts.fails(500),
        "busy-1": scripts.fails(429, "rate_limit_exceeded", {"retry-after": "7"}),
        "garbage-1": scripts.garbage(),
        "dead-1": scripts.dies_before_first_byte(),
        "dies-1": scripts.dies_after(3),
    }
    with scene_with(models, before="[providers.gone]\nbase_url = 'http://127.0.0.1:9/v1'\nkey_env = 'SCRIPT_KEY'\nmodels = ['gone-1']\n") as made:
        yield made


def ask(client: openai.OpenAI, model: str = "good-1", **more: object):
    return client.chat.completions.create(model=model, messages=ASK, max_tokens=8, **more)


def test_a_wrong_key_is_an_authentication_error(one):
    with pytest.raises(openai.AuthenticationError) as told:
        ask(client_of(one.steward, "sk-steward-" + "A" * 43))
    assert told.value.code == "invalid_api_key"


def test_a_revoked_key_says_so(one):
    made = one.admin.new_key("gone")
    one.admin.call("POST", f"/keys/{made['id']}/revoke", {})
    with pytest.raises(openai.AuthenticationError) as told:
        ask(client_of(one.steward, made["secret"]))
    assert told.value.code == "revoked_api_key"


def test_an_expired_key_says_so(one):
    past = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    secret = one.admin.new_key("short", expires_at=past)["secret"]
    __import__("time").sleep(1.5)
    with pytest.raises(openai.AuthenticationError) as told:
        ask(client_of(one.steward, secret))
    assert told.value.code == "expired_api_key"


def test_both_secrets_hold_while_a_rotation_overlaps(one):
    made = one.admin.new_key("turning")
    fresh = one.admin.call("POST", f"/keys/{made['id']}/rotate", {"overlap_s": 3600})["secret"]
    assert ask(client_of(one.steward, made["secret"])) and ask(client_of(one.steward, fresh))
    newest = one.admin.call("POST", f"/keys/{made['id']}/rotate", {"overlap_s": 0})["secret"]
    assert ask(client_of(one.steward, newest))
    with pytest.raises(openai.AuthenticationError):
        ask(client_of(one.steward, made["secret"]))


def test_a_scope_of_models_holds(one):
    client = one.client(models=["other-*"])
    with pytest.raises((openai.PermissionDeniedError, openai.NotFoundError)):
        ask(client)
    assert [model.id for model in client.models.list()] == []


def test_a_scope_of_endpoints_holds(one):
    with pytest.raises(openai.PermissionDeniedError):
        ask(one.client(endpoints=["embeddings"]))


def test_an_unknown_model_is_not_found(one):
    with pytest.raises(openai.NotFoundError) as told:
        ask(one.client(), "no-such-model")
    assert told.value.code == "model_not_found" and "no-such-model" in told.value.message


def test_a_bad_request_names_its_field(one):
    with pytest.raises(openai.BadRequestError) as told:
        ask(one.client(), temperature="hot")
    assert told.value.param == "temperature" and told.value.type == "invalid_request_error"


def test_requests_a_minute_are_limited_and_say_when_more_come(one):
    client = one.client(limits={"requests_per_minute": 2})
    raw = client.chat.completions.with_raw_response.create(model="good-1", messages=ASK, max_tokens=8)
    assert raw.headers["x-ratelimit-limit-requests"] == "2" and raw.headers["x-ratelimit-remaining-requests"] == "1"
    ask(client)
    with pytest.raises(openai.RateLimitError) as told:
        ask(client)
    assert told.value.code == "rate_limit_exceeded" and 0 < float(told.value.response.headers["retry-after"]) <= 60
    assert told.value.response.headers["x-ratelimit-remaining-requests"] == "0"


def test_calls_at_once_are_limited(scene):
    one = scene({"slow-1": scripts.answer("slow", latency_s=1.5)})
    client = one.client(limits={"concurrency": 1})
    from concurrent.futures import ThreadPoolExecutor

    def attempt(_: int) -> object:
        try:
            return ask(client, "slow-1")
        except openai.RateLimitError as told:
            return told.code

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(attempt, range(4)))
    assert told.count("concurrency_limit_exceeded") == 3
    assert len(one.provider.calls()) == 1


def test_a_spent_budget_says_what_is_left_and_when_more_comes(one):
    made = one.admin.new_key("poor")
    one.admin.set_price("script", "good-1", Price(output_pico=10_000_000))
    one.admin.set_budget("day", made["id"], 50_000, "day")
    with pytest.raises(openai.RateLimitError) as told:
        ask(client_of(one.steward, made["secret"]))
    assert told.value.code == "budget_exceeded" and told.value.type == "insufficient_quota"
    assert 0 < int(told.value.response.headers["retry-after"]) <= 25 * 3600
    assert told.value.response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("model", ["broken-1", "garbage-1", "dead-1", "gone-1"])
def test_an_upstreams_failure_is_told_as_one_and_costs_nothing(one, model):
    for stream in (False, True):
        with pytest.raises(openai.APIStatusError) as told:
            list(ask(one.client(), model, stream=stream))
        assert told.value.status_code in (502, 503, 504) and told.value.code.startswith("upstream_")


def test_an_upstreams_rate_limit_is_a_rate_limit_here(one):
    with pytest.raises(openai.APIStatusError) as told:
        ask(one.client(), "busy-1")
    assert told.value.status_code in (429, 502, 503) and "upstream" in told.value.message.lower()


def test_an_upstreams_death_in_the_stream_is_told_in_the_stream(one):
    received = []
    with pytest.raises(openai.APIError) as told:
        for chunk in ask(one.client(), "dies-1", stream=True):
            received += [choice.delta.content for choice in chunk.choices if choice.delta.content]
    assert "".join(received) == "word " * 3
    assert told.value.message


def test_an_upstreams_secret_is_nowhere(one):
    for model in ("broken-1", "busy-1", "gone-1"):
        with pytest.raises(openai.APIError):
            ask(one.client(), model)
    log = one.steward.log_path.read_text()
    assert one.provider.key not in log and one.steward.admin_key not in log
    assert all(seen.headers["authorization"] == f"Bearer {one.provider.key}" for seen in one.provider.calls())


@pytest.mark.parametrize("field", [{"modalities": ["audio"]}, {"audio": {"voice": "x", "format": "wav"}}, {"web_search_options": {}}])
def test_what_the_engine_cannot_honour_is_refused_by_name(embedded, field):
    with pytest.raises(openai.BadRequestError) as told:
        embedded.client.chat.completions.create(model=embedded.chat, messages=ASK, max_tokens=4, extra_body=field)
    assert told.value.code == "unsupported_parameter" and told.value.param == next(iter(field))


def test_a_field_nobody_knows_is_not_dropped_silently(embedded):
    with pytest.raises(openai.BadRequestError) as told:
        embedded.client.chat.completions.create(model=embedded.chat, messages=ASK, max_tokens=4, extra_body={"temprature": 0.1})
    assert "temprature" in told.value.message


def test_a_text_over_the_context_is_refused(embedded):
    with pytest.raises(openai.BadRequestError) as told:
        embedded.client.chat.completions.create(model=embedded.chat, messages=[{"role": "user", "content": "word " * 20_000}])
    assert told.value.code == "context_length_exceeded"
