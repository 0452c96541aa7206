"""Symptoms that chat applications are reported with in public trackers, each a test of the kind."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
from contextlib import ExitStack, closing

import httpx
import pytest

from tests.checks.upgrade import FROZEN, lay
from tests.documents.hostile import office
from tests.harness import scripts
from tests.harness.people import Browser, error_of, invited
from tests.harness.steward import Steward
from tests.talk.conftest import CONFIG
from tests.talk.huge import HUGE_BYTES, STALLED, half_said, huge
from tests.talk.life import Life, wait_for
from tests.talk.test_keeping import files_with

GOOD = {"good-1": scripts.answer("some words come back", tokens=4)}
WINDOW_BYTES = 2 << 20  # of text, which docs/talk.md promises of a window


def attach(it: Life, name: str, content: bytes, browser: Browser | None = None) -> str:
    answer = (browser or it.me).ask("POST", "/v1/attachments", content=content, params={"name": name})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def read(it: Life, file: str) -> dict:
    look = lambda: it.me.call("GET", f"/v1/attachments/{file}")
    return wait_for(lambda: look() if look()["state"] != "reading" else None, "the reading of a file")


def share(it: Life, conversation: str, reader: str, to: str | None = None) -> dict:
    return it.me.call("POST", f"/v1/conversations/{conversation}/shares", {"with": reader} | ({"to": to} if to else {}))


# --- one 36 MB chat opens in 3 minutes ------------------------------------------------------------------------------------------------


@pytest.mark.timeout(240)
def test_what_a_huge_conversation_costs_to_open(life):
    """What the page asks for to open it is bounded, whatever its length; going through it holds no more of it than a window."""
    it = life(GOOD)
    talk = huge(it)
    bound = 1.1 * WINDOW_BYTES
    rss = it.steward.rss_bytes()
    for _ in range(10):
        asked = [it.me.ask("GET", path) for path in ("/v1/conversations", f"/v1/conversations/{talk}", f"/v1/conversations/{talk}/messages?limit=50")]
        assert [answer.status_code for answer in asked] == [200] * 3
        assert sum(len(answer.content) for answer in asked) < bound
    page = asked[-1].json()
    assert page["has_more"] and page["data"][-1]["text"].startswith("299 ")

    seen, before = [], page["data"][-1]["id"]
    while True:
        answer = it.me.ask("GET", f"/v1/conversations/{talk}/messages", params={"before": before, "limit": 200})
        assert len(answer.content) < bound
        page = answer.json()
        seen = [one["text"].split(" ")[0] for one in page["data"]] + seen
        if not page["has_more"]:
            break
        before = page["data"][0]["id"]
    assert seen == [str(i) for i in range(299)], "going back shows each message once, in order"
    [hit] = it.found("needle", conversation=talk)
    assert len(json.dumps(hit)) < 2_000, "a find is told by its place, not by all that stands there"
    around = it.window(talk, at=hit["message"], before=hit["message"], limit=5)["data"]
    assert len(around) == 5
    grown = it.steward.rss_bytes() - rss
    assert grown < HUGE_BYTES / 2, f"reading it left {grown >> 20} MB in the server"


@pytest.mark.timeout(240)
def test_taking_a_huge_conversation_along(life):
    """An export is made as it is sent: the server never holds the whole of it, and a reader that stops costs a piece."""
    it = life(GOOD)
    talk = huge(it)
    rss = it.steward.rss_bytes()
    for form in ("markdown", "json", "html"):
        with it.me.http.stream("GET", f"/v1/conversations/{talk}/export", params={"format": form}) as answer:
            assert answer.status_code == 200
            pieces = answer.iter_bytes(1 << 16)
            first = next(pieces)
            grown = it.steward.rss_bytes() - rss
            assert len(first) + sum(map(len, pieces)) > HUGE_BYTES
        assert grown < HUGE_BYTES / 2, f"{form}: {grown >> 20} MB"


# --- one person's huge chat slows everybody -------------------------------------------------------------------------------------------


def day_of(it: Life, who: Browser) -> None:
    """What somebody does who has nothing to do with it; each request has its answer or the test's client gives up."""
    talk = who.call("POST", "/v1/conversations", {})["id"]
    said = who.ask("POST", f"/v1/conversations/{talk}/messages", {"text": "quick question", "model": it.model})
    assert said.status_code == 201, said.text
    path = f"/v1/conversations/{talk}/messages"
    wait_for(lambda: who.call("GET", path)["data"][-1]["status"] == "completed", "the answer")
    file = attach(it, "small.txt", b"a few words", who)
    wait_for(lambda: who.call("GET", f"/v1/attachments/{file}")["state"] == "ready", "the reading")
    assert who.call("GET", "/v1/conversations")["data"][0]["id"] == talk
    assert it.found("quick question", who)


@pytest.mark.timeout(300)
def test_others_are_answered_while_a_huge_conversation_is_read_and_written(life):
    it = life(GOOD)
    bo = invited(it.me, "Bo")
    talk = huge(it)
    with ExitStack() as held:
        exports = [held.enter_context(it.me.http.stream("GET", f"/v1/conversations/{talk}/export?format=json")) for _ in range(STALLED)]
        written = [held.enter_context(half_said(it, it.new())) for _ in range(4)]
        for _ in range(3):
            day_of(it, bo)
        # All of it was under way the whole time: the rest comes now, and whole.
        for one in written:
            assert one.finish() == 201
        for export in exports:
            assert len(json.loads(export.read())["messages"]) == 300


@pytest.mark.timeout(300)
def test_others_are_answered_while_a_huge_conversation_is_searched_and_erased(life):
    it = life(GOOD)
    bo = invited(it.me, "Bo")
    talk = huge(it)
    days, done = 0, threading.Event()

    def heavy() -> None:
        with Browser(it.steward).sign_in("Anna") as other:
            for words in ("words of a long", '"long conversation"', "needle"):
                other.ask("GET", "/v1/search", params={"q": words, "limit": 50})
            assert other.ask("DELETE", f"/v1/conversations/{talk}", timeout=200).status_code == 200
        done.set()

    worker = threading.Thread(target=heavy)
    worker.start()
    while not done.is_set() and worker.is_alive():
        day_of(it, bo)
        days += 1
    worker.join()
    assert done.is_set() and days >= 1
    assert it.me.ask("GET", f"/v1/conversations/{talk}").status_code == 404


def test_one_persons_waiting_answers_leave_room_for_others(life):
    """Whoever lines up as many as may wait is told so; it is nobody else's line."""
    it = life(GOOD)
    bo, gate = invited(it.me, "Bo"), it.provider.gate()
    it.provider.scripts["good-1"] = scripts.answer("at last", tokens=2, gate=gate)
    talk = it.new()
    last = 201
    for number in range(1_000):
        last = it.me.ask("POST", f"/v1/conversations/{talk}/messages", {"text": str(number), "model": it.model}).status_code
        if last != 201:
            break
    assert last == 503, "there is an end to what one may line up"
    other = bo.call("POST", "/v1/conversations", {})["id"]
    assert bo.ask("POST", f"/v1/conversations/{other}/messages", {"text": "and I?", "model": it.model}).status_code == 201
    gate.open()
    wait_for(lambda: bo.call("GET", f"/v1/conversations/{other}/messages")["data"][-1]["status"] == "completed", "the other's answer")


# --- deleting a conversation leaves its files -----------------------------------------------------------------------------------------


def blobs(it: Life) -> list[str]:
    return [path.name for path in (it.steward.home / "blobs").rglob("*") if path.is_file()]


@pytest.mark.parametrize("how", ["at once", "with a way back"])
def test_no_file_outlives_its_conversation_and_no_other_goes_with_it(life, how):
    """Files of every branch, of a message that was taken back, the same bytes elsewhere: gone with the one, there in the other."""
    it = life(GOOD, more="[talk]\nundo_seconds = 1\n")
    same = b"aardvarkword the same bytes in both " * 4_000
    talk, kept = it.new(), it.new()
    both = [attach(it, "same.txt", same) for _ in range(2)]
    own = [attach(it, f"{name}.txt", f"{name}word only here ".encode() * 9_000) for name in ("bison", "civet", "dingo")]
    picture = attach(it, "p.png", b"\x89PNG\r\n\x1a\n" + b"ermineword" * 9_000)
    for file in [*both, *own]:
        read(it, file)
    first = it.asked(talk, "one", attachments=[both[0], own[0]])
    it.asked(talk, "one, edited", parent=None, attachments=[own[0], own[1]])
    it.asked(kept, "here too", attachments=[both[1]])
    gate = it.provider.gate()
    it.provider.scripts["good-1"] = scripts.answer("slowly", tokens=1, gate=gate)
    slow = it.say(talk, "wait", parent=first["id"], attachments=[picture])
    waiting = it.say(talk, "taken back", attachments=[own[2]])
    it.do(talk, waiting["message"]["id"], "stop")
    gate.open()
    it.ended(talk, slow["answer"]["id"])
    words = ["bisonword", "civetword", "dingoword", "ermineword"]
    assert all(files_with(it.steward.home, word) for word in words)

    if how == "at once":
        it.me.call("DELETE", f"/v1/conversations/{talk}")
    else:
        it.me.call("POST", f"/v1/conversations/{talk}/delete")
    wait_for(lambda: not any(files_with(it.steward.home, word) for word in words), "the erasure of its files")
    for file in (both[0], *own, picture):
        assert it.me.ask("GET", f"/v1/attachments/{file}/content").status_code == 404
    assert it.me.ask("GET", f"/v1/attachments/{both[1]}/content").content == same
    assert [hit["conversation"] for hit in it.found("aardvarkword")] == [kept]
    it.me.call("DELETE", f"/v1/conversations/{kept}")
    wait_for(lambda: blobs(it) == [], "the last of the files")


def a_book(number: int) -> bytes:
    """Small to send, and it takes a while to be read."""
    chance = random.Random(number)
    lines = (f"<p><t>gerbilword {number} {chance.randbytes(16).hex()}</t></p>".encode() for _ in range(60_000))
    return office("docx", b"<d>" + b"".join(lines) + b"</d>")


def test_a_file_that_is_still_being_read_goes_with_its_conversation(life):
    """Its text comes after the deletion: it isn't kept either."""
    it = life(GOOD)
    talk = it.new()
    files = [attach(it, f"{i}.docx", a_book(i)) for i in range(8)]
    it.say(talk, "read these", attachments=files, answer=False)
    assert any(it.me.call("GET", f"/v1/attachments/{file}")["state"] == "reading" for file in files)
    it.me.call("DELETE", f"/v1/conversations/{talk}")
    # They are read in the order in which they came: once this one is, all of them were.
    after = attach(it, "after.txt", b"hamsterword " * 9_000)
    assert read(it, after)["state"] == "ready"
    wait_for(lambda: not files_with(it.steward.home, "gerbilword"), "the erasure of what was read late")
    assert it.found("gerbilword") == []
    assert it.steward.cli("journal", "verify").returncode == 0


def test_a_file_belongs_to_one_conversation(life):
    """Given to a second one it would be gone with the first: that is refused, and said."""
    it = life(GOOD)
    talk, other = it.new(), it.new()
    file = attach(it, "plan.txt", b"ibexword")
    it.asked(talk, "read", attachments=[file])
    it.asked(talk, "again, edited", parent=None, attachments=[file])
    refused = it.me.ask("POST", f"/v1/conversations/{other}/messages", {"text": "here too", "model": it.model, "attachments": [file]})
    assert error_of(refused) == (409, "conflict") and "another conversation" in refused.json()["error"]["message"]
    assert it.path(other) == []


# --- chats gone after an update -------------------------------------------------------------------------------------------------------


def everything_of(it: Life, talk: str) -> list:
    return [it.me.call("GET", "/v1/conversations"), it.path(talk), it.me.call("GET", f"/v1/conversations/{talk}/tree"), it.found("question"), it.found("needle")]


def as_another_version_left_it(it: Life) -> None:
    with closing(sqlite3.connect(it.steward.home / "views.db")) as db, db:
        assert db.execute("UPDATE view_state SET version = version + 1 WHERE view = 'talk'").rowcount > 0


def without_any(it: Life) -> None:
    for path in it.steward.home.glob("views.db*"):
        path.unlink()


@pytest.mark.parametrize("left", [as_another_version_left_it, without_any])
def test_conversations_are_there_after_an_update(life, left):
    """An update that keeps its tables otherwise makes them anew from the journal, also when it is killed in the middle."""
    it = life(GOOD)
    talk = it.new(title="Über Lampen")
    it.asked(talk, "a question", attachments=[attach(it, "a.txt", b"needle in a file")])
    it.asked(talk, "an edited question", parent=None)
    wait_for(lambda: it.found("needle"), "the words of the file")
    before = everything_of(it, talk)
    assert it.steward.stop() == 0
    left(it)
    for _ in range(2):
        it.steward.start(wait="/healthz")
        it.steward.kill()
    it.steward.start()
    wait_for(lambda: everything_of(it, talk) == before, "the conversations as they were")
    assert it.asked(talk, "after the update")["status"] == "completed"


def test_conversations_of_the_last_release_are_there(tmp_path):
    """What a released version kept over its API stands in the list, for whom it belongs to."""
    steward = Steward(CONFIG)
    try:
        lay(FROZEN / "0.1.0-served", steward.home)
        with closing(sqlite3.connect(f"file:{steward.home}/journal.db?mode=ro", uri=True)) as db:
            rows = db.execute("SELECT stream, body FROM records WHERE kind = 'conversation.created' AND erased = 0").fetchall()
        kept = {stream.split("/")[1] for stream, _ in rows}
        [person] = {json.loads(body)["owner"] for _, body in rows}
        steward.start()
        owner = Browser(steward).enter(steward.cli_json("people", "recover", person)["link"])
        listed = lambda: {one["id"] for one in owner.call("GET", "/v1/conversations")["data"]}
        wait_for(lambda: listed() == kept, "the conversations of the last release")
        assert owner.call("GET", f"/v1/conversations/{min(kept)}")["metadata"] == {"a": "c"}
    finally:
        steward.close()


# --- conversation titles not searchable -----------------------------------------------------------------------------------------------


def test_every_title_is_found_however_it_came(life):
    it = life(GOOD | {"titles": scripts.answer("Brass lemurs", tokens=3)}, more='[talk]\ntitle_model = "titles"\n')
    written, by_model, empty = it.new(title="Ångström und Kraniche"), it.new(), it.new(title="Nothing said: 灯会")
    it.asked(written, "hello")
    it.asked(by_model, "What about brass? Tell me.")
    wait_for(lambda: it.show(by_model)["title_by"] == "model", "a title by a model")
    titles = lambda words, who=None: [hit["conversation"] for hit in it.found(words, who) if hit["message"] is None]
    for words, talk in (("angstrom", written), ("kran", written), ("KRANICHE ångström", written), ("lemurs", by_model), ("灯", empty), ("nothing said", empty)):
        assert titles(words) == [talk], words
    it.me.call("POST", f"/v1/conversations/{written}", {"title": "Walrus"})
    assert titles("kraniche") == [] and titles("walrus") == [written]
    it.me.call("POST", f"/v1/conversations/{written}", {"archived": True})
    assert titles("walrus") == [written], "one that is archived is found too"
    bo, cy = invited(it.me, "Bo"), invited(it.me, "Cy")
    share(it, written, bo.person["id"])
    assert titles("walrus", bo) == [written] and titles("walrus", cy) == titles("lemurs", bo) == []
    it.me.call("POST", f"/v1/conversations/{written}/delete")
    assert titles("walrus") == titles("walrus", bo) == []


# --- a viewer can't search a file shared with them --------------------------------------------------------------------------------------


def in_files(it: Life, words: str, who: Browser) -> list[tuple]:
    return [(hit["attachment"], hit["message"]) for hit in it.found(words, who) if hit["attachment"]]


def test_a_viewer_searches_and_opens_the_files_shared_with_them(life):
    it = life(GOOD)
    bo, cy, gu = invited(it.me, "Bo"), invited(it.me, "Cy"), invited(it.me, "Gu", role="guest")
    talk = it.new()
    shared, later = attach(it, "shared.txt", b"The jackal stands in the file"), attach(it, "later.txt", b"The kudu stands in another")
    first = it.asked(talk, "read this", attachments=[shared])
    it.asked(talk, "and this", attachments=[later])
    wait_for(lambda: in_files(it, "kudu", it.me) and in_files(it, "jackal", it.me), "both files read")
    made = [share(it, talk, who.person["id"], first["id"]) for who in (bo, gu)]
    for who in (bo, gu):
        assert in_files(it, "jackal", who) == [("shared.txt", first["parent"])] == in_files(it, "shared.txt", who)
        assert in_files(it, "kudu", who) == in_files(it, "later", who) == []
        assert who.ask("GET", f"/v1/attachments/{shared}/content").content == b"The jackal stands in the file"
        assert who.ask("GET", f"/v1/attachments/{later}/content").status_code == 404
    assert in_files(it, "jackal", cy) == [] and cy.ask("GET", f"/v1/attachments/{shared}").status_code == 404
    for one in made:
        it.me.call("DELETE", f"/v1/conversations/{talk}/shares/{one['id']}")
    for who in (bo, gu):
        assert in_files(it, "jackal", who) == [] and who.ask("GET", f"/v1/attachments/{shared}").status_code == 404


def test_a_file_of_an_edited_message_is_its_viewers_too(life):
    """The edited message carries the file of the one before it: who sees the new one alone finds and opens it."""
    it = life(GOOD)
    bo = invited(it.me, "Bo")
    talk = it.new()
    file, dropped = attach(it, "plan.txt", b"The lynx stands in the file"), attach(it, "dropped.txt", b"The mandrill was left out")
    it.asked(talk, "read these", attachments=[file, dropped])
    edited = it.asked(talk, "read this, please", parent=None, attachments=[file])
    wait_for(lambda: in_files(it, "lynx", it.me) and in_files(it, "mandrill", it.me), "both files read")
    share(it, talk, bo.person["id"])
    assert [one["id"] for one in bo.call("GET", f"/v1/conversations/{talk}/messages")["data"][0]["attachments"]] == [file]
    assert bo.ask("GET", f"/v1/attachments/{file}/content").status_code == 200
    assert in_files(it, "lynx", bo) == in_files(it, "lynx", it.me) == [("plan.txt", edited["parent"])], "found where it is seen"
    assert in_files(it, "mandrill", bo) == [] and bo.ask("GET", f"/v1/attachments/{dropped}").status_code == 404


def test_a_team_searches_what_is_shared_with_it(life):
    it = life(GOOD)
    bo, cy = invited(it.me, "Bo"), invited(it.me, "Cy")
    team = it.steward.cli_json("teams", "new", "research")["id"]
    it.steward.cli("teams", "add", "research", "Bo")
    talk = it.new(title="Nightjars")
    it.asked(talk, "the okapi question", attachments=[attach(it, "t.txt", b"The pangolin stands in the file")])
    wait_for(lambda: in_files(it, "pangolin", it.me), "the file read")
    share(it, talk, team)
    for words in ("nightjars", "okapi", "pangolin"):
        assert [hit["conversation"] for hit in it.found(words, bo)] == [talk], words
        assert it.found(words, cy) == [], words


# --- another person's file opened by its id -----------------------------------------------------------------------------------------------


def test_another_persons_file_by_its_id(life):
    """Of whatever kind and by whoever: an owner of the server, a member, a guest, a key, whoever has a link."""
    it = life(GOOD)
    bo, gu = invited(it.me, "Bo"), invited(it.me, "Gu", role="guest")
    talk = bo.call("POST", "/v1/conversations", {})["id"]
    sent, unsent = attach(it, "sent.txt", b"quollword", bo), attach(it, "unsent.txt", b"racoonword", bo)
    answer = bo.ask("POST", f"/v1/conversations/{talk}/messages", {"text": "mine", "model": it.model, "attachments": [sent]}).json()["answer"]["id"]
    wait_for(lambda: bo.call("GET", f"/v1/conversations/{talk}/messages")["data"][-1]["status"] == "completed", "the answer")
    key = bo.call("POST", "/v1/me/keys", {"name": "k"})["secret"]
    bearer = lambda secret: {"authorization": f"Bearer {secret}"}
    upload = httpx.post(it.steward.url + "/v1/files", headers=bearer(key), data={"purpose": "user_data"}, files={"file": ("f.txt", b"serowword")})
    assert upload.status_code == 200, upload.text
    link = bo.call("POST", f"/v1/conversations/{talk}/shares", {"with": "link", "to": answer})["url"].split("/shared#")[1]

    own = it.me.call("POST", "/v1/me/keys", {"name": "k"})["secret"]
    anybody = lambda method, path, **headers: httpx.request(method, it.steward.url + path, headers=headers)
    ways = {
        "an owner": lambda method, path: it.me.ask(method, path),
        "a guest": lambda method, path: gu.ask(method, path),
        "another's key": lambda method, path: anybody(method, path, **bearer(own)),
        "an administrator's key": lambda method, path: anybody(method, path, **bearer(it.steward.admin_key)),
        "whoever has the link": lambda method, path: anybody(method, path, **{"x-steward-share": link}),
        "nobody": anybody,
    }
    paths = [f"/v1/attachments/{file}{rest}" for file in (sent, unsent) for rest in ("", "/content")]
    paths += [f"/v1/files/{upload.json()['id']}{rest}" for rest in ("", "/content")]
    for who, ask in ways.items():
        for path in paths:
            for method in ("GET", "HEAD", "DELETE") if not path.endswith("/content") else ("GET", "HEAD"):
                found = ask(method, path)
                assert found.status_code in (401, 403, 404), (who, method, path, found.status_code)
                assert not any(word in found.content for word in (b"quoll", b"racoon", b"serow", b".txt")), (who, method, path)
    mine = it.new()
    for file in (sent, unsent):
        stolen = it.me.ask("POST", f"/v1/conversations/{mine}/messages", {"text": "read it to me", "model": it.model, "attachments": [file]})
        assert stolen.status_code == 400 and it.path(mine) == []
    for file in (sent, unsent):
        assert bo.ask("GET", f"/v1/attachments/{file}/content").status_code == 200, "its owner has it still"
    assert anybody("GET", paths[-1], **bearer(key)).content == b"serowword"
