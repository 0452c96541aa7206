"""Saying and answering: the tree, its versions, what waits, what is stopped and gone on with."""

from __future__ import annotations

from tests.harness import scripts
from tests.harness.people import Browser, error_of, invited
from tests.talk.life import Line, ulid, wait_for

GOOD = {"good-1": scripts.answer("some words come back", tokens=4), "good-2": scripts.answer("others do", tokens=2)}


def test_a_question_is_answered_and_told_with_what_it_cost(life):
    it = life(GOOD)
    it.scene.admin.call("POST", "/prices", {"provider": "script", "model": "good-1", "input_pico": 10**6, "output_pico": 10**6})
    talk = it.new()
    said = it.say(talk, "How tall is **it**? I wonder.")
    assert said["message"]["text"] == "How tall is **it**? I wonder." and said["message"]["status"] == "completed"
    answer = it.ended(talk, said["answer"]["id"])
    assert (answer["status"], answer["text"], answer["parent"]) == ("completed", "some words come back", said["message"]["id"])
    assert answer["usage"] == {"input_tokens": 7, "output_tokens": 4, "reasoning_tokens": 0}
    assert answer["cost_nano_usd"] == 11_000 and answer["duration_ms"] >= 0 and answer["call"].startswith("call_")
    assert answer["model"].endswith("good-1")
    shown = it.show(talk)
    assert (shown["title"], shown["title_by"], shown["messages"]) == ("How tall is it?", "rule", 2)
    assert shown["current"] == answer["id"] and not shown["answering"] and shown["preview"] == "some words come back"
    [asked] = it.provider.calls("good-1")
    assert asked.body["messages"] == [{"role": "user", "content": "How tall is **it**? I wonder."}]


def test_an_edit_is_another_branch(life):
    it = life(GOOD)
    talk = it.new()
    first = it.asked(talk, "one")
    it.asked(talk, "two")
    root = it.path(talk)[0]
    edited = it.say(talk, "ONE", parent=None)
    it.ended(talk, edited["answer"]["id"])
    assert [one["text"] for one in it.path(talk)] == ["ONE", "some words come back"]
    versions = it.message(talk, edited["message"]["id"])["versions"]
    assert versions == {"index": 2, "count": 2, "previous": root["id"], "next": None}
    assert [one["text"] for one in it.path(talk, at=root["id"])] == ["one", "some words come back", "two", "some words come back"]
    back = it.me.call("POST", f"/v1/conversations/{talk}", {"current": root["id"]})
    assert back["messages"] == 4, "the newest leaf below what was chosen"
    tree = it.me.call("GET", f"/v1/conversations/{talk}/tree")["data"]
    assert len(tree) == 6 and {one["parent"] for one in tree if one["role"] == "user"} == {None, first["id"]}
    items = it.me.call("GET", f"/v1/conversations/{talk}/items?order=asc")["data"]
    assert [one["content"][0]["text"] for one in items] == ["one", "some words come back", "two", "some words come back"]


def test_a_retry_stands_beside_what_was_answered(life):
    it = life(GOOD)
    talk = it.new()
    first = it.asked(talk, "go")
    second = it.do(talk, first["id"], "retry", model="good-2")["answer"]
    answer = it.ended(talk, second["id"])
    assert answer["text"] == "others do" and answer["versions"] == {"index": 2, "count": 2, "previous": first["id"], "next": None}
    assert it.show(talk)["current"] == second["id"]
    again = it.do(talk, first["parent"], "retry")["answer"]
    assert it.ended(talk, again["id"])["versions"]["count"] == 3


def test_the_same_message_twice_is_said_once(life):
    it = life(GOOD)
    conversation, message = ulid("conv"), ulid("msg", 1)
    for _ in range(2):
        assert it.new(id=conversation) == conversation
    first = it.say(conversation, "once", id=message)
    second = it.say(conversation, "once", id=message)
    assert first["message"]["id"] == second["message"]["id"] == message and first["answer"]["id"] == second["answer"]["id"]
    it.ended(conversation, first["answer"]["id"])
    assert len(it.path(conversation)) == 2 and len(it.provider.calls("good-1")) == 1
    bo = invited(it.me, "Bo")
    assert bo.ask("POST", "/v1/conversations", {"id": conversation}).status_code == 409
    for bad in ({"text": ""}, {"text": 5}, {"text": "x", "id": "msg_1"}, {"text": "x", "parent": "msg_2"}, {"text": "x", "attachments": ["att_1"]}):
        assert it.me.ask("POST", f"/v1/conversations/{conversation}/messages", bad).status_code in (400, 404), bad


def test_a_stopped_answer_keeps_what_is_there_and_can_go_on(life):
    it = life({"good-1": scripts.endless(0.02)})
    talk = it.new()
    answer = it.say(talk, "go")["answer"]["id"]
    wait_for(lambda: len(it.message(talk, answer)["text"]) > 20, "some text")
    stopped = it.do(talk, answer, "stop")["answer"]
    assert stopped["status"] == "stopped" and stopped["text"].startswith("word word") and stopped["call"]
    assert it.provider.wait_for(lambda: it.provider.in_flight == 0), "the provider is left alone"
    calls = it.me.call("GET", "/v1/me/calls")["data"]
    assert [call["id"] for call in calls] == [stopped["call"]]
    it.provider.scripts["good-1"] = scripts.answer("and the end", tokens=3)
    it.do(talk, answer, "continue")
    whole = it.ended(talk, answer)
    assert whole["status"] == "completed" and whole["text"] == stopped["text"] + "and the end"
    both = {call["id"]: call["usage"] for call in it.me.call("GET", "/v1/me/calls")["data"]}
    assert whole["calls"] == [stopped["call"], whole["call"]] and set(whole["calls"]) == set(both)
    assert whole["usage"]["output_tokens"] == sum(one["completion_tokens"] for one in both.values()) == stopped["usage"]["output_tokens"] + 3
    asked = it.provider.calls("good-1")[-1].body["messages"]
    assert [one["role"] for one in asked] == ["user", "assistant", "user"] and asked[1]["content"] == stopped["text"]
    assert it.me.ask("POST", f"/v1/conversations/{talk}/messages/{answer}/continue", {}).status_code == 409


def test_what_is_said_meanwhile_waits_and_can_be_taken_back(life):
    gate = None
    it = life(GOOD)
    gate = it.provider.gate()
    it.provider.scripts["good-1"] = scripts.answer("slowly", tokens=1, gate=gate)
    talk = it.new()
    first = it.say(talk, "one")
    second, third = it.say(talk, "two"), it.say(talk, "three")
    assert [one["message"]["status"] for one in (first, second, third)] == ["completed", "queued", "queued"]
    assert third["message"]["parent"] == second["answer"]["id"]
    taken = it.do(talk, second["message"]["id"], "stop")
    assert (taken["message"]["status"], taken["message"]["text"]) == ("taken_back", "two")
    assert [one["text"] for one in it.path(talk)] == ["one", "", "three", ""]
    gate.open()
    it.ended(talk, third["answer"]["id"])
    assert [(one["text"], one["status"]) for one in it.path(talk)] == [
        ("one", "completed"), ("slowly", "completed"), ("three", "completed"), ("slowly", "completed")]
    assert [[one["content"] for one in call.body["messages"]] for call in it.provider.calls("good-1")] == [["one"], ["one", "slowly", "three"]]


def test_two_windows_stay_in_step(life):
    it = life({"good-1": scripts.answer("äöü 😀 words of an answer that is long enough to come in pieces", tokens=12, chunk_s=0.02)})
    bo = invited(it.me, "Bo")
    talk = it.new()
    with Line(it.me) as here, Line(Browser(it.steward).sign_in("Anna")) as there, Line(bo) as other:
        answer = it.say(talk, "go")["answer"]["id"]
        whole = it.ended(talk, answer)["text"]
        for line in (here, there):
            wait_for(lambda line=line: "conversation.answer_ended" in line.kinds(), "the answer's end")
            assert line.text(answer) == whole and len(line.of("delta")) > 3
            assert [one["status"] for one in line.of("state")] == ["in_progress", "completed"]
        assert other.of("delta") == other.of("state") == [] and "conversation.content" not in other.kinds()


def test_a_failure_is_told_and_can_be_tried_again(life):
    it = life({"good-1": scripts.fails(500), "good-2": scripts.dies_after(3)})
    talk = it.new()
    failed = it.asked(talk, "go")
    assert failed["status"] == "failed" and failed["error"]["code"].startswith("upstream") and failed["text"] == ""
    cut = it.asked(talk, "again", model="good-2")
    assert cut["status"] == "failed" and cut["text"].startswith("word") and cut["error"]["message"]
    it.provider.scripts["good-1"] = scripts.answer("now it does", tokens=3)
    again = it.do(talk, failed["id"], "retry")["answer"]["id"]
    assert it.ended(talk, again)["text"] == "now it does"
    nothing = it.me.ask("POST", f"/v1/conversations/{talk}/messages", {"text": "x", "model": "no-such"})
    assert nothing.status_code == 201
    assert it.ended(talk, nothing.json()["answer"]["id"])["error"]["code"] == "model_not_found"


def test_what_the_api_says_is_in_talk_and_the_other_way_round(life):
    it = life(GOOD)
    key = it.me.call("POST", "/v1/me/keys", {"name": "laptop"})["secret"]
    from tests.conftest import client_of

    api = client_of(it.steward, key)
    talk = api.conversations.create(items=[{"type": "message", "role": "user", "content": "from the API"}]).id
    api.responses.create(model="good-1", conversation=talk, input="and once more")
    # What the API writes is in the journal when it answers, and in Talk's view a moment later.
    wait_for(lambda: [one["text"] for one in it.path(talk)] == ["from the API", "and once more", "some words come back"], "what the API said")
    it.asked(talk, "from Talk")
    assert [one.content[0].text for one in reversed(api.conversations.items.list(talk).data)] == [
        "from the API", "and once more", "some words come back", "from Talk", "some words come back"]
    api.responses.create(model="good-1", conversation=talk, input="last")
    asked = [one["content"] for one in it.provider.calls("good-1")[-1].body["messages"]]
    assert [str(one) if isinstance(one, str) else one[0]["text"] for one in asked][-2:] == ["some words come back", "last"]
    wait_for(lambda: it.show(talk)["messages"] == 7, "the last of it")
    assert it.me.call("GET", "/v1/conversations")["data"][0]["id"] == talk


def test_a_guest_spends_nothing(life):
    it = life(GOOD)
    guest = invited(it.me, "Gu", role="guest")
    talk = it.new(guest)
    answer = guest.ask("POST", f"/v1/conversations/{talk}/messages", {"text": "x", "model": "good-1"})
    assert error_of(answer) == (403, "permission_denied") and it.provider.calls("good-1") == []


def test_a_conversation_longer_than_the_model_takes(life):
    it = life(GOOD, more='[providers.script.context_tokens]\n"good-1" = 2000\n')
    talk = it.new()
    for i in range(8):
        it.asked(talk, f"{i} " + "x" * 1000)
    last = it.path(talk)[-1]
    assert last["left_out"] > 0
    sent = it.provider.calls("good-1")[-1].body["messages"]
    assert sum(len(one["content"]) for one in sent) <= 2000 * 3 and sent[-1]["content"].startswith("7 ")
