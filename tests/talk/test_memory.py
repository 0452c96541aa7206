"""Memory over HTTP: what was said is found again by whoever may read it, and by nobody once it is erased."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import httpx

from tests.harness import scripts
from tests.harness.people import Browser, invited, owner_of
from tests.talk.life import Life, wait_for
from tests.talk.test_keeping import files_with

GOOD = {"good-1": scripts.answer("A heron lives at the lake.", tokens=6)}
WITH_ENGINE = "[people]\nsign_in_pause_s = 3600\n[engine]\nwarm = false\n"


def recalled(browser: Browser, query: str, **more: object) -> dict:
    answer = browser.ask("POST", "/v1/memory/search", {"query": query} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def sources(answer: dict, word: str) -> list[str]:
    """The messages that were told and have the word in them."""
    return [message["id"] for piece in answer["data"] for message in piece["messages"] if word in message["text"]]


def rows(home: Path, query: str) -> list[tuple]:
    db = sqlite3.connect(f"file:{home / 'views.db'}?mode=ro", uri=True)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def test_what_was_said_is_found_with_its_source(life):
    it = life(GOOD)
    talk, other = it.new(), it.new()
    asked = it.say(talk, "Which bird did we see while painting the boathouse?")
    answer = it.ended(talk, asked["answer"]["id"])
    it.asked(other, "我们上个月在北京看长城")
    found = recalled(it.me, "What did we paint?")
    [piece] = [piece for piece in found["data"] if piece["conversation"] == talk]
    assert [message["id"] for message in piece["messages"]] == [asked["message"]["id"], answer["id"]], "neighbours stand together"
    assert piece["messages"][0]["text"] == "Which bird did we see while painting the boathouse?"
    assert piece["messages"][1]["role"] == "assistant" and "words" in piece["why"] and piece["tokens"] > 0
    assert found["state"] == {"passages": 4, "waiting": 4, "meaning": False}
    assert found["read"] == {"order": "relevance", "times": []}
    [great] = [piece for piece in recalled(it.me, "长城")["data"] if "words" in piece["why"]]
    assert "长城" in great["text"]
    read = recalled(it.me, "What was said last, before 2024?", order="latest")["read"]
    assert read["order"] == "latest" and read["times"][0]["after"] is None
    assert recalled(it.me, "boathouse", before=1)["state"]["passages"] == 0
    assert recalled(it.me, "boathouse", scope={"conversation": other})["state"]["passages"] == 2


def test_wrong_questions_are_told(life):
    it = life(GOOD)
    for body in ({}, {"query": ""}, {"query": "x", "limit": 0}, {"query": "x", "order": "newest"}, {"query": "x", "scope": {"owner": "usr_x"}},
                 {"query": "x", "people": "all"}):
        answer = it.me.ask("POST", "/v1/memory/search", body)
        assert answer.status_code == 400 and answer.json()["error"]["param"], body


def test_only_what_one_may_read(life):
    it = life(GOOD)
    bo, cy = invited(it.me, "Bo"), invited(it.me, "Cy")
    talk = it.new()
    first = it.asked(talk, "the zebra question")
    it.asked(talk, "the walrus comes later")
    assert sources(recalled(it.me, "zebra"), "zebra") and sources(recalled(it.me, "walrus"), "walrus")
    for stranger in (bo, cy):
        assert recalled(stranger, "zebra walrus heron") == {
            "object": "memory.search", "data": [], "read": {"order": "relevance", "times": []},
            "state": {"passages": 0, "waiting": 0, "meaning": False}}
    share = it.me.call("POST", f"/v1/conversations/{talk}/shares", {"with": bo.person["id"], "to": first["id"]})
    assert len(sources(recalled(bo, "zebra"), "zebra")) == 1 and sources(recalled(bo, "walrus"), "walrus") == []
    assert recalled(bo, "zebra")["state"]["passages"] == 2 and recalled(bo, "zebra", scope={"shared": False})["state"]["passages"] == 0
    assert recalled(cy, "zebra")["state"]["passages"] == 0
    it.me.call("DELETE", f"/v1/conversations/{talk}/shares/{share['id']}")
    assert recalled(bo, "zebra")["state"]["passages"] == 0


def test_a_key_reads_memory_only_where_it_was_told_so(life):
    it = life(GOOD)
    it.asked(it.new(), "the zebra question")

    def ask(**key: object) -> httpx.Response:
        secret = it.scene.admin.new_key("k", owner=it.me.person["id"], **key)["secret"]
        return httpx.post(it.steward.url + "/v1/memory/search", json={"query": "zebra"}, headers={"authorization": f"Bearer {secret}"})

    for denied in ({}, {"endpoints": ["chat", "models"]}):
        answer = ask(**denied)
        assert answer.status_code == 403 and "memory" in answer.json()["error"]["message"]
    assert sources(ask(endpoints=["memory"]).json(), "zebra")


def test_deleted_is_hidden_and_erased_is_gone(life):
    it = life(GOOD)
    talk = it.new()
    it.asked(talk, "narwhalword in the bay")
    assert rows(it.steward.home, "SELECT count(*) FROM memory_terms WHERE term = 'narwhalword'") == [(1,)]
    it.me.call("POST", f"/v1/conversations/{talk}/delete")
    assert recalled(it.me, "narwhalword")["state"]["passages"] == 0
    it.me.call("POST", f"/v1/conversations/{talk}/restore")
    assert sources(recalled(it.me, "narwhalword"), "narwhalword")
    it.me.call("DELETE", f"/v1/conversations/{talk}")
    assert recalled(it.me, "narwhalword")["data"] == []
    wait_for(lambda: not files_with(it.steward.home, "narwhalword"), "the erasure")


def test_a_title_goes_with_the_words_that_it_was_made_of(life):
    it = life(GOOD)
    talk, named = it.new(), it.new(title="Of whales")
    for one in (talk, named):
        it.asked(one, "Where do narwhalwords live?")
    assert it.show(talk)["title"] == "Where do narwhalwords live?"
    for one in (talk, named):
        it.me.call("DELETE", f"/v1/conversations/{one}/items/{it.path(one)[0]['id']}")
    assert [it.show(one)["title"] for one in (talk, named)] == ["", "Of whales"], "what a person wrote stays"
    assert it.found("narwhalwords") == []
    wait_for(lambda: not files_with(it.steward.home, "narwhalword"), "the erasure")
    it.say(talk, "And where do they sleep?", answer=False)
    assert it.show(talk)["title"] == "And where do they sleep?"


def test_a_rebuilt_memory_answers_the_same(life):
    it = life(GOOD)
    it.asked(it.new(), "a question about the orchard")
    before = recalled(it.me, "orchard")
    it.scene.admin.call("POST", "/journal/rebuild")
    it.steward.stop()
    it.steward.start()
    assert recalled(it.me, "orchard") == before


def test_switched_off_it_keeps_and_answers_nothing(life):
    it = life(GOOD, more="[memory]\nenabled = false\n")
    it.asked(it.new(), "a question about the orchard")
    assert it.me.ask("POST", "/v1/memory/search", {"query": "orchard"}).status_code == 501
    assert rows(it.steward.home, "SELECT count(*) FROM memory_passages") == [(0,)]
    it.steward.stop()
    config = it.steward.home / "steward.toml"
    on = config.read_text()
    config.write_text(on.replace("[memory]\nenabled = false\n", ""))
    it.steward.start()
    wait_for(lambda: sources(recalled(it.me, "orchard"), "orchard"), "reading what was said before")
    it.steward.stop()
    config.write_text(on)
    it.steward.start()
    assert it.me.ask("POST", "/v1/memory/search", {"query": "orchard"}).status_code == 501
    wait_for(lambda: rows(it.steward.home, "SELECT count(*) FROM memory_passages") == [(0,)], "the passages going")


def test_meaning_is_found_without_a_word_and_erased_from_the_file(scene):
    made = scene(GOOD, more=WITH_ENGINE)
    it = Life(made, owner_of(made.steward))
    talks = {}
    for text in ("My sister's dog is called Rex.", "The train to Lyon was late again.", "Please remind me to buy salt."):
        talks[text] = it.new()
        it.say(talks[text], text, answer=False)
    home = it.steward.home
    wait_for(lambda: recalled(it.me, "x")["state"]["waiting"] == 0, "the embeddings", seconds=180)
    found = recalled(it.me, "什么宠物？")
    assert found["state"]["meaning"] and found["data"][0]["text"] == "My sister's dog is called Rex."
    assert "words" not in found["data"][0]["why"]
    keys = [key for (key,) in rows(home, "SELECT key FROM memory_passages WHERE text LIKE 'My sister%'")]

    def standing() -> list[str]:
        return [path.name for path in (home / "vectors").iterdir() if keys[0] in path.read_bytes()]

    assert standing()
    it.me.call("DELETE", f"/v1/conversations/{talks['My sister' + chr(39) + 's dog is called Rex.']}")
    wait_for(lambda: not standing(), "the vector going from every file")
    assert recalled(it.me, "x")["state"]["passages"] == 2
