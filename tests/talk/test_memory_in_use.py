"""Memory in use: an answer is given what the person said before, tells which, and can be made without it. What leaves no trace, what is switched
off and what others would read is neither kept nor given."""

from __future__ import annotations

import httpx

from tests.harness import scripts
from tests.harness.people import invited
from tests.talk.life import Life, wait_for
from tests.talk.test_keeping import files_with
from tests.talk.test_memory import recalled, rows

GOOD = {"good-1": scripts.answer("It leaves in the morning.", tokens=6)}
FERRY = "The ferry to Tinos leaves at 07:25 from Rafina."
ASKED = "When does the ferry to Tinos leave?"


def upstream_text(it: Life, nth: int = -1) -> str:
    """All that the model was sent in one call."""
    messages = it.provider.seen[nth].body["messages"]
    return "\n".join(one["content"] if isinstance(one["content"], str) else "".join(part.get("text", "") for part in one["content"]) for one in messages)


def told(it: Life, talk: str, answer: str) -> dict:
    return it.me.call("GET", f"/v1/conversations/{talk}/messages/{answer}/told")


def two_talks(it: Life, **second: object) -> tuple[dict, str, dict]:
    """What was said first, and the answer to a question about it elsewhere: (message, conversation, answer)."""
    first = it.say(it.new(), FERRY)
    it.ended(first["message"]["conversation"], first["answer"]["id"])
    talk = it.new(**second)
    return first["message"], talk, it.asked(talk, ASKED)


def test_an_answer_is_given_what_was_said_before(life):
    it = life(GOOD)
    said, talk, answer = two_talks(it)
    [given] = answer["memory"]["given"]
    assert said["id"] in given["messages"] and given["conversation"] == said["conversation"] and "words" in given["why"]
    assert answer["memory"]["off"] is None
    sent = upstream_text(it)
    assert f"> {FERRY}" in sent and sent.rstrip().endswith(ASKED), "the message stands last, as it was said"
    shown = told(it, talk, answer["id"])
    assert "\n".join(one["text"] for one in shown["messages"]) == sent, "what is shown is what was sent"
    [piece] = shown["memory"]
    assert piece["messages"][0]["text"] == FERRY and piece["title"] and not piece["gone"]
    assert it.message(talk, answer["id"])["memory"] == answer["memory"], "it stands in the conversation"


def test_nothing_near_gives_nothing(life):
    it = life(GOOD)
    it.asked(it.new(), FERRY)
    for text in ("Hello!", "Write a haiku about autumn leaves.", "Thanks, that is all.", "翻译成法语：早上好"):
        answer = it.asked(it.new(), text)
        assert answer["memory"] == {"given": [], "without": [], "off": None}, text
        assert "Tinos" not in upstream_text(it)


def test_asked_again_without_it(life):
    it = life(GOOD)
    said, talk, answer = two_talks(it)
    again = it.ended(talk, it.do(talk, answer["id"], "retry", without=[said["id"]])["answer"]["id"])
    assert again["memory"]["given"] == [] and again["memory"]["without"] == [said["id"]]
    assert "Tinos leaves" not in upstream_text(it)
    none = it.ended(talk, it.do(talk, answer["id"], "retry", memory=False)["answer"]["id"])
    assert none["memory"]["off"] == "asked" and "Tinos leaves" not in upstream_text(it)
    for wrong in ({"without": "msg_1"}, {"without": [1]}, {"memory": "no"}, {"without": ["x"] * 101}):
        answered = it.me.ask("POST", f"/v1/conversations/{talk}/messages/{answer['id']}/retry", wrong)
        assert answered.status_code == 400 and answered.json()["error"]["param"] == next(iter(wrong))


def test_a_conversation_that_leaves_no_trace(life):
    it = life(GOOD)
    quiet = it.new(remember=False)
    assert it.show(quiet)["remember"] is False
    it.asked(quiet, FERRY)
    assert recalled(it.me, "ferry Tinos")["state"]["passages"] == 0
    assert rows(it.steward.home, "SELECT count(*) FROM memory_passages") == [(0,)]
    assert it.asked(it.new(), ASKED)["memory"]["given"] == []
    it.asked(it.new(), FERRY)
    answer = it.asked(quiet, ASKED)
    assert answer["memory"]["off"] == "conversation" and answer["memory"]["given"] == []
    changed = it.me.ask("POST", f"/v1/conversations/{quiet}", {"remember": True})
    assert changed.status_code == 400 and changed.json()["error"]["param"] == "remember"


def test_switched_off_by_the_person(life):
    it = life(GOOD)
    it.asked(it.new(), FERRY)
    it.me.call("PATCH", "/v1/me/settings", {"values": {"memory": False}})
    talk = it.new()
    answer = it.asked(talk, ASKED)
    assert answer["memory"]["off"] == "settings" and "Tinos leaves" not in upstream_text(it)
    it.asked(talk, "The narwhalword swims in the bay.")
    refused = it.me.ask("POST", "/v1/memory/search", {"query": "ferry"})
    assert refused.status_code == 409 and "switched off" in refused.json()["error"]["message"]
    it.me.call("PATCH", "/v1/me/settings", {"values": {"memory": None}})
    assert rows(it.steward.home, "SELECT count(*) FROM memory_passages WHERE text LIKE '%narwhalword%'") == [(0,)], "it was not kept"
    assert it.asked(it.new(), ASKED)["memory"]["given"], "what was kept before is there again"
    # The same after a rebuild, which knows when it was off.
    it.scene.admin.call("POST", "/journal/rebuild")
    it.steward.stop()
    it.steward.start()
    assert rows(it.steward.home, "SELECT count(*) FROM memory_passages WHERE text LIKE '%narwhalword%'") == [(0,)]


def test_a_shared_conversation_tells_nothing_private(life):
    it = life(GOOD)
    bo = invited(it.me, "Bo")
    _, talk, answer = two_talks(it)
    assert answer["memory"]["given"]
    it.me.call("POST", f"/v1/conversations/{talk}/shares", {"with": bo.person["id"]})
    seen = bo.ask("GET", f"/v1/conversations/{talk}/messages").json()["data"]
    assert [one["memory"] for one in seen] == [None, None], "which memories were given is the owner's"
    assert bo.ask("GET", f"/v1/conversations/{talk}/messages/{answer['id']}/told").status_code in (403, 404)
    later = it.asked(talk, ASKED)
    assert later["memory"]["off"] == "shared" and later["memory"]["given"] == []
    link = it.new()
    it.asked(link, "A first word.")
    it.me.call("POST", f"/v1/conversations/{link}/shares", {"with": "link"})
    assert it.asked(link, ASKED)["memory"]["off"] == "shared"


def test_others_words_are_not_given(life):
    it = life(GOOD)
    bo = invited(it.me, "Bo")
    talk = it.new()
    it.asked(talk, FERRY)
    it.me.call("POST", f"/v1/conversations/{talk}/shares", {"with": bo.person["id"]})
    theirs = Life(it.scene, bo)
    assert recalled(bo, "ferry Tinos")["state"]["passages"] == 2, "found where it is asked for"
    assert theirs.asked(theirs.new(), ASKED)["memory"]["given"] == [], "but not given unasked"


def test_erased_is_gone_from_what_was_told(life):
    it = life(GOOD)
    said, talk, answer = two_talks(it)
    it.me.call("DELETE", f"/v1/conversations/{said['conversation']}")
    wait_for(lambda: not files_with(it.steward.home, "07:25 from Rafina"), "the erasure: an answer's record keeps no words")
    shown = told(it, talk, answer["id"])
    assert shown["memory"][0]["gone"] and shown["memory"][0]["messages"] == []
    assert not any("07:25" in one["text"] for one in shown["messages"])


def test_a_key_without_memory_is_given_none(life):
    it = life(GOOD)
    it.asked(it.new(), FERRY)
    for endpoints, off in ((["chat"], "key"), (["chat", "memory"], None)):
        secret = it.scene.admin.new_key("k", owner=it.me.person["id"], endpoints=endpoints)["secret"]
        with httpx.Client(base_url=it.steward.url, headers={"authorization": f"Bearer {secret}"}) as client:
            talk = client.post("/v1/conversations", json={}).json()["id"]
            said = client.post(f"/v1/conversations/{talk}/messages", json={"text": ASKED, "model": it.model}).json()
            assert it.ended(talk, said["answer"]["id"])["memory"]["off"] == off


def test_memory_off_in_the_server(life):
    it = life(GOOD, "[memory]\nenabled = false\n")
    _, _, answer = two_talks(it)
    assert answer["memory"] == {"given": [], "without": [], "off": "server"}


CALLS = {
    "/v1/chat/completions": lambda text: {"messages": [{"role": "user", "content": text}]},
    "/v1/responses": lambda text: {"input": [{"role": "user", "content": [{"type": "input_text", "text": text}]}]},
    "/v1/messages": lambda text: {"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}], "max_tokens": 64},
    "/v1beta/models/good-1:generateContent": lambda text: {"contents": [{"role": "user", "parts": [{"text": text}]}]},
}


def called(it: Life, path: str, secret: str, text: str, memory: str) -> httpx.Response:
    model = {} if "/models/" in path else {"model": it.model}
    return httpx.post(it.steward.url + path, json=CALLS[path](text) | model, headers={"authorization": f"Bearer {secret}", "x-steward-memory": memory})


def test_any_client_may_ask_for_it(life):
    it = life(GOOD)
    said = it.say(it.new(), FERRY)
    it.ended(said["message"]["conversation"], said["answer"]["id"])
    may, may_not = (it.scene.admin.new_key("k", owner=it.me.person["id"], **more)["secret"] for more in ({"endpoints": ["chat", "memory"]}, {}))
    for path in CALLS:
        given = called(it, path, may, ASKED, "on")
        assert given.status_code == 200, (path, given.text)
        assert given.headers["x-steward-memory"] == "1" and said["message"]["id"] in given.headers["x-steward-memory-messages"], path
        assert f"> {FERRY}" in upstream_text(it) and upstream_text(it).rstrip().endswith(ASKED), path
        assert called(it, path, may, "Write a haiku about autumn.", "on").headers["x-steward-memory"] == "0" and "Tinos" not in upstream_text(it)
        assert "x-steward-memory" not in called(it, path, may, ASKED, "off").headers and "Rafina" not in upstream_text(it), path
        refused = called(it, path, may_not, ASKED, "on")
        assert refused.status_code == 403 and "memory" in refused.text, path
        assert called(it, path, may, ASKED, "perhaps").status_code == 400
    it.me.call("PATCH", "/v1/me/settings", {"values": {"memory": False}})
    off = called(it, "/v1/chat/completions", may, ASKED, "on")
    assert off.headers["x-steward-memory"] == "off; settings" and "Rafina" not in upstream_text(it)


def test_all_that_fit_are_given(life):
    it = life(GOOD)
    said = []
    for text in ("Ruth is allergic to walnuts.", "Ruth is allergic to wasps too.", "What Ruth is allergic to since May: penicillin."):
        one = it.say(it.new(), text)
        it.ended(one["message"]["conversation"], one["answer"]["id"])
        said.append(one["message"]["id"])
    answer = it.asked(it.new(), "What is Ruth allergic to?")
    given = [message for piece in answer["memory"]["given"] for message in piece["messages"]]
    assert set(said) <= set(given)
    sent = upstream_text(it)
    assert all(word in sent for word in ("walnuts", "wasps", "penicillin"))
