"""Providers added in the app: keys sealed and never seen again, addresses that may not lead inside, pictures that pass the guard."""

from __future__ import annotations

import asyncio
import base64
import json
import zlib

import pytest

from tests.conftest import Scene
from tests.harness import scripts, wire
from tests.harness.admin import Admin
from tests.harness.provider import Call, Provider
from tests.harness.steward import Steward

KEY = "sk-upstream-7f3c9e0b5a"
ASK = [{"role": "user", "content": "go"}]


def png() -> bytes:
    def part(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = (1).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"\x00\x01\x02\x03")) + part(b"IEND", b"")


def call(it: Steward, secret: str, body: dict, path: str = "/v1/chat/completions") -> wire.Answer:
    return asyncio.run(wire.call(it.port, path, secret, {"max_tokens": 20} | body, deadline_s=30))


def test_a_key_is_sealed_and_never_seen_again(tmp_path):
    with Provider({"m": scripts.answer("hi", tokens=1)}) as upstream, Steward() as it:
        refused = it.cli("providers", "add", "lab", "--base-url", upstream.base_url, stdin=KEY, check=False)
        assert refused.returncode == 1
        assert "--inside" in refused.stderr
        shown = it.cli("providers", "add", "lab", "--base-url", upstream.base_url, "--inside", stdin=KEY + "\n").stdout
        shown += it.cli("providers", "list").stdout + it.cli("providers", "list", "--json").stdout + it.cli("config", "show").stdout
        assert "sealed" in shown
        tested = it.cli("providers", "test", "lab")
        assert "lists 1 models" in tested.stdout
        secret = it.cli_json("keys", "new", "k")["secret"]
        assert call(it, secret, {"model": "lab/m", "messages": ASK}).status == 200
        assert upstream.calls()[0].headers["authorization"] == f"Bearer {KEY}"
        # A restart finds it; a bad key says so without repeating it.
        it.stop()
        it.start()
        assert call(it, secret, {"model": "m", "messages": ASK}).status == 200
        exported = it.cli("journal", "export").stdout
        assert "providers.lab.base_url" in exported
        for text in (shown, tested.stdout, exported, it.log_path.read_text()):
            assert KEY not in text
        for path in it.home.rglob("*"):
            assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
        it.cli("providers", "remove", "lab")
        assert it.cli_json("providers", "list") == []
        assert not list(it.home.glob("secrets/provider.lab*"))
        assert it.cli("providers", "remove", "lab", check=False).returncode == 1


def test_an_upstream_that_refuses_the_key_and_repeats_it(tmp_path):
    async def refuse(upstream: Call) -> None:
        await upstream.json({"error": {"message": f"Incorrect API key provided: {KEY}"}}, 401)

    class Refusing(Provider):
        async def _answer(self, upstream: Call) -> None:
            await refuse(upstream)

    with Refusing({}) as upstream, Steward() as it:
        it.cli("providers", "add", "lab", "--base-url", upstream.base_url, "--inside", stdin=KEY)
        tested = it.cli("providers", "test", "lab", check=False)
        assert tested.returncode == 1
        assert "Incorrect API key provided" in tested.stderr
        assert KEY not in tested.stderr + tested.stdout + it.log_path.read_text()


def test_googles_way_of_refusing_a_key_is_told_as_that():
    """400 with a reason among the details, as Google answers it."""
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
    said = {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT", "details": [reason]}

    class Refusing(Provider):
        async def _answer(self, upstream: Call) -> None:
            await upstream.json({"error": said}, 400)

    with Refusing({}) as upstream, Steward() as it, Admin(it) as admin:
        it.cli("providers", "add", "lab", "--like", "gemini", "--base-url", upstream.base_url, "--inside", stdin=KEY)
        assert admin.call("POST", "/providers/lab/test")["code"] == "key_refused"
        said["details"] = []
        assert admin.call("POST", "/providers/lab/test")["code"] == "refused", "another 400 is none of the key's"


def test_what_a_providers_model_makes_is_told():
    names = ["gpt-4o-mini", "text-embedding-3-small", "embedding-gemma-300m", "mixed-bread", "embedded-talk"]
    with Provider({name: scripts.answer() for name in names}) as upstream:
        config = f'[providers.up]\nlike = "openai"\nbase_url = "{upstream.base_url}"\nkey_env = "SCRIPT_KEY"\n'
        with Steward(config, env={"SCRIPT_KEY": upstream.key}) as it, Admin(it) as admin:
            secret = admin.new_key("k")["secret"]
            kinds = {one["id"]: one["kind"] for one in json.loads(it.get("/v1/models", secret))["data"]}
            assert [kinds[name] for name in names] == ["chat", "embedding", "embedding", "chat", "chat"]


def test_what_a_providers_list_says_of_its_models_is_told():
    class Gemini(Provider):
        async def _answer(self, upstream: Call) -> None:
            kinds = {"talks": ["generateContent", "countTokens"], "vectors": ["embedContent", "countTokens"]}
            await upstream.json({"models": [{"name": f"models/{name}", "supportedGenerationMethods": can} for name, can in kinds.items()]})

    with Gemini({}) as upstream, Steward() as it, Admin(it) as admin:
        it.cli("providers", "add", "lab", "--like", "gemini", "--base-url", upstream.base_url, "--inside", stdin=KEY)
        assert admin.call("POST", "/providers/lab/test")["models"] == ["talks", "vectors"]
        told = json.loads(it.get("/v1/models", admin.new_key("k")["secret"]))["data"]
        assert {one["id"]: one["kind"] for one in told if one["owned_by"] == "lab"} == {"talks": "chat", "vectors": "embedding"}
        routes = {route["name"]: route for route in admin.pages("/routes")}
        assert routes["deep"]["deployments"] == ["lab/talks"]


def test_an_administrator_over_the_network_cant_reach_inside(scene):
    it = scene({"m": scripts.answer()})
    for body in ({"base_url": "http://169.254.169.254/v1"}, {"base_url": it.provider.base_url}, {"base_url": it.provider.base_url, "inside": True}):
        answer = it.admin.http.post("/providers", json={"name": "evil", "key": KEY} | body)
        assert answer.status_code in (400, 403), answer.text
    assert it.admin.http.put("/config/limits.allow_inside", json={"value": ["127.0.0.1"]}).status_code == 403
    assert [one["name"] for one in it.admin.pages("/providers")] == ["script"]
    # The setting alone is judged where the connection is made.
    assert it.admin.http.put("/config/providers.sneaky.base_url", json={"value": it.provider.base_url}).status_code == 200
    it.admin.http.put("/config/providers.sneaky.models", json={"value": ["m"]})
    before = len(it.provider.seen)
    tested = it.admin.call("POST", "/providers/sneaky/test", {})
    assert not tested["ok"]
    assert call(it.steward, it.admin.new_key("k")["secret"], {"model": "sneaky/m", "messages": ASK}).status >= 400
    assert len(it.provider.seen) == before


def test_a_sealed_key_that_is_lost_keeps_nobody_out(tmp_path):
    with Provider({"m": scripts.answer()}) as upstream, Steward() as it:
        it.cli("providers", "add", "lab", "--base-url", upstream.base_url, "--inside", stdin=KEY)
        it.stop()
        next(iter(it.home.glob("secrets/provider.lab*"))).unlink()
        it.start()
        [row] = it.cli_json("providers", "list")
        assert "secret" in row["problem"]
        it.cli("providers", "add", "lab", stdin=KEY)
        assert "lists 1 models" in it.cli("providers", "test", "lab").stdout


def test_keys_in_the_environment_make_providers(tmp_path):
    env = {"ANTHROPIC_API_KEY": "a", "GOOGLE_API_KEY": "g", "MISTRAL_API_KEY": "m", "AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "s"}
    with Steward(env=env | {"AWS_REGION": "eu-central-1", "XAI_API_KEY": ""}) as it:
        rows = {row["name"]: row for row in it.cli_json("providers", "list")}
        assert {name: row["dialect"] for name, row in rows.items()} == {
            "anthropic": "anthropic",
            "gemini": "gemini",
            "mistral": "openai",
            "bedrock": "bedrock",
        }
        assert rows["bedrock"]["base_url"] == "https://bedrock-runtime.eu-central-1.amazonaws.com"
        assert rows["gemini"]["key"] == {"source": "environment", "name": "GOOGLE_API_KEY"}


INSIDE = ["http://127.0.0.1:1/a.png", "http://169.254.169.254/latest/meta-data", "http://2130706433/", "http://localhost/", "http://[::1]/",
          "file:///etc/passwd", "http://metadata.google.internal/", "https://u:p@example.com/a.png"]  # fmt: skip


def picture(url: str) -> list[dict]:
    return [{"role": "user", "content": [{"type": "text", "text": "what"}, {"type": "image_url", "image_url": {"url": url}}]}]


def responses_picture(url: str) -> list[dict]:
    return [{"role": "user", "content": [{"type": "input_image", "image_url": url}]}]


def messages_picture(url: str) -> list[dict]:
    return [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": url}}]}]


@pytest.mark.parametrize("url", INSIDE)
def test_a_picture_by_an_address_that_leads_inside_reaches_no_provider(scene, url):
    it = scene({"m": scripts.answer()})
    secret = it.admin.new_key("k")["secret"]
    for path, body in (
        ("/v1/chat/completions", {"messages": picture(url), "max_tokens": 9}),
        ("/v1/responses", {"input": responses_picture(url), "max_output_tokens": 20, "store": False}),
        ("/v1/messages", {"messages": messages_picture(url), "max_tokens": 9}),
    ):
        answer = asyncio.run(wire.call(it.steward.port, path, secret, {"model": "m"} | body, deadline_s=30))
        assert answer.status == 400, (path, answer.body)
        assert b"may not be fetched" in answer.body, (path, answer.body)
    assert it.provider.calls() == []


class Pictures(Provider):
    """Serves a picture, a redirect inside, and a page."""

    async def _answer(self, call: Call) -> None:
        if call.seen.path == "/a.png":
            await call.bytes(png(), 200, "image/png")
        elif call.seen.path == "/inside":
            await call.bytes(b"", 302, "text/plain", {"Location": "http://169.254.169.254/latest/"})
        else:
            await call.bytes(b"<html>", 200, "image/png")


def test_a_provider_that_fetches_nothing_gets_the_bytes(tmp_path):
    with Provider({"m": scripts.answer("ok", tokens=1)}) as upstream, Pictures({}) as pictures:
        config = (
            f'[limits]\nallow_inside = ["127.0.0.1:{pictures.port}"]\n'
            f'[providers.lab]\nlike = "nvidia"\nbase_url = "{upstream.base_url}"\nmodels = ["m"]\n'
        )
        with Steward(config) as it:
            secret = it.cli_json("keys", "new", "k")["secret"]
            root = f"http://127.0.0.1:{pictures.port}"
            good = call(it, secret, {"model": "m", "messages": picture(f"{root}/a.png")})
            assert good.status == 200, good.body
            sent = json.dumps(upstream.calls()[0].body)
            assert root not in sent
            assert "data:image/png;base64," + base64.b64encode(png()).decode() in sent
            for path, why in (("/inside", "may not be fetched"), ("/page", "no image")):
                bad = call(it, secret, {"model": "m", "messages": picture(root + path)})
                assert bad.status == 400
                assert why in bad.error["message"], bad.error
            assert len(upstream.calls()) == 1
            assert [one.path for one in pictures.seen] == ["/a.png", "/inside", "/page"]


def test_a_provider_that_fetches_itself_gets_the_address(scene):
    it: Scene = scene({"m": scripts.answer("ok", tokens=1)})
    secret = it.admin.new_key("k")["secret"]
    answer = call(it.steward, secret, {"model": "m", "messages": picture("https://images.example.com/a.png")})
    assert answer.status == 200, answer.body
    assert "https://images.example.com/a.png" in json.dumps(it.provider.calls()[0].body), "whoever fetches itself gets the address"
