"""Other people's servers behind Steward, in every dialect that they speak: llama.cpp's own, and LiteLLM's proxy before it.

What they say is theirs, so it is judged by what must hold of any answer: text came, streamed as whole; the finish is told; tokens were counted
and the charge is what they cost, by hand.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.conftest import real_upstream
from tests.harness.admin import Admin
from tests.harness.money import Price, nano_of_microusd
from tests.harness.paths import free_port
from tests.harness.steward import Steward
from tests.realclients.sandbox import INSTALLED

DIALECTS = ("openai", "responses", "anthropic")
KEY = "sk-second"
MOST = 20  # tokens; LiteLLM makes less than 16 into 16 on its way to Responses, and is cut there
PRICE = Price(input_pico=1_000_000, output_pico=3_000_000)


def wait_for(url: str, deadline_s: float) -> None:
    end = time.monotonic() + deadline_s
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        if time.monotonic() > end:
            raise RuntimeError(f"{url} did not answer within {deadline_s} s")
        time.sleep(0.2)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The servers' addresses, by name."""
    folder = tmp_path_factory.mktemp("litellm")
    with real_upstream("chat") as llama:
        port = free_port()
        config = {
            "model_list": [{"model_name": "second", "litellm_params": {"model": "openai/second", "api_base": llama, "api_key": "any"}}],
            "general_settings": {"master_key": KEY},
        }
        (folder / "config.yaml").write_text(json.dumps(config))
        env = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "HOME": str(folder)}
        command = [INSTALLED / "litellm/bin/litellm", "--config", folder / "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen([*command, "--num_workers", "1", "--telemetry", "False"], env=env, cwd=folder,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(f"http://127.0.0.1:{port}/health/liveliness", 90)
            yield {"llama": llama, "litellm": f"http://127.0.0.1:{port}/v1"}
        finally:
            process.kill()
            process.wait(10)


@pytest.fixture(scope="module")
def behind(servers: dict[str, str]) -> Iterator[tuple[Steward, Admin]]:
    config = ""
    for server, address in servers.items():
        for dialect in DIALECTS:
            name = f"{server}-{dialect}"
            config += f'[providers.{name}]\nbase_url = "{address}"\ndialect = "{dialect}"\nkey_env = "SECOND_KEY"\nmodels = ["second"]\n'
    with Steward(config, env={"SECOND_KEY": KEY}) as steward, Admin(steward) as admin:
        for server in servers:
            for dialect in DIALECTS:
                admin.set_price(f"{server}-{dialect}", "second", PRICE)
        yield steward, admin


def post(steward: Steward, path: str, key: str, body: dict) -> str:
    request = urllib.request.Request(steward.url + path, json.dumps(body).encode(), {"content-type": "application/json", "authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=80) as answer:
        return answer.read().decode()


def events(stream: str) -> list[dict]:
    data = [line[6:] for line in stream.splitlines() if line.startswith("data: ")]
    return [json.loads(one) for one in data if one != "[DONE]"]


def all_input(usage: dict) -> int:
    """Anthropic's `input_tokens` leaves out what was read from the cache or written there."""
    return usage["input_tokens"] + (usage.get("cache_read_input_tokens") or 0) + (usage.get("cache_creation_input_tokens") or 0)


def ask(steward: Steward, key: str, way: str, model: str, streamed: bool) -> tuple[str, int, int, str]:
    """Text, prompt and completion tokens and the finish, read from one dialect in."""
    say = [{"role": "user", "content": "Say hello."}]
    if way == "chat":
        body = {"model": model, "messages": say, "max_tokens": MOST, "temperature": 0, "stream": streamed}
        raw = post(steward, "/v1/chat/completions", key, body | ({"stream_options": {"include_usage": True}} if streamed else {}))
        parts = events(raw) if streamed else [json.loads(raw)]
        assert [part for part in parts if "choices" not in part] == []
        choices = [choice for part in parts for choice in part["choices"]]
        text = "".join((choice.get("delta") or choice.get("message") or {}).get("content") or "" for choice in choices)
        usage = next(part["usage"] for part in reversed(parts) if part.get("usage"))
        return text, usage["prompt_tokens"], usage["completion_tokens"], next(c["finish_reason"] for c in reversed(choices) if c["finish_reason"])
    if way == "messages":
        raw = post(steward, "/v1/messages", key, {"model": model, "messages": say, "max_tokens": MOST, "temperature": 0, "stream": streamed})
        if not streamed:
            whole = json.loads(raw)
            return "".join(b.get("text", "") for b in whole["content"]), all_input(whole["usage"]), whole["usage"]["output_tokens"], whole["stop_reason"]
        seen = events(raw)
        text = "".join(e["delta"].get("text", "") for e in seen if e["type"] == "content_block_delta")
        last = next(e for e in seen if e["type"] == "message_delta")
        return text, all_input(last["usage"]), last["usage"]["output_tokens"], last["delta"]["stop_reason"]
    raw = post(steward, "/v1/responses", key, {"model": model, "input": "Say hello.", "max_output_tokens": MOST, "temperature": 0, "stream": streamed})
    whole = events(raw)[-1]["response"] if streamed else json.loads(raw)
    text = "".join(c.get("text", "") for item in whole["output"] if item["type"] == "message" for c in item["content"])
    return text, whole["usage"]["input_tokens"], whole["usage"]["output_tokens"], whole["status"]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("server", ["llama", "litellm"])
def test_a_real_server_answers_in_every_dialect(behind: tuple[Steward, Admin], server: str, dialect: str) -> None:
    steward, admin = behind
    key = admin.new_key(f"{server}-{dialect}")
    expected = 0
    for way in ("chat", "messages", "responses"):
        texts = []
        for streamed in (False, True):
            text, prompt, completion, finish = ask(steward, key["secret"], way, f"{server}-{dialect}/second", streamed)
            assert text.strip() and finish in ("stop", "length", "end_turn", "max_tokens", "completed", "incomplete"), (way, streamed, text, finish)
            assert prompt > 0 and 0 < completion <= MOST, (way, streamed, prompt, completion)
            expected += PRICE.cost_nano(prompt, completion)
            texts.append(text)
        assert texts[0] == texts[1], f"{way}: streamed and whole say different things at temperature 0"
    (row,) = [row for row in admin.usage(group_by="key") if row["group"]["key"] == key["id"]]
    # A cached prefix costs as input here: no cached price is set.
    assert nano_of_microusd(row["cost_microusd"]) == expected
