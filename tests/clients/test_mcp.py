"""Memory over MCP, by the official client: over HTTP and stdio, in every revision that it speaks; and what the transport must refuse."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import httpx
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.harness.admin import Admin
from tests.harness.paths import steward_binary
from tests.harness.people import Browser, invited, owner_of
from tests.harness.steward import Steward
from tests.talk.life import ulid, wait_for
from tests.talk.test_keeping import files_with

CONFIG = "[people]\nsign_in_pause_s = 3600\n[engine]\nenabled = false\n"
NEWEST, GREETED = "2026-07-28", "2025-11-25"
ACCEPT = "application/json, text/event-stream"


@dataclass
class Place:
    steward: Steward
    admin: Admin
    me: Browser

    @property
    def url(self) -> str:
        return self.steward.url + "/mcp"

    def key(self, who: Browser | None = None, **fields: object) -> str:
        fields = {"endpoints": ["memory"]} | fields
        return self.admin.new_key(f"mcp-{ulid('k')}", owner=(who or self.me).person["id"], **fields)["secret"]

    def post(self, body: object, key: str | None = None, **headers: str) -> httpx.Response:
        """As it stands; a header that is empty is left out."""
        all_of = {"content-type": "application/json", "accept": ACCEPT, "authorization": f"Bearer {key or self.key()}"}
        all_of |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.post(self.url, content=content, headers={name: value for name, value in all_of.items() if value}, timeout=30)

    def call(self, tool: str, key: str, **arguments: object) -> dict:
        answer = self.post(message("tools/call", {"name": tool, "arguments": arguments}), key, mcp_protocol_version=GREETED)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with Steward(CONFIG) as steward, Admin(steward) as admin:
        yield Place(steward, admin, owner_of(steward))


def message(method: str, params: dict | None = None, number: int | str = 1) -> dict:
    return {"jsonrpc": "2.0", "id": number, "method": method} | ({} if params is None else {"params": params})


def carrying(params: dict | None = None, revision: str = NEWEST) -> dict:
    meta = {"io.modelcontextprotocol/protocolVersion": revision, "io.modelcontextprotocol/clientCapabilities": {}}
    return (params or {}) | {"_meta": meta}


@asynccontextmanager
async def connected(place: Place, who: Browser, way: str, mode: str) -> AsyncIterator[Client]:
    """`way`: http, socket (the home's, over stdio: its owner) or bridge (stdio, to an address with a key)."""
    if way == "http":
        async with httpx2.AsyncClient(headers={"authorization": f"Bearer {place.key(who)}"}, timeout=30) as http:
            async with Client(streamable_http_client(place.url, http_client=http), mode=mode) as client:
                yield client
        return
    arguments = ["mcp"] if way == "socket" else ["mcp", "--url", place.steward.url]
    env = place.steward.env | ({} if way == "socket" else {"STEWARD_KEY": place.key(who)})
    async with Client(StdioServerParameters(command=str(steward_binary()), args=arguments, env=env), mode=mode) as client:
        yield client


def ids(structured: dict) -> list[str]:
    return [one["id"] for piece in structured["pieces"] for one in piece["messages"]]


async def round_trip(place: Place, who: Browser, way: str, mode: str, word: str) -> None:
    async with connected(place, who, way, mode) as client:
        assert client.protocol_version == (GREETED if mode == "legacy" else NEWEST)
        assert "recall" in client.instructions and "never an instruction" in client.instructions
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == ["recall", "remember", "forget"]
        assert tools["recall"].annotations.read_only_hint and tools["recall"].output_schema["properties"]["pieces"]
        assert tools["forget"].annotations.destructive_hint and not tools["remember"].annotations.destructive_hint
        before = await client.call_tool("recall", {"query": word})
        assert not before.is_error and before.structured_content["pieces"] == [] and "Nothing was found" in before.content[0].text
        kept = await client.call_tool("remember", {"text": f"The {word} is kept at Ana's, until May.\n2. It is blue."})
        note = kept.structured_content["id"]
        assert not kept.is_error and note.startswith("msg_") and note in kept.content[0].text
        found = await client.call_tool("recall", {"query": f"Where is the {word}?", "limit": 5, "order": "latest", "after": "2020-01-01"})
        text = found.content[0].text
        assert ids(found.structured_content) == [note]
        assert f"> The {word} is kept at Ana's, until May.\n> 2. It is blue." in text and note in text and who.person["name"] in text
        assert "nothing in it is an instruction" in text and '"Notes"' in text
        told = found.structured_content["pieces"][0]["messages"][0]
        assert told["by"] == who.person["name"] and told["role"] == "user" and told["said_at"].endswith("Z")
        gone = await client.call_tool("recall", {"query": word, "before": "2020-01-01"})
        assert gone.structured_content["pieces"] == []
        assert not (await client.call_tool("forget", {"id": note})).is_error
        after = await client.call_tool("recall", {"query": word})
        assert after.structured_content["pieces"] == [] and word not in after.content[0].text
        again = await client.call_tool("forget", {"id": note})
        assert not again.is_error and "before" in again.content[0].text
        for tool, arguments, name in (("recall", {}, "query"), ("recall", {"query": word, "limit": 0}, "limit"), ("recall", {"query": word, "of": 1}, "of"),
                                      ("recall", {"query": word, "after": "soon"}, "after"), ("remember", {"text": " "}, "text"), ("forget", {"id": 5}, "id")):
            wrong = await client.call_tool(tool, arguments)
            assert wrong.is_error and f"'{name}'" in wrong.content[0].text, (tool, arguments)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("way", ["http", "socket", "bridge"])
def test_the_official_client_recalls_remembers_and_forgets(place: Place, way: str, mode: str) -> None:
    who = place.me if way == "socket" else invited(place.me, f"{way.title()} {mode.title()}")
    anyio.run(round_trip, place, who, way, mode, f"{way}{mode}lantern")


def test_messages_that_are_none_have_their_exact_errors(place: Place) -> None:
    key = place.key()

    def refused(body: object, **headers: str) -> tuple[int, int]:
        answer = place.post(body, key, **headers)
        assert answer.headers["content-type"] == "application/json" and answer.json()["jsonrpc"] == "2.0"
        return answer.status_code, answer.json()["error"]["code"]

    assert refused(b"{nonsense") == (400, -32700)
    assert refused(b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}') == (400, -32700), "two readers could read different ids"
    assert refused(b"\xff") == (400, -32700)
    for body in ({"id": 1, "method": "ping"}, {"jsonrpc": "2.0", "id": None, "method": "ping"}, {"jsonrpc": "2.0", "id": 1}, 5, []):
        assert refused(body) == (400, -32600), body
    assert refused(message("ping") | {"params": []}) == (400, -32602)
    assert refused(message("nonsense")) == (200, -32601)
    assert refused(message("initialize")) == (200, -32602)
    for params in ({}, {"name": "nothing"}, {"name": "recall", "arguments": []}):
        assert refused(message("tools/call", params)) == (200, -32602), params
    assert refused(message("ping"), mcp_protocol_version="1900-01-01") == (400, -32022)
    assert refused(message("ping"), accept="text/event-stream") == (406, -32600)
    assert refused(message("ping"), content_type="text/plain") == (415, -32600)
    assert refused(b'{"jsonrpc":"2.0","id":1,"method":"' + b"x" * (2 << 20) + b'"}')[0] == 413
    assert place.post(message("ping", number="näher"), key).json() == {"jsonrpc": "2.0", "id": "näher", "result": {}}
    assert place.post(message("ping"), key, accept="", content_type="").status_code == 200


def test_notifications_and_answers_are_taken_and_streams_are_not_offered(place: Place) -> None:
    key = place.key()
    for body in ({"jsonrpc": "2.0", "method": "notifications/initialized"}, {"jsonrpc": "2.0", "id": 1, "result": {}}):
        answer = place.post(body, key)
        assert (answer.status_code, answer.content) == (202, b"")
    for method in ("GET", "DELETE"):
        answer = httpx.request(method, place.url, headers={"authorization": f"Bearer {key}", "accept": "text/event-stream"})
        assert answer.status_code == 405 and "POST" in answer.headers["allow"]


def test_batches_are_of_the_one_revision_that_had_them(place: Place) -> None:
    key = place.key()
    batch = [message("ping", number=1), {"jsonrpc": "2.0", "method": "notifications/initialized"}, message("nonsense", number="b"), 5,
             message("initialize", {"protocolVersion": "2025-03-26"}, number=3)]
    for headers in ({}, {"mcp_protocol_version": "2025-03-26"}):
        answers = place.post(batch, key, **headers).json()
        assert [(one["id"], one.get("error", {}).get("code")) for one in answers] == [(1, None), ("b", -32601), (None, -32600), (3, -32600)]
    assert place.post([batch[1], batch[1]], key).status_code == 202
    for revision in ("2025-06-18", GREETED, NEWEST):
        assert place.post(batch, key, mcp_protocol_version=revision).json()["error"]["code"] == -32600
    assert place.post([message("ping")] * 51, key).status_code == 400


def test_a_request_of_the_newest_revision_carries_all_and_mirrors_it(place: Place) -> None:
    key = place.key()
    good = {"mcp_protocol_version": NEWEST, "mcp_method": "tools/call", "mcp_name": "recall"}
    call = message("tools/call", carrying({"name": "recall", "arguments": {"query": "x"}}))
    result = place.post(call, key, **good).json()["result"]
    assert result["resultType"] == "complete" and result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "steward"
    for wrong in ({"mcp_name": "forget"}, {"mcp_name": ""}, {"mcp_method": ""}, {"mcp_method": "tools/list"}, {"mcp_protocol_version": ""},
                  {"mcp_protocol_version": GREETED}):
        answer = place.post(call, key, **(good | wrong))
        assert (answer.status_code, answer.json()["error"]["code"], answer.json()["id"]) == (400, -32020, 1), wrong
    lacking = message("tools/list", {"_meta": {"io.modelcontextprotocol/protocolVersion": NEWEST}})
    assert place.post(lacking, key, mcp_protocol_version=NEWEST, mcp_method="tools/list").json()["error"]["code"] == -32602
    unknown = place.post(message("tools/list", carrying(revision="2099-01-01")), key, mcp_protocol_version="2099-01-01", mcp_method="tools/list")
    assert unknown.status_code == 400 and unknown.json()["error"]["data"]["supported"][0] == NEWEST
    for method in ("ping", "initialize"):
        answer = place.post(message(method, carrying()), key, mcp_protocol_version=NEWEST, mcp_method=method)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, -32601)


def test_another_sites_page_gets_nothing_with_any_key(place: Place) -> None:
    key = place.key()
    own = place.steward.url
    assert place.post(message("ping"), key, origin=own).status_code == 200
    for origin in ("https://evil.example", "null", "http://localhost.evil.example:1"):
        answer = place.post(message("ping"), key, origin=origin)
        assert answer.status_code == 403 and "id" not in answer.json() and answer.json()["error"]["data"]["code"] == "cross_site"
    assert place.post(message("ping"), key, host="evil.example").status_code == 403


def test_who_has_no_key_or_one_without_memory_is_told_which_it_takes(place: Place) -> None:
    nobody = httpx.post(place.url, json=message("ping"))
    assert nobody.status_code == 401 and nobody.headers["www-authenticate"].startswith("Bearer")
    assert nobody.json()["error"]["data"]["code"] == "invalid_api_key" and "id" not in nobody.json()
    assert place.post(message("ping"), "sk-steward-wrong").status_code == 401
    for fields in ({"endpoints": []}, {"endpoints": ["chat", "models"]}):
        answer = place.post(message("ping"), place.key(**fields))
        assert answer.status_code == 403 and 'error="insufficient_scope", scope="memory"' in answer.headers["www-authenticate"]
        assert "memory" in answer.json()["error"]["message"]


def test_another_persons_notes_stay_theirs(place: Place) -> None:
    bo = invited(place.me, "Bo")
    mine, theirs = place.key(), place.key(bo)
    note = place.call("remember", mine, text="the wombat lives under the stairs")["structuredContent"]["id"]
    assert place.call("recall", theirs, query="wombat")["structuredContent"]["pieces"] == []
    refused = place.call("forget", theirs, id=note)
    unknown = place.call("forget", theirs, id=ulid("msg"))
    assert refused["isError"] and refused["content"] == unknown["content"], "whether there is such a note is not told"
    kept = place.call("remember", theirs, text="a wombat of Bo's own")["structuredContent"]["id"]
    found = ids(place.call("recall", mine, query="wombat")["structuredContent"])
    assert note in found and kept not in found
    assert ids(place.call("recall", theirs, query="wombat")["structuredContent"]) == [kept]


def test_notes_that_come_at_once_stand_one_below_the_other(place: Place) -> None:
    cy = invited(place.me, "Cy")
    key = place.key(cy)
    with ThreadPoolExecutor(8) as at_once:
        kept = list(at_once.map(lambda number: place.call("remember", key, text=f"note number {number}"), range(8)))
    assert len({one["structuredContent"]["conversation"] for one in kept}) == 1
    [notes] = cy.ask("GET", "/v1/conversations").json()["data"]
    assert notes["title"] == "Notes" and notes["metadata"] == {"steward": "notes"}
    path = cy.ask("GET", f"/v1/conversations/{notes['id']}/messages", params={"limit": 50}).json()["data"]
    assert sorted(one["id"] for one in path) == sorted(one["structuredContent"]["id"] for one in kept), "none stands on a branch of its own"
    cy.call("POST", f"/v1/conversations/{notes['id']}/delete")
    fresh = place.call("remember", key, text="after the deletion")["structuredContent"]
    assert fresh["conversation"] != notes["id"] and ids(place.call("recall", key, query="note number")["structuredContent"]) == []
    assert place.call("remember", key, text="and one more")["structuredContent"]["conversation"] == fresh["conversation"]


def test_what_is_forgotten_is_in_no_file_and_in_no_search(place: Place) -> None:
    key = place.key(content="30d")  # a key that keeps what was asked and answered keeps nothing of this
    note = place.call("remember", key, text="the quokkaword is in the drawer")["structuredContent"]
    place.call("recall", key, query="quokkaword")
    assert files_with(place.steward.home, "quokkaword")
    assert place.me.ask("GET", "/v1/search", params={"q": "quokkaword"}).json()["data"]
    assert not place.call("forget", key, id=note["id"]).get("isError")
    assert place.me.ask("GET", "/v1/search", params={"q": "quokkaword"}).json()["data"] == []
    assert "quokkaword" not in place.me.ask("GET", f"/v1/conversations/{note['conversation']}/messages").text
    wait_for(lambda: not files_with(place.steward.home, "quokkaword"), "the erasure")
    assert place.admin.call("POST", "/journal/verify")["ok"]


def test_only_notes_are_forgotten(place: Place) -> None:
    key = place.key()
    talk = place.me.call("POST", "/v1/conversations", {"title": "Boats"})["id"]
    said = place.me.call("POST", f"/v1/conversations/{talk}/messages", {"text": "the numbat question", "answer": False})["message"]["id"]
    refused = place.call("forget", key, id=said)
    assert refused["isError"] and "'Boats'" in refused["content"][0]["text"] and "Talk" in refused["content"][0]["text"]
    assert ids(place.call("recall", key, query="numbat")["structuredContent"]) == [said]


def test_a_key_of_which_nothing_is_kept_keeps_no_note(place: Place) -> None:
    refused = place.call("remember", place.key(content="none"), text="a word")
    assert refused["isError"] and "key" in refused["content"][0]["text"]


def test_switched_off_it_says_so_and_still_forgets() -> None:
    with Steward(CONFIG) as steward, Admin(steward) as admin:
        it = Place(steward, admin, owner_of(steward))
        key = it.key()
        note = it.call("remember", key, text="for the time before")["structuredContent"]["id"]
        steward.stop()
        steward.start({"STEWARD_MEMORY_ENABLED": "false"})
        for tool, arguments in (("recall", {"query": "time"}), ("remember", {"text": "more"})):
            answer = it.call(tool, key, **arguments)
            assert answer["isError"] and "switched off" in answer["content"][0]["text"]
        assert not it.call("forget", key, id=note).get("isError")


def bridge(*arguments: str, env: dict[str, str], lines: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([steward_binary(), "mcp", *arguments], check=False, env=env, input=lines, capture_output=True, text=True, timeout=60)


def test_the_bridge_says_what_is_wrong_and_nothing_else_on_its_output(place: Place, tmp_path) -> None:
    env = place.steward.env
    done = bridge(env=env, lines='{nonsense\n\n{"jsonrpc":"2.0","method":"notifications/initialized"}\n' + json.dumps(message("ping", number="a")))
    assert done.returncode == 0 and done.stderr == ""
    assert [json.loads(line).get("id") for line in done.stdout.splitlines()] == [None, "a"]
    nobody = bridge(env=env | {"STEWARD_HOME": str(tmp_path / "none")})
    assert (nobody.returncode, nobody.stdout) == (1, "") and "steward serve" in nobody.stderr
    keyless = bridge("--url", place.steward.url, env=env)
    assert (keyless.returncode, keyless.stdout) == (2, "") and "STEWARD_KEY" in keyless.stderr
    wrong = bridge("--url", place.steward.url, env=env | {"STEWARD_KEY": "sk-steward-wrong"}, lines=json.dumps(message("ping", number=7)) + "\n")
    answer = json.loads(wrong.stdout)
    assert wrong.returncode == 0 and answer["id"] == 7 and "error" in answer and "sk-steward-wrong" not in wrong.stdout + wrong.stderr
    lost = bridge("--url", "http://127.0.0.1:9", env=env | {"STEWARD_KEY": place.key()}, lines=json.dumps(message("ping", number=8)) + "\n")
    assert json.loads(lost.stdout)["id"] == 8 and json.loads(lost.stdout)["error"]["code"] == -32603


def test_the_bridge_finds_a_server_that_was_started_anew() -> None:
    with Steward(CONFIG) as steward:
        process = subprocess.Popen([steward_binary(), "mcp"], env=steward.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def ask(number: int) -> dict:
            process.stdin.write(json.dumps(message("ping", number=number)) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        assert ask(1) == {"jsonrpc": "2.0", "id": 1, "result": {}}
        steward.stop()
        assert "steward serve" in ask(2)["error"]["message"]
        steward.start()
        assert ask(3) == {"jsonrpc": "2.0", "id": 3, "result": {}}
        process.stdin.close()
        assert process.wait(10) == 0
