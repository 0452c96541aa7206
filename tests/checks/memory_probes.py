"""How `memory-isolation` looks: for each word by everybody and in every way, at counts, at ids, at errors, and at the time that it takes."""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Iterator

import httpx

from tests.checks.memory_house import ASKED_ALONE, NAMES, House, Said
from tests.harness.people import Browser

TYPED = 6  # letters of a word that somebody has typed so far
NEVER_MADE = "01JQZZZZZZZZZZZZZZZZZZZZZZ"
SHARED = 18  # letters that ids of one moment may begin with alike
RUNS, ROUNDS = 40, 3
RATIO, SLACK_S = 1.4, 0.001  # what counts as a difference of time


def by_key(house: House, key: str, query: str, **more: object) -> httpx.Response:
    return httpx.post(house.steward.url + "/v1/memory/search", json={"query": query} | more, headers={"authorization": f"Bearer {key}"}, timeout=30)


def looks(house: House, step: str, some: list[Said], as_if: dict[str, str] | None = None) -> list[dict]:
    """Everybody looks for all of these. `as_if`: somebody is judged by what another is told."""
    out: list[dict] = []
    for name in NAMES:
        asks = (as_if or {}).get(name, name)
        for fact in _looks_of(house, some, name, asks):
            out.append({"who": name, "step": step, "kind": "word"} | fact)
    for fact in _refused(house):
        out.append({"who": "a key", "step": step, "kind": "refusal"} | fact)
    return out


def _looks_of(house: House, some: list[Said], name: str, asks: str) -> Iterator[dict]:
    browser, key = house.people[asks], house.keys[asks]
    foreign = {one for other in NAMES if other != name for one in house.ids[other].values()}
    texts = []
    for said in some:
        may = name in said.readers
        ways = {"search": browser.ask("GET", "/v1/search", params={"q": said.word}).text, "typing": browser.ask("GET", "/v1/search", params={"q": said.word[:TYPED]}).text}
        if said.kind in ("message", "chinese", "alone"):  # titles and files are not in memory
            ways["memory"] = browser.ask("POST", "/v1/memory/search", {"query": said.word, "limit": 3}).text
            ways["memory, by key"] = by_key(house, key, said.word, limit=3).text
        for way, text in ways.items():
            yield {"way": way, "what": f"{said.kind} of {said.of}", "may": may, "seen": said.word in text}
        texts += ways.values()
        yield from _by_id(browser, said, may)
    told = "".join(texts)
    for one in foreign:
        yield {"way": "any answer", "what": f"the id {one[:5]}…", "may": False, "seen": one in told}
    yield from _counts(house, name, browser, key)


def _by_id(browser: Browser, said: Said, may: bool) -> Iterator[dict]:
    if said.kind == "message" and not may:
        answer = browser.ask("GET", f"/v1/conversations/{said.conversation}/messages", params={"limit": 200})
        yield {"way": "its conversation", "what": f"message of {said.of}", "may": False, "seen": said.word in answer.text}


def _counts(house: House, name: str, browser: Browser, key: str) -> Iterator[dict]:
    """Those that were counted by hand; a wrong one tells of others', or hides one's own."""

    def fact(what: str, right: int, told: int) -> dict:
        return {"way": what, "what": f"{told}, not {right}", "may": True, "seen": told == right, "kind": "count"}

    listed = browser.ask("GET", "/v1/conversations", params={"limit": 100, "archived": "any"}).json()["data"]
    yield fact("conversations", house.listed[name], len(listed))
    projects = browser.call("GET", "/v1/projects")
    yield fact("projects", 1 if house.ids[name] else 0, len(projects["data"]))
    yield fact("a project's conversations", 1, projects["data"][0]["conversations"] if projects["data"] else 1)
    yield fact("folders", 1, len(projects["folders"]))
    if house.passages[name] < 0:
        return
    own, lent = house.passages[name], house.lent[name]
    state = browser.call("POST", "/v1/memory/search", {"query": "harbour"})["state"]
    yield fact("passages", own + lent, state["passages"])
    yield fact("passages, waiting", own + lent, state["waiting"])
    yield fact("passages, by key", own + lent, by_key(house, key, "harbour").json()["state"]["passages"])
    yield fact("passages of one's own", own, browser.call("POST", "/v1/memory/search", {"query": "x", "scope": {"shared": False}})["state"]["passages"])


def _refused(house: House) -> Iterator[dict]:
    """A key that was not told so reads no memory; and it tells nothing in refusing."""
    for name, key in house.plain.items():
        mine = next(said for said in house.said if said.of == name and said.kind == "message") if house.ids[name] else None
        answer = by_key(house, key, mine.word if mine else "harbour")
        yield {"way": "a key without memory", "what": f"{answer.status_code}", "may": False, "seen": answer.status_code != 403 or (mine is not None and mine.word in answer.text)}


# --- what must be the same --------------------------------------------------------------------------------------------------------------


def same_answers(house: House) -> dict[str, str]:
    """Bo's answers to the byte: scores, order, ids, counts. All that Bo has said so far was said before anybody else came."""
    bo, talk = house.people["Bo"], house.said[0].conversation
    out = {}
    for query in ASKED_ALONE:
        for scope in ({}, {"shared": False}, {"conversation": talk}):
            answer = bo.call("POST", "/v1/memory/search", {"query": query, "scope": scope})
            out[f"{query} {json.dumps(scope)}"] = json.dumps(answer, sort_keys=True)
        found = bo.ask("GET", "/v1/search", params={"q": query.split()[-1].rstrip("?")})
        out[f"{query}: search"] = found.text
    return out


def errors(house: House) -> list[dict]:
    """What Bo is told of Cy's things, and of things that were never made: the same but for the id."""
    bo, cy, mine = house.people["Bo"], house.ids["Cy"], house.ids["Bo"]
    out = []
    for thing, method, path, body in _asked_of(mine):
        theirs = cy[thing]
        nobodys = theirs.split("_")[0] + "_" + NEVER_MADE
        told = [_told(bo, method, path, body, one) for one in (theirs, nobodys)]
        out.append({"operation": f"{method} {path}", "theirs": told[0], "nobodys": told[1], "refused": not told[0].startswith("2") or "ID" not in told[0]})
    return out


def _asked_of(mine: dict[str, str]) -> Iterator[tuple[str, str, str, dict | None]]:
    talk = f"/v1/conversations/{mine['conversation']}"
    yield "conversation", "POST", "/v1/memory/search", {"query": "harbour", "scope": {"conversation": "ID"}}
    yield "project", "POST", "/v1/memory/search", {"query": "harbour", "scope": {"project": "ID"}}
    for rest in ("", "/messages", "/tree", "/items", "/export", "/shares"):
        yield "conversation", "GET", f"/v1/conversations/ID{rest}", None
    for rest, body in (("", {"title": "mine"}), ("/delete", {}), ("/restore", {}), ("/messages", {"text": "x"}), ("/shares", {"with": "link"})):
        yield "conversation", "POST", f"/v1/conversations/ID{rest}", body
    yield "conversation", "DELETE", "/v1/conversations/ID", None
    yield "conversation", "GET", "/v1/search?q=harbour&conversation=ID", None
    yield "conversation", "POST", "/v1/responses", {"model": "good-1", "input": "x", "conversation": "ID"}
    yield "response", "POST", "/v1/responses", {"model": "good-1", "input": "x", "previous_response_id": "ID"}
    yield "response", "GET", "/v1/responses/ID", None
    for path, body in ((talk, {"current": "ID"}), (f"{talk}/messages", {"text": "x", "parent": "ID"}), (f"{talk}/shares", {"with": "link", "to": "ID"})):
        yield "message", "POST", path, body
    for verb in ("retry", "continue", "stop"):
        yield "message", "POST", f"{talk}/messages/ID/{verb}", {}
    for window in ("at", "before", "after"):
        yield "message", "GET", f"{talk}/messages?{window}=ID", None
    yield "message", "GET", f"{talk}/items/ID", None
    yield "message", "DELETE", f"{talk}/items/ID", None
    yield "attachment", "GET", "/v1/attachments/ID", None
    yield "attachment", "GET", "/v1/attachments/ID/content", None
    yield "attachment", "DELETE", "/v1/attachments/ID", None
    yield "attachment", "POST", f"{talk}/messages", {"text": "x", "attachments": ["ID"]}
    yield "project", "POST", "/v1/projects/ID", {"name": "mine"}
    yield "project", "DELETE", "/v1/projects/ID", None
    yield "project", "POST", "/v1/conversations", {"project": "ID"}
    yield "project", "POST", talk, {"project": "ID"}
    yield "project", "GET", "/v1/conversations?project=ID", None


def _told(browser: Browser, method: str, path: str, body: dict | None, one: str) -> str:
    filled = None if body is None else json.loads(json.dumps(body).replace('"ID"', json.dumps(one)))
    answer = browser.ask(method, path.replace("ID", one), filled)
    text = answer.text.replace(one, "ID")
    for length in range(len(one), SHARED, -1):  # an error may cut it short
        text = text.replace(one[:length], "ID")
    return f"{answer.status_code} {re.sub(r'req_[0-9A-Z]+', 'REQ', text)}"


# --- time -------------------------------------------------------------------------------------------------------------------------------


def timing(house: House) -> dict:
    """Whether a question takes longer where others have said its word; and whether this machine could show it: it must, for those others."""
    nobody_has = house.maker.make("never said", "latin").root
    cy_sees = [_ratio(house.people["Cy"], house.filler, nobody_has) for _ in range(ROUNDS)]
    bo = [_ratio(house.people["Bo"], house.filler, nobody_has) for _ in range(ROUNDS)]
    return {
        "sees": statistics.median(one["ratio"] for one in cy_sees) > RATIO,
        "differs": all(one["ratio"] > RATIO and one["more_s"] > SLACK_S for one in bo),
        "cy_ratios": [one["ratio"] for one in cy_sees],
        "bo_ratios": [one["ratio"] for one in bo],
    }


def _ratio(browser: Browser, word: str, other: str) -> dict:
    """Interleaved, so that what else the machine does falls on both; by the lower quartile, which that moves least."""
    took: dict[str, list[float]] = {word: [], other: []}
    for run in range(RUNS):
        for one in (word, other) if run % 2 else (other, word):
            began = time.perf_counter()
            browser.call("POST", "/v1/memory/search", {"query": one, "limit": 1, "budget": 100})
            took[one].append(time.perf_counter() - began)
    a, b = (statistics.quantiles(took[one], n=4)[0] for one in (word, other))
    return {"ratio": round(a / b, 2), "more_s": round(a - b, 5)}
