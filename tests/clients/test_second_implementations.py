"""Other people's servers behind Steward, in every dialect that they speak: llama.cpp's own, and LiteLLM's proxy before it.

What they say is theirs, so it is judged by what must hold of any answer: text came, streamed as whole; the finish is told; tokens were counted
and the charge is what they cost, by hand; a tool that must be called is called, with arguments that keep its schema. Asked and read it is as in
the matrix (tests/matrix/ask.py, tests/judges/said.py).
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.conftest import real_upstream
from tests.harness import wire
from tests.harness.admin import Admin
from tests.harness.money import Price, nano_of_microusd
from tests.harness.paths import free_port
from tests.harness.steward import Steward
from tests.judges import said
from tests.judges.said import Said
from tests.matrix.ask import DIALECTS, Ask, Turn, write
from tests.matrix.features import CLOCK, WEATHER
from tests.realclients.sandbox import INSTALLED

SPOKEN = {"llama": ("openai", "responses", "anthropic"), "litellm": ("openai", "responses", "anthropic", "gemini")}
PAIRS = [(server, dialect) for server, dialects in SPOKEN.items() for dialect in dialects]
KEY = "sk-second"
MOST = 16  # tokens; LiteLLM makes less than 16 into 16 on its way to Responses, and is cut there
PRICE = Price(input_pico=1_000_000, output_pico=3_000_000)


# The shipped model's own template knows no tools. In this one's words llama.cpp holds a call to its schema.
TEMPLATE = r"""
{%- if tools %}
    {{- '<|im_start|>system\n<tools>' }}
    {%- for tool in tools %}{{- '\n' + (tool | tojson) }}{%- endfor %}
    {{- '\n</tools>\nCall one so:\n<tool_call>\n{"name": NAME, "arguments": OBJECT}\n</tool_call><|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\n' + (message.content or '') }}
    {%- for call in message.tool_calls or [] %}
        {{- '\n<tool_call>\n{"name": "' + call.function.name + '", "arguments": ' + (call.function.arguments | tojson) + '}\n</tool_call>' }}
    {%- endfor %}
    {{- '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}
"""


def earlier(number: int, city: str) -> tuple[Turn, Turn, Turn]:
    key = f"call_a{number}"
    asked = Turn("user", f"What is the weather in {city}?")
    return asked, Turn("model", calls=((key, "get_weather", {"city": city}),)), Turn("tools", results=((key, "get_weather", f"{number} degrees", ""),))


# llama.cpp lets words stand before a call that must come: so small a model leaves them out once it has seen calls.
CALLED = Ask(
    turns=(*earlier(1, "Paris"), *earlier(2, "Rome"), Turn("user", "What is the weather in Oslo?")), tools=(WEATHER, CLOCK), choice="any", temperature=0, limit=80
)


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
    (folder / "tools.jinja").write_text(TEMPLATE)
    with real_upstream("chat", "--chat-template-file", folder / "tools.jinja") as llama:
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
    for server, dialect in PAIRS:
        address = servers[server] + ("beta" if dialect == "gemini" else "")
        config += f'[providers.{server}-{dialect}]\nbase_url = "{address}"\ndialect = "{dialect}"\nkey_env = "SECOND_KEY"\nmodels = ["second"]\n'
    with Steward(config, env={"SECOND_KEY": KEY}) as steward, Admin(steward) as admin:
        for server, dialect in PAIRS:
            admin.set_price(f"{server}-{dialect}", "second", PRICE)
        yield steward, admin


def ask(steward: Steward, key: str, way: str, model: str, asked: Ask, streamed: bool) -> Said:
    path, body = write(way, model, asked, streamed)
    answer = asyncio.run(wire.call(steward.port, path, key, body, deadline_s=80))
    assert answer.status == 200, (way, streamed, answer.body)
    if way == "chat" and streamed:
        assert [one for one in answer.events() if isinstance(one, dict) and "choices" not in one] == []
    return said.read(way, answer.body, streamed)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("server", "dialect"), PAIRS)
def test_a_real_server_answers_in_every_dialect(behind: tuple[Steward, Admin], server: str, dialect: str) -> None:
    steward, admin = behind
    key = admin.new_key(f"{server}-{dialect}")
    asked = Ask(turns=(Turn("user", "Say hello."),), temperature=0, limit=MOST)
    expected = 0
    for way in DIALECTS:
        texts = []
        for streamed in (False, True):
            told = ask(steward, key["secret"], way, f"{server}-{dialect}/second", asked, streamed)
            assert told.text.strip() and told.stop in (said.STOP, said.LENGTH), (way, streamed, told)
            assert told.usage["input"] > 0 and 0 < told.usage["output"] <= MOST, (way, streamed, told)
            expected += PRICE.cost_nano(told.usage["input"], told.usage["output"])
            texts.append(told.text)
        assert texts[0] == texts[1], f"{way}: streamed and whole say different things at temperature 0"
    (row,) = [row for row in admin.usage(group_by="key") if row["group"]["key"] == key["id"]]
    # A cached prefix costs as input here: no cached price is set.
    assert nano_of_microusd(row["cost_microusd"]) == expected


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("server", "dialect"), PAIRS)
def test_a_real_server_calls_the_tool_that_it_must_call(behind: tuple[Steward, Admin], server: str, dialect: str) -> None:
    steward, admin = behind
    secret = admin.new_key(f"{server}-{dialect}-tools")["secret"]
    for number, way in enumerate(DIALECTS):
        told = ask(steward, secret, way, f"{server}-{dialect}/second", CALLED, streamed=number % 2 == 1)
        [(name, given)] = told.calls
        assert name == "get_weather" and list(given) == ["city"] and isinstance(given["city"], str), (way, told)
        assert told.stop == said.TOOLS, (way, told)
        assert told.usage["input"] > 100 and 0 < told.usage["output"] <= CALLED.limit, (way, told)
