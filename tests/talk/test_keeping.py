"""What is kept: places, projects, titles, search, shares, exports, attachments, deletion, and what is large."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

import httpx

from tests.harness import scripts
from tests.harness.people import error_of, invited
from tests.talk.life import wait_for

GOOD = {"good-1": scripts.answer("some words come back", tokens=4)}


def files_with(home: Path, word: str) -> list[str]:
    """Files of the home in which the word stands, in either of the encodings that text is kept in."""
    found = []
    for path in sorted(home.rglob("*")):
        with contextlib.suppress(FileNotFoundError):  # it went while it was looked for
            if path.is_file() and not path.is_socket() and word.encode() in path.read_bytes():
                found.append(str(path.relative_to(home)))
    return found


def test_places_and_lists(life):
    it = life(GOOD)
    ids = [it.new(title=f"T{i}") for i in range(5)]
    pages, after = [], None
    while True:
        page = it.me.ask("GET", "/v1/conversations", params={"limit": 2} | ({"after": after} if after else {})).json()
        pages += [one["id"] for one in page["data"]]
        if not page["has_more"]:
            break
        after = page["last_id"]
    assert pages == ids[::-1]
    change = lambda number, body: it.me.call("POST", f"/v1/conversations/{ids[number]}", body)
    assert change(0, {"pinned": True, "folder": "Old"})["pinned"]
    assert change(1, {"archived": True})["archived"]
    named = lambda **query: [one["title"] for one in it.me.ask("GET", "/v1/conversations", params=query).json()["data"]]
    assert named() == ["T4", "T3", "T2", "T0"], "a place changes nothing about when it changed"
    assert named(archived="true") == ["T1"] and len(named(archived="any")) == 5
    assert named(pinned="true") == named(folder="Old") == ["T0"]
    it.asked(ids[2], "hello")
    assert named()[0] == "T2"
    for bad in ({"pinned": 1}, {"title": 5}, {"project": "proj_x"}, {"metadata": {"a": 1}}, {"folder": "x" * 101}):
        assert error_of(it.me.ask("POST", f"/v1/conversations/{ids[0]}", bad)) == (400, "invalid_request"), bad
    assert error_of(it.me.ask("POST", f"/v1/conversations/{ids[0]}", {"current": "msg_1"})) == (404, "not_found")


def test_a_project_gives_its_instructions(life):
    it = life(GOOD)
    project = it.me.call("POST", "/v1/projects", {"name": "Lamps", "instructions": "Be brief."})
    talk = it.new(project=project["id"])
    it.asked(talk, "hi", instructions="In Dutch.")
    assert it.provider.calls("good-1")[0].body["messages"][0] == {"role": "system", "content": "Be brief.\n\nIn Dutch."}
    it.me.call("POST", f"/v1/projects/{project['id']}", {"instructions": ""})
    listed = it.me.call("GET", "/v1/projects")
    assert [(one["name"], one["conversations"]) for one in listed["data"]] == [("Lamps", 1)]
    bo = invited(it.me, "Bo")
    assert bo.ask("POST", f"/v1/projects/{project['id']}", {"name": "mine"}).status_code == 404
    assert bo.ask("POST", "/v1/conversations", {"project": project["id"]}).status_code == 400
    it.me.call("DELETE", f"/v1/projects/{project['id']}")
    assert it.show(talk)["project"] is None and it.me.call("GET", "/v1/projects")["data"] == []


def test_a_title_that_somebody_wrote_stays(life):
    it = life(GOOD | {"titles": scripts.answer('"Brass lamps".', tokens=3)}, more='[talk]\ntitle_model = "titles"\n')
    named, unnamed = it.new(title="Mine"), it.new()
    it.asked(named, "What about brass? Tell me.")
    it.asked(unnamed, "What about brass? Tell me.")
    wait_for(lambda: it.show(unnamed)["title_by"] == "model", "a title by a model")
    assert (it.show(unnamed)["title"], it.show(named)["title"]) == ("Brass lamps", "Mine")
    assert it.me.call("POST", f"/v1/conversations/{unnamed}", {"title": "  Better \n so "})["title"] == "Better so"


def test_a_title_that_makes_no_sense_is_not_taken(life):
    it = life(GOOD | {"titles": scripts.answer("Sure! Here is a title for you.", tokens=9)}, more='[talk]\ntitle_model = "titles"\n')
    talk = it.new()
    it.asked(talk, "Hello! Could you please compare oak and ash for a lamp?")
    wait_for(lambda: it.provider.calls("titles"), "the call that names it")
    assert it.provider.wait_for(lambda: it.provider.in_flight == 0)
    it.asked(talk, "And brass?")
    assert (it.show(talk)["title"], it.show(talk)["title_by"]) == ("Compare oak and ash for a lamp", "rule")


def test_a_file_without_a_word_names_its_conversation(life):
    it = life(GOOD)
    talk = it.new()
    file = it.me.ask("POST", "/v1/attachments?name=Price%20list.txt", content=b"Oak, 12 boards").json()["id"]
    it.say(talk, "", attachments=[file])
    assert it.show(talk)["title"] == "Price list.txt"


def test_search_finds_words_titles_and_chinese(life):
    it = life(GOOD)
    talk = it.new(title="Über die Lampen")
    it.asked(talk, "Der Café-Besuch: 我们明天去北京看灯会。 そして東京タワー")
    [hit] = it.found("cafe")
    assert hit["conversation"] == talk and hit["message"] and hit["title"] == "Über die Lampen"
    marked = hit["snippet"].encode("utf-16-le")
    assert [marked[2 * a : 2 * b].decode("utf-16-le") for a, b in hit["marks"]] == ["Café"]
    for words in ("北京", "京看", "東京タワ", "taw", "bes", '"words come"', "cafe 北京"):
        assert len(it.found(words)) == (0 if words == "taw" else 1), words
    assert it.found('"come words"') == it.found("北海") == it.found("cafe nothing") == it.found('"') == []
    [title] = it.found("uber lampen")
    assert title["message"] is None and title["snippet"] == "Über die Lampen" and title["marks"] == [[0, 4], [9, 15]]
    other = it.new(title="Another")
    it.asked(other, "another Café")
    assert [hit["conversation"] for hit in it.found("cafe")] == [other, talk], "newest first"
    assert [hit["conversation"] for hit in it.found("cafe", conversation=talk)] == [talk]
    page = it.me.ask("GET", "/v1/search", params={"q": "cafe", "limit": 1}).json()
    rest = it.me.ask("GET", "/v1/search", params={"q": "cafe", "after": page["last_id"]}).json()
    assert page["has_more"] and [hit["conversation"] for hit in rest["data"]] == [talk]
    bo = invited(it.me, "Bo")
    assert it.found("cafe", bo) == [] and it.found("cafe", bo, conversation=talk) == []
    for odd in ("a OR b", "NEAR(a b)", "words:x", "-", "*", "'\";--", "x" * 5000):
        assert it.me.ask("GET", "/v1/search", params={"q": odd}).status_code == 200, odd


def test_a_place_far_back_is_found_and_read_around(life):
    it = life(GOOD)
    talk = it.new()
    ids = [it.say(talk, f"number {i}", answer=False)["message"]["id"] for i in range(60)]
    page = it.window(talk, limit=10)
    assert [one["id"] for one in page["data"]] == ids[-10:] and page["has_more"]
    earlier = it.window(talk, before=ids[50], limit=10)
    assert [one["id"] for one in earlier["data"]] == ids[40:50] and earlier["has_more"]
    later = it.window(talk, after=ids[20], limit=5)
    assert [one["id"] for one in later["data"]] == ids[21:26] and later["has_more"]
    assert it.window(talk, before=ids[0])["data"] == [] and not it.window(talk, after=ids[54], limit=5)["has_more"]
    assert it.me.ask("GET", f"/v1/conversations/{talk}/messages", params={"before": "msg_1"}).status_code == 400
    [hit] = it.found('"number 7"')
    assert hit["message"] == ids[7]


def test_a_share_is_read_only_and_taken_back(life):
    it = life(GOOD)
    bo, cy = invited(it.me, "Bo"), invited(it.me, "Cy")
    talk = it.new(title="Secret plans")
    first = it.asked(talk, "the zebra question")
    made = it.me.ask("POST", f"/v1/conversations/{talk}/shares", {"with": "link"})
    assert made.status_code == 201
    link = made.json()
    it.asked(talk, "the walrus comes later")
    it.me.call("POST", f"/v1/conversations/{talk}/shares", {"with": bo.person["id"], "to": first["id"]})
    token = link["url"].split("/shared#")[1]
    look = lambda token: httpx.get(it.steward.url + "/v1/shared", headers={"x-steward-share": token})
    seen = look(token).json()
    assert [one["text"] for one in seen["messages"]] == ["the zebra question", "some words come back"]
    assert (seen["title"], seen["by"]) == ("Secret plans", "Anna") and "cost_nano_usd" not in seen["messages"][1]
    assert token not in json.dumps(it.me.call("GET", f"/v1/conversations/{talk}/shares"))
    assert files_with(it.steward.home, token) == [], "a token is told once and kept nowhere"

    path = f"/v1/conversations/{talk}"
    assert it.show(talk)["by"] is None
    assert [one["text"] for one in bo.call("GET", path + "/messages")["data"]] == ["the zebra question", "some words come back"]
    [listed] = bo.call("GET", "/v1/conversations")["data"]
    for told in (listed, bo.call("GET", path)):
        assert (told["mine"], told["messages"], told["current"], told["preview"]) == (False, 2, first["id"], "some words come back")
        assert "walrus" not in json.dumps(told)
        assert told["by"] == "Anna"
    assert [(hit["conversation"], hit["by"]) for hit in it.found("zebra", bo)] == [(talk, "Anna")], "a viewer searches what is shared"
    assert it.found("walrus", bo) == [] and it.found("zebra", cy) == []
    assert bo.ask("POST", path + "/messages", {"text": "mine now"}).status_code == 403
    for method, rest in (("POST", ""), ("POST", "/delete"), ("DELETE", ""), ("GET", "/tree"), ("GET", "/shares")):
        assert bo.ask(method, path + rest, {} if method == "POST" else None).status_code == 403, (method, rest)
        assert cy.ask(method, path + rest, {} if method == "POST" else None).status_code == 404, (method, rest)

    for share in it.me.call("GET", path + "/shares")["data"]:
        it.me.call("DELETE", f"{path}/shares/{share['id']}")
    assert look(token).status_code == 404 and bo.ask("GET", path).status_code == 404 and it.found("zebra", bo) == []


def test_a_link_can_not_be_guessed(life):
    it = life(GOOD)
    answers = [httpx.get(it.steward.url + "/v1/shared", headers={"x-steward-share": f"guess-{i}"}).status_code for i in range(40)]
    assert answers[0] == 404 and answers[-1] == 429


def test_another_persons_conversation_by_its_id(life):
    it = life(GOOD)
    bo = invited(it.me, "Bo")
    talk = it.new()
    answer = it.asked(talk, "mine alone")
    upload = it.me.ask("POST", "/v1/attachments?name=a.txt", content=b"words of a file")
    file = upload.json()["id"]
    key = bo.call("POST", "/v1/me/keys", {"name": "k"})["secret"]
    path, message = f"/v1/conversations/{talk}", f"/v1/conversations/{talk}/messages/{answer['id']}"
    for method, address in [("GET", path), ("POST", path), ("DELETE", path), ("POST", path + "/delete"), ("POST", path + "/restore"),
                            ("GET", path + "/messages"), ("POST", path + "/messages"), ("GET", path + "/tree"), ("GET", path + "/items"),
                            ("GET", path + "/export"), ("GET", path + "/shares"), ("POST", message + "/retry"), ("POST", message + "/stop"),
                            ("POST", message + "/continue"), ("GET", f"/v1/attachments/{file}"), ("GET", f"/v1/attachments/{file}/content"),
                            ("DELETE", f"/v1/attachments/{file}")]:
        body = {"text": "x", "title": "y"} if method == "POST" else None
        assert bo.ask(method, address, body).status_code == 404, (method, address)
        if "/shares" not in address:
            by_key = httpx.request(method, it.steward.url + address, json=body, headers={"authorization": f"Bearer {key}"})
            assert by_key.status_code == 404, (method, address)
    mine = bo.call("POST", "/v1/conversations", {})["id"]
    for body in ({"text": "x", "attachments": [file]}, {"text": "x", "parent": answer["id"]}):
        assert bo.ask("POST", f"/v1/conversations/{mine}/messages", body | {"model": "good-1"}).status_code in (400, 404)
    assert len(it.path(talk)) == 2


def test_exports(life):
    it = life({"good-1": scripts.answer("<script>alert(1)</script> & **bold**", tokens=4)})
    talk = it.new(title="Plan / <b>B</b>")
    it.asked(talk, "first")
    it.asked(talk, "other", parent=None)
    get = lambda form: it.me.ask("GET", f"/v1/conversations/{talk}/export", params={"format": form})
    markdown, html, whole = get("markdown"), get("html"), get("json")
    assert "# Plan / <b>B</b>" in markdown.text and "other" in markdown.text and "first" not in markdown.text
    assert "<script>alert" not in html.text and "&lt;script&gt;alert(1)" in html.text and "default-src 'none'" in html.text
    assert {one["text"] for one in whole.json()["messages"]} >= {"first", "other"} and len(whole.json()["messages"]) == 4
    for answer in (markdown, html, whole):
        assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert get("pdf").status_code == 400


def test_attachments(life):
    it = life(GOOD)
    put = lambda name, data: it.me.ask("POST", "/v1/attachments", content=data, params={"name": name})
    made = put("../../ev\u202eil\r\nname.txt", "Lampen aus Messing, 北京制造".encode())
    assert made.status_code == 201, made.text
    file = made.json()
    assert file["name"] == "evilname.txt" and (file["type"], file["kind"]) == ("text/plain", "text")
    wait_for(lambda: it.me.call("GET", f"/v1/attachments/{file['id']}")["state"] == "ready", "the reading")
    picture = put("fake.txt", b"\x89PNG\r\n\x1a\n" + b"0" * 40).json()
    page = put("page.png", b"<html><script>alert(1)</script></html>").json()
    assert picture["kind"] == "image" and page["kind"] == "text"
    content = it.me.ask("GET", f"/v1/attachments/{page['id']}/content")
    assert content.headers["content-disposition"].startswith("attachment") and content.headers["x-content-type-options"] == "nosniff"
    shown = it.me.ask("GET", f"/v1/attachments/{picture['id']}/content")
    assert shown.headers["content-disposition"].startswith("inline") and shown.headers["content-type"] == "image/png"

    talk = it.new()
    answer = it.asked(talk, "read this", attachments=[file["id"]])
    assert answer["status"] == "completed"
    sent = json.dumps(it.provider.calls("good-1")[0].body["messages"], ensure_ascii=False)
    assert "Lampen aus Messing" in sent and "evilname.txt" in sent
    assert [one["id"] for one in it.path(talk)[0]["attachments"]] == [file["id"]]
    [hit] = it.found("messing 制造")
    assert hit["attachment"] == "evilname.txt" and hit["message"] == answer["parent"]
    assert it.me.ask("DELETE", f"/v1/attachments/{file['id']}").status_code == 409
    assert it.me.ask("DELETE", f"/v1/attachments/{picture['id']}").status_code == 200
    assert it.me.ask("GET", f"/v1/attachments/{picture['id']}").status_code == 404
    assert put("empty.txt", b"").status_code == 400


def test_an_attachment_over_the_limit(life):
    it = life(GOOD, more="[talk]\nattachment_mb = 1\n")
    answer = it.me.ask("POST", "/v1/attachments", content=b"x" * (1 << 20), params={"name": "a"})
    assert answer.status_code == 201
    assert it.me.ask("POST", "/v1/attachments", content=b"x" * (3 << 20), params={"name": "a"}).status_code == 413


def test_deleting_hides_takes_back_and_erases_for_good(life):
    it = life({"good-1": scripts.answer("xylophone parrots", tokens=2)}, more="[talk]\nundo_seconds = 3\n")
    key = it.me.call("POST", "/v1/me/keys", {"name": "laptop"})["secret"]
    talk = it.new(title="quokkatitle")
    file = it.me.ask("POST", "/v1/attachments?name=ocelotname.txt", content=b"axolotlword in a file " + b"pad " * 20000).json()["id"]
    it.asked(talk, "wombatword " + "and much more " * 4000, attachments=[file])
    big = it.say(talk, "numbatword", answer=False)["message"]["id"]
    from tests.conftest import client_of

    client_of(it.steward, key).responses.create(model="good-1", conversation=talk, input="dugongword", store=True)
    words = ["quokkatitle", "ocelotname", "axolotlword", "wombatword", "numbatword", "dugongword"]
    for word in words:
        assert files_with(it.steward.home, word), word

    path = f"/v1/conversations/{talk}"
    for verb, method in (("delete", "POST"), ("restore", "POST")):
        it.me.call(method, f"{path}/{verb}")
        gone = verb == "delete"
        assert it.me.ask("GET", path).status_code == (404 if gone else 200)
        assert it.me.ask("GET", path + "/items").status_code == (404 if gone else 200)
        assert [hit["message"] for hit in it.found("numbatword")] == ([] if gone else [big])
        assert bool(it.me.call("GET", "/v1/conversations")["data"]) is not gone
    time.sleep(4)  # the first deletion's time is over: it was taken back
    assert it.me.ask("GET", path).status_code == 200
    it.me.call("POST", path + "/delete")
    left = wait_for(lambda: all(not files_with(it.steward.home, word) for word in words) or None, "the erasure from every file")
    assert left
    assert it.me.ask("POST", path + "/restore", {}).status_code == 404
    assert it.steward.cli("journal", "verify").returncode == 0
    blobs = [path for path in (it.steward.home / "blobs").rglob("*") if path.is_file()]
    assert blobs == [], "deleting a conversation leaves none of its files"


def test_erasing_at_once(life):
    it = life(GOOD)
    talk = it.new()
    it.asked(talk, "narwhalword")
    assert it.me.call("DELETE", f"/v1/conversations/{talk}") == {"id": talk, "object": "conversation.deleted", "deleted": True}
    assert it.me.ask("GET", f"/v1/conversations/{talk}").status_code == 404
    wait_for(lambda: not files_with(it.steward.home, "narwhalword"), "the erasure")


def test_a_rebuilt_view_is_the_same(life):
    it = life(GOOD)
    talk, gone = it.new(title="One 灯"), it.new()
    it.asked(talk, "a question")
    it.asked(gone, "erased soon")
    it.me.call("DELETE", f"/v1/conversations/{gone}")
    before = (it.path(talk), it.found("question"), it.found("灯"), it.me.call("GET", "/v1/conversations"))
    it.scene.admin.call("POST", "/journal/rebuild")
    it.steward.stop()
    it.steward.start()
    assert (it.path(talk), it.found("question"), it.found("灯"), it.me.call("GET", "/v1/conversations")) == before
    it.asked(talk, "after the rebuild: pangolin")
    assert len(it.found("pangolin")) == 1


def test_a_message_of_five_megabytes(life):
    it = life(GOOD)
    talk = it.new()
    text = "lorem ipsum 灯 dolor " * 220_000 + "theverylastword"
    assert len(text.encode()) > 4_500_000
    said = it.say(talk, text, answer=False)["message"]
    assert said["text"] == text
    [hit] = it.found("theverylastword")
    assert hit["message"] == said["id"] and "theverylastword" in hit["snippet"]
    assert it.show(talk)["title"].startswith("lorem ipsum")
    assert it.me.ask("POST", f"/v1/conversations/{talk}/messages", {"text": "x" * (17 << 20)}).status_code == 413
