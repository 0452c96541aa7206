"""Symptoms that gateways are reported with, about Responses and their state."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest
import websockets
from openai import OpenAI

from tests.harness import scripts
from tests.harness.provider import Call


def echo(chunk_s: float = 0.0, gate=None):
    """Answers with what it was asked last, and how many messages there were."""

    async def run(call: Call) -> None:
        if gate:
            await gate.wait()
        said = [m for m in call.body["messages"] if m["role"] == "user"]
        last = said[-1]["content"]
        if not isinstance(last, str):
            last = "".join(part.get("text", "") for part in last)
        await scripts.answer(f"{len(said)} said, last {last}", tokens=5, chunk_s=chunk_s)(call)

    return run


def test_a_response_is_gone_on_with_right_after_its_answer(scene):
    it = scene({"echo": echo()})
    client = it.client()

    def chain(number: int) -> list[str]:
        texts, previous = [], None
        for turn in range(4):
            streamed = turn % 2 == 1
            ask = {"model": "echo", "input": f"n{number} t{turn}", "previous_response_id": previous}
            if streamed:
                events = list(client.responses.create(**ask, stream=True))
                response = events[-1].response
            else:
                response = client.responses.create(**ask)
            texts.append(response.output_text)
            previous = response.id
        return texts

    with ThreadPoolExecutor(16) as pool:
        chains = list(pool.map(chain, range(24)))
    for number, texts in enumerate(chains):
        assert texts == [f"{turn + 1} said, last n{number} t{turn}" for turn in range(4)]


def test_nested_defs_reach_the_model_as_they_were_given(scene):
    schema = {
        "type": "object",
        "properties": {"tree": {"$ref": "#/$defs/node"}},
        "required": ["tree"],
        "additionalProperties": False,
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}, "tag": {"$ref": "#/$defs/node/$defs/tag"}},
                "required": ["name", "children", "tag"],
                "additionalProperties": False,
                "$defs": {"tag": {"enum": ["a", "b"]}},
            }
        },
    }
    it = scene({"schema": scripts.answer('{"tree": {}}', tokens=3)})
    it.client().responses.create(
        model="schema",
        input="go",
        text={"format": {"type": "json_schema", "name": "tree", "schema": schema, "strict": True}},
        tools=[{"type": "function", "name": "grow", "parameters": schema, "strict": False}],
    )
    body = it.provider.calls()[0].body
    assert body["response_format"]["json_schema"]["schema"] == schema
    assert body["tools"][0]["function"]["parameters"] == schema
    assert list(body["tools"][0]["function"]["parameters"]["properties"]) == ["tree"]


def test_a_background_stream_is_taken_up_again_after_a_cut(scene):
    it = scene({"slow": scripts.answer("one two three four five six seven eight", tokens=8, chunk_s=0.05)})
    client = it.client()
    seen = []
    stream = client.responses.create(model="slow", input="go", background=True, stream=True)
    for event in stream:
        seen.append(event)
        if event.type == "response.output_text.delta":
            break
    stream.close()  # the connection is cut in the middle
    rest = list(client.responses.retrieve(seen[0].response.id, stream=True, starting_after=seen[-1].sequence_number))
    assert [event.sequence_number for event in seen + rest] == list(range(len(seen) + len(rest)))
    text = "".join(event.delta for event in seen + rest if event.type == "response.output_text.delta")
    assert text == "one two three four five six seven eight"
    assert rest[-1].type == "response.completed"
    # And again when nothing is under way any more: the same events.
    assert it.provider.wait_for(lambda: client.responses.retrieve(seen[0].response.id).status == "completed")
    time.sleep(0.2)
    again = list(client.responses.retrieve(seen[0].response.id, stream=True, starting_after=1))
    assert [event.model_dump() for event in again] == [event.model_dump() for event in (seen + rest)[2:]]
    assert len(it.provider.calls()) == 1


def poll(client: OpenAI, response_id: str, deadline_s: float = 30):
    end = time.monotonic() + deadline_s
    while True:
        response = client.responses.retrieve(response_id)
        if response.status not in ("queued", "in_progress") or time.monotonic() > end:
            return response
        time.sleep(0.05)


def test_a_background_response_survives_kill_9(scene):
    tries = []

    async def hangs_once(call: Call) -> None:
        tries.append(call)
        if len(tries) == 1:
            await asyncio.sleep(60)
        await scripts.answer("after all", tokens=2)(call)

    it = scene({"hangs": hangs_once})
    key = it.admin.new_key("patient")["secret"]
    client = OpenAI(base_url=it.steward.base_url, api_key=key, max_retries=0)
    response = client.responses.create(model="hangs", input="go", background=True)
    assert response.status == "queued"
    assert it.provider.wait_for(lambda: len(tries) == 1)
    it.steward.kill()
    it.steward.start()
    client = OpenAI(base_url=it.steward.base_url, api_key=key, max_retries=0)
    done = poll(client, response.id)
    assert (done.status, done.output_text) == ("completed", "after all")
    assert done.background is True
    assert done.created_at == response.created_at
    assert len(tries) == 2


def test_a_background_response_is_cancelled_and_stays_so(scene):
    it = scene({"endless": scripts.endless(chunk_s=0.02)})
    client = it.client()
    response = client.responses.create(model="endless", input="go", background=True)
    assert it.provider.wait_for(lambda: len(it.provider.calls()) == 1)
    assert client.responses.cancel(response.id).status == "cancelled"
    assert client.responses.retrieve(response.id).status == "cancelled"
    assert it.provider.wait_for(lambda: it.provider.calls()[0].disconnected_at is not None)


def test_a_background_response_that_fails_says_why(scene):
    it = scene({"bad": scripts.fails(400)})
    client = it.client()
    response = client.responses.create(model="bad", input="go", background=True)
    done = poll(client, response.id)
    assert done.status == "failed"
    assert done.error.message


def test_a_stored_response_belongs_to_its_owner_and_can_be_erased(scene):
    it = scene({"echo": echo()})
    mine = it.client()
    response = mine.responses.create(model="echo", input="my secret word is kumquat")
    assert mine.responses.retrieve(response.id).output_text == response.output_text
    items = mine.responses.input_items.list(response.id).data
    assert [part.text for item in items for part in item.content] == ["my secret word is kumquat"]
    assert it.client().responses.retrieve(response.id).output_text == response.output_text  # another key of the owner's
    stranger = it.client(owner=it.admin.new_principal("service", "stranger"))
    for look in (stranger.responses.retrieve, stranger.responses.delete, stranger.responses.input_items.list):
        with pytest.raises(openai.NotFoundError):
            look(response.id)
    with pytest.raises(openai.BadRequestError):
        stranger.responses.create(model="echo", input="what was it?", previous_response_id=response.id)
    assert len(it.provider.calls()) == 1
    mine.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError):
        mine.responses.retrieve(response.id)
    with pytest.raises(openai.BadRequestError):
        mine.responses.create(model="echo", input="go on", previous_response_id=response.id)
    unstored = mine.responses.create(model="echo", input="gone", store=False)
    with pytest.raises(openai.NotFoundError):
        mine.responses.retrieve(unstored.id)


def test_large_state_is_kept_too(scene):
    it = scene({"echo": echo()})
    client = it.client()
    word = "x" * 300_000
    first = client.responses.create(model="echo", input=word)
    second = client.responses.create(model="echo", input="again", previous_response_id=first.id)
    assert second.output_text == "2 said, last again"
    assert it.provider.calls()[1].body["messages"][0]["content"] == word
    page = client.responses.input_items.list(second.id, limit=2, order="asc")
    assert [item.role for item in page.data] == ["user", "assistant"] and page.has_more
    assert [item.role for item in client.responses.input_items.list(second.id, order="asc", after=page.data[-1].id).data] == ["user"]


def test_a_key_without_content_stores_nothing(scene):
    it = scene({"echo": echo()})
    client = it.client(content="none")
    response = client.responses.create(model="echo", input="hush")  # OpenAI's default of storing asks for nothing here
    assert response.store is False
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)
    for insisting in ({"store": True}, {"background": True}):
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.create(model="echo", input="hush", **insisting)
        assert refused.value.param in insisting
    with pytest.raises(openai.BadRequestError):
        client.conversations.create()
    dropped = client.responses.create(model="echo", input="hush", store=True, extra_headers={"x-steward-drop": "store"})
    assert dropped.store is False


def test_what_was_erased_is_in_no_file_any_more(scene):
    it = scene({"echo": echo()})
    client = it.client()
    small, large = "kumquat-small", "kumquat-large" + "x" * 100_000
    ids = [client.responses.create(model="echo", input=text).id for text in (small, large)]
    conversation = client.conversations.create(items=[{"type": "message", "role": "user", "content": "kumquat-said"}])

    def anywhere() -> bool:
        files = [path for path in it.steward.home.rglob("*") if path.is_file()]
        return any(b"kumquat" in path.read_bytes() for path in files)

    assert anywhere()
    for one in ids:
        client.responses.delete(one)
    client.conversations.delete(conversation.id)
    end = time.monotonic() + 60
    while anywhere() and time.monotonic() < end:
        time.sleep(0.5)
    assert not anywhere()


def test_a_conversation_holds_what_was_said(scene):
    it = scene({"echo": echo()})
    client = it.client()
    conversation = client.conversations.create(metadata={"topic": "demo"}, items=[{"type": "message", "role": "user", "content": "zero"}])
    for number, word in enumerate(("one", "two")):
        response = client.responses.create(model="echo", input=word, conversation=conversation.id)
        assert response.output_text == f"{number + 2} said, last {word}"
        assert response.conversation.id == conversation.id
    items = client.conversations.items.list(conversation.id, order="asc").data
    assert [item.role for item in items] == ["user", "user", "assistant", "user", "assistant"]
    client.conversations.items.delete(items[0].id, conversation_id=conversation.id)
    added = client.conversations.items.create(conversation.id, items=[{"type": "message", "role": "user", "content": "three"}])
    assert client.conversations.items.retrieve(added.data[0].id, conversation_id=conversation.id).content[0].text == "three"
    assert client.conversations.update(conversation.id, metadata={"topic": "new"}).metadata == {"topic": "new"}
    assert client.responses.create(model="echo", input="four", conversation=conversation.id).output_text == "4 said, last four"
    client.conversations.delete(conversation.id)
    with pytest.raises(openai.NotFoundError):
        client.conversations.retrieve(conversation.id)


def test_namespaces_and_hosted_tools_that_a_client_merely_offers(scene):
    async def calls(call: Call) -> None:
        name = call.body["tools"][1]["function"]["name"]
        message = {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": name, "arguments": '{"q":1}'}}]}
        await call.json(scripts.completion(call, [""], scripts.usage_of(3, 4), finish="tool_calls", message=message))

    it = scene({"calls": calls})
    tools = [
        {"type": "function", "name": "shell", "parameters": {"type": "object", "properties": {}}},
        {"type": "namespace", "name": "mcp__docs", "description": "d", "tools": [{"type": "function", "name": "search", "parameters": {"type": "object", "properties": {}}}]},
        {"type": "web_search", "external_web_access": False},
    ]
    key = it.admin.new_key("agent")["secret"]
    answer = httpx.post(it.steward.base_url + "/responses", headers={"authorization": f"Bearer {key}"}, json={"model": "calls", "input": "go", "tools": tools, "store": False})
    assert answer.status_code == 200, answer.text
    assert "web_search" in answer.headers["x-steward-dropped"]
    [item] = answer.json()["output"]
    assert (item["type"], item["namespace"], item["name"], item["call_id"]) == ("function_call", "mcp__docs", "search", "c1")
    alone = httpx.post(it.steward.base_url + "/responses", headers={"authorization": f"Bearer {key}"}, json={"model": "calls", "input": "go", "tools": [{"type": "web_search"}]})
    assert alone.status_code == 400 and "web_search" in alone.json()["error"]["message"]


async def talk(url: str, key: str, messages: list[dict]) -> list[list[dict]]:
    """Each message's events, over one WebSocket."""
    out = []
    async with websockets.connect(url.replace("http", "ws") + "/responses", additional_headers={"authorization": f"Bearer {key}"}) as socket:
        ids: list[str] = []
        for message in messages:
            if message.get("previous_response_id") == "LAST":
                message = {**message, "previous_response_id": ids[-1]}
            await socket.send(json.dumps(message))
            events = []
            while not events or events[-1]["type"] not in ("response.completed", "response.failed", "error"):
                events.append(json.loads(await asyncio.wait_for(socket.recv(), 20)))
            if "response" in events[-1]:
                ids.append(events[-1]["response"]["id"])
            out.append(events)
    return out


def test_responses_over_websocket_as_codex_speaks_it(scene):
    it = scene({"echo": echo()})
    key = it.admin.new_key("codex")["secret"]

    def create(text: str, **more: object) -> dict:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        return {"type": "response.create", "model": "echo", "store": False, "stream": True, "input": [item], **more}

    prewarm, first, second, bad = asyncio.run(
        talk(it.steward.base_url, key, [create("zero", generate=False), create("one", previous_response_id="LAST"), create("two", previous_response_id="LAST"), create("x", previous_response_id="resp_none")])
    )
    assert [event["type"] for event in prewarm] == ["response.created", "response.completed"]
    assert prewarm[-1]["response"]["output"] == [] and prewarm[-1]["response"]["usage"]["total_tokens"] == 0
    assert first[-1]["response"]["output"][0]["content"][0]["text"] == "2 said, last one"
    assert second[-1]["response"]["output"][0]["content"][0]["text"] == "3 said, last two"
    assert [event["sequence_number"] for event in second] == list(range(len(second)))
    assert (bad[0]["type"], bad[0]["status"]) == ("error", 400)
    assert len(it.provider.calls()) == 2  # the prewarm asked nobody
    assert {row["calls"] for row in it.admin.usage(group_by="key")} == {2}


def test_a_websocket_without_a_key_is_refused_and_a_plain_get_is_told(scene):
    it = scene({"echo": echo()})
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        asyncio.run(talk(it.steward.base_url, "sk-steward-wrong", []))
    assert refused.value.response.status_code == 401
    key = it.admin.new_key("plain")["secret"]
    plain = httpx.get(it.steward.base_url + "/responses", headers={"authorization": f"Bearer {key}"})
    assert plain.status_code == 400 and "WebSocket" in plain.json()["error"]["message"]


def test_a_stopping_server_says_goodbye_to_a_websocket(scene):
    it = scene({"echo": echo()})
    key = it.admin.new_key("idle")["secret"]

    async def wait_for_goodbye() -> tuple[int, float]:
        async with websockets.connect(it.steward.base_url.replace("http", "ws") + "/responses", additional_headers={"authorization": f"Bearer {key}"}) as socket:
            stopped = asyncio.create_task(asyncio.to_thread(it.steward.stop))
            began = time.monotonic()
            with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
                await asyncio.wait_for(socket.recv(), 20)
            took = time.monotonic() - began
            await stopped
            return closed.value.rcvd.code, took

    code, took = asyncio.run(wait_for_goodbye())
    assert code == 1001 and took < 5


def test_a_websocket_that_says_nonsense_is_closed_not_the_server(scene):
    it = scene({"echo": echo()})
    key = it.admin.new_key("odd")["secret"]

    async def odd() -> tuple[str, int]:
        async with websockets.connect(it.steward.base_url.replace("http", "ws") + "/responses", additional_headers={"authorization": f"Bearer {key}"}) as socket:
            await socket.send("no json")
            told = json.loads(await socket.recv())
            await socket.send(b"\x00\x01")
            with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
                await socket.recv()
            return told["error"]["code"], closed.value.rcvd.code

    assert asyncio.run(odd()) == ("invalid_json", 1003)
    assert it.client().responses.create(model="echo", input="still there").output_text == "1 said, last still there"
