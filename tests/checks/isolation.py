"""isolation: what somebody has is theirs alone, at every address there is.

Three people and a guest each make one of everything: a key, a session, calls, a stored response, a conversation, a file, a batch, a
setting, a stream of events, a message, an attachment, a project, a share. Whatever a person makes carries that person's own word, so a leak is seen wherever it comes up. Then each of
them, signed in and by their key, tries every operation of the OpenAPI document on the things of every other: reads must not show
another's word or id, changes must not happen. The list of operations comes from the document; what an address is about, from THINGS
below, and an address that is in neither fails the check. First and last everybody reads their own: a server that refuses everything
fails.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.harness import scripts
from tests.harness.people import Browser, invited, owner_of
from tests.harness.provider import Provider
from tests.harness.steward import Steward

CONFIG = """
[providers.script]
base_url = "{base_url}"
key_env = "SCRIPT_KEY"
models = ["good-1"]
[engine]
enabled = false
[people]
sign_in_tries = 1000
"""
PEOPLE = (("Bo", "member"), ("Cy", "member"), ("Di", "member"), ("Gu", "guest"))
METHODS = ("get", "put", "post", "patch", "delete")

# What the first parameter of an address names; the longest beginning that fits holds. None: nothing that is anybody's.
THINGS = {
    "/v1/me/keys/": "key",
    "/v1/me/sessions/": "session",
    "/v1/me/calls/": "call",
    "/v1/responses/": "response",
    "/v1/conversations/": "conversation",
    "/v1/attachments/": "attachment",
    "/v1/projects/": "project",
    "/v1/files/": "file",
    "/v1/batches/": "batch",
    "/v1/events/": "stream",
    "/v1/models/": None,
    "/v1beta/models/": None,
    "/admin/v1/keys/": "key",
    "/admin/v1/calls/": "call",
    "/admin/v1/people/": "person",
    "/admin/v1/invitations/": "invitation",
    "/admin/v1/principals/": "team",
    "/admin/v1/budgets/": "budget",
    "/admin/v1/jobs/": "job",
    "/admin/v1/config/": None,
    "/admin/v1/models/": None,
    "/admin/v1/providers/": None,
    "/admin/v1/routes/": None,
}
CHAT = {
    "model": "good-1",
    "messages": [{"role": "user", "content": "go"}],
    "max_tokens": 8,
}
# Bodies that would succeed on a thing of one's own, so that a refusal is about whose it is. Others get an empty object.
BODIES = {
    ("patch", "/v1/me/keys/{id}"): {"name": "taken over"},
    ("post", "/v1/conversations/{id}"): {"metadata": {"taken": "over"}},
    ("post", "/v1/conversations/{id}/items"): {
        "items": [{"type": "message", "role": "user", "content": "taken over"}]
    },
    ("post", "/v1/conversations/{id}/messages"): {"text": "taken over", "model": "good-1"},
    ("post", "/v1/conversations/{id}/shares"): {"with": "link"},
    ("post", "/v1/projects/{id}"): {"name": "taken over"},
    ("post", "/v1/memory/search"): {"query": "word of somebody"},
    ("post", "/mcp"): {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "recall", "arguments": {"query": "word of somebody"}},
    },
    ("post", "/v1/events/{stream}/topics"): {"topics": ["call/*"]},
    ("patch", "/admin/v1/people/{id}"): {"name": "taken over"},
    ("patch", "/admin/v1/principals/{id}"): {"disabled": True},
    ("post", "/v1/chat/completions"): CHAT,
}
# Of one's own, and no key's.
SESSION_ALONE = {
    "/v1/events",
    "/v1/conversations",
    "/v1/conversations/{id}/shares",
    "/v1/projects",
}
# Not asked by somebody about their own: it would end what the others are asked about next.
ENDS_OWN = {
    ("delete", "/v1/session"),
    ("post", "/v1/me/sessions/revoke"),
    ("post", "/v1/me/password"),
}


@dataclass
class Life:
    """Somebody, what they own, and the words and ids that give it away."""

    name: str
    browser: Browser
    key: str = ""
    things: dict[str, str] = field(default_factory=dict)

    @property
    def word(self) -> str:
        return f"word-of-{self.name.lower()}"

    def marks(self) -> set[str]:
        return {self.word, self.browser.person["id"], *self.things.values()}


def run(_: Options) -> Outcome:
    with Provider() as provider:
        provider.scripts["good-1"] = scripts.answer("some words come back", tokens=4)
        with Steward(
            CONFIG.format(base_url=provider.base_url), env={"SCRIPT_KEY": provider.key}
        ) as steward:
            facts = exercise(steward)
    return Outcome(
        judge(facts),
        {fault: judge(doctored) for fault, doctored in planted(facts).items()},
    )


def exercise(steward: Steward) -> dict:
    document = json.loads(steward.get("/openapi.json"))
    operations = [
        (method, path)
        for path, methods in document["paths"].items()
        for method in methods
        if method in METHODS
    ]
    owner = owner_of(steward)
    owner.call(
        "POST",
        "/admin/v1/prices",
        {
            "provider": "script",
            "model": "good-1",
            "input_pico": 10**6,
            "output_pico": 10**6,
        },
    )
    lives = [furnish(owner, name, role) for name, role in PEOPLE]
    before = own_reads(lives, operations)
    streams = [OpenStream(life) for life in lives]
    tries = [one for life in lives for one in attempts(life, lives, operations)]
    after = own_reads(lives, operations)
    for stream in streams:
        stream.close()
    return {
        "operations": sorted(f"{method} {path}" for method, path in operations),
        "people": [life.browser.person["role"] for life in lives],
        "tries": tries,
        "own_before": before,
        "own_after": after,
    }


def furnish(owner: Browser, name: str, role: str) -> Life:
    """One of everything. A guest makes theirs as a member, who becomes a guest then: what they had must stay theirs."""
    word = f"word-of-{name.lower()}"
    team = owner.call(
        "POST", "/admin/v1/principals", {"kind": "team", "name": f"team {word}"}
    )["id"]
    browser = invited(owner, name, teams=[team], email=f"{word}@example.org")
    life = Life(name, browser)
    key = browser.call(
        "POST",
        "/v1/me/keys",
        {
            "name": f"key {word}",
            "tags": {"tag": word},
            "content": "30d",
            "budget": {"limit_usd": "1"},
        },
    )
    life.key = key["secret"]
    bearer = {"authorization": f"Bearer {life.key}"}

    def by_key(method: str, path: str, **more: object) -> dict:
        answer = httpx.request(
            method, owner.steward.url + path, headers=bearer, timeout=30, **more
        )
        assert answer.status_code < 300, (
            f"{method} {path} answered {answer.status_code}: {answer.text}"
        )
        return answer.json()

    by_key(
        "POST",
        "/v1/chat/completions",
        json=CHAT | {"messages": [{"role": "user", "content": word}]},
    )
    browser.call(
        "POST",
        "/v1/chat/completions",
        CHAT | {"messages": [{"role": "user", "content": word}]},
    )
    response = browser.call(
        "POST",
        "/v1/responses",
        {"model": "good-1", "input": word, "store": True, "max_output_tokens": 8},
    )
    conversation = browser.call(
        "POST",
        "/v1/conversations",
        {
            "metadata": {"title": word},
            "items": [{"type": "message", "role": "user", "content": word}],
        },
    )
    item = browser.call("GET", f"/v1/conversations/{conversation['id']}/items")["data"][
        0
    ]
    talk = f"/v1/conversations/{conversation['id']}"
    attachment = browser.ask(
        "POST", "/v1/attachments", content=word.encode(), params={"name": word}
    ).json()
    project = browser.call("POST", "/v1/projects", {"name": word, "instructions": word})
    said = browser.call(
        "POST",
        f"{talk}/messages",
        {"text": word, "answer": False, "attachments": [attachment["id"]]},
    )
    shared = browser.call("POST", f"{talk}/shares", {"with": "link"})
    browser.call("POST", talk, {"title": f"title {word}", "project": project["id"]})
    line = {
        "custom_id": word,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": CHAT,
    }
    file = by_key(
        "POST",
        "/v1/files",
        data={"purpose": "batch"},
        files={"file": (f"{word}.jsonl", json.dumps(line).encode())},
    )
    batch = by_key(
        "POST",
        "/v1/batches",
        json={
            "input_file_id": file["id"],
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": {"m": word},
        },
    )
    browser.call("PATCH", "/v1/me/settings", {"values": {"ui.word": word}})
    invitation = owner.call(
        "POST", "/admin/v1/invitations", {"name": f"friend of {word}"}
    )
    call = browser.call("GET", "/v1/me/calls")["data"][0]
    life.things = {
        "key": key["id"],
        "session": browser.call("GET", "/v1/session")["id"],
        "call": call["id"],
        "response": response["id"],
        "conversation": conversation["id"],
        "item": item["id"],
        "message": said["message"]["id"],
        "share": shared["id"],
        "attachment": attachment["id"],
        "project": project["id"],
        "file": file["id"],
        "batch": batch["id"],
        "person": browser.person["id"],
        "team": team,
        "invitation": invitation["id"],
        "budget": browser.call("GET", "/v1/me/budgets")["data"][0]["id"],
        "job": f"job_of_{word}",
        "stream": f"evs_of_{word}",
    }
    if role == "guest":
        owner.call(
            "PATCH", f"/admin/v1/people/{browser.person['id']}", {"role": "guest"}
        )
        browser.person["role"] = "guest"
    return life


class OpenStream:
    """Somebody's line of events, whose id the others try."""

    def __init__(self, life: Life):
        self._context = life.browser.http.stream(
            "GET", "/v1/events?after=0", timeout=30
        )
        self._answer = self._context.__enter__()
        life.things["stream"] = self._answer.headers["x-steward-stream"]

    def close(self) -> None:
        self._context.__exit__(None, None, None)


def address(path: str, life: Life) -> str:
    """The path with the ids of `life` in its parameters."""
    if "{" not in path:
        return path
    found = max(
        (start for start in THINGS if path.startswith(start)), key=len, default=None
    )
    assert found is not None, f"nothing tells what {path} is about"
    first = life.things[THINGS[found]] if THINGS[found] else "good-1"
    rest = {
        "{item}": life.things["item"],
        "{message}": life.things["message"],
        "{share}": life.things["share"],
        "{member}": life.things["person"],
    }
    out = []
    for part in path.split("/"):
        out.append(rest.get(part, first) if part.startswith("{") else part)
    return "/".join(out)


def attempts(
    life: Life, lives: list[Life], operations: list[tuple[str, str]]
) -> Iterator[dict]:
    """Each operation on the things of each other, signed in and by key. Facts alone: what came back, and what it gave away."""
    others = [other for other in lives if other is not life]
    for method, path in operations:
        if (method, path) in ENDS_OWN:
            yield fact(life, "session", method, path, {}, 0, "", others, asked=False)
            continue
        # An address without a parameter is asked once: its answer is searched for everybody's words.
        for other in others if "{" in path else [others[0]]:
            for way in ("session", "key"):
                status, text = ask(
                    life, way, method, address(path, other), BODIES.get((method, path))
                )
                yield fact(
                    life,
                    way,
                    method,
                    path,
                    other.things if "{" in path else {},
                    status,
                    text,
                    others,
                )


def fact(
    life: Life,
    way: str,
    method: str,
    path: str,
    given: dict,
    status: int,
    text: str,
    others: list[Life],
    *,
    asked: bool = True,
) -> dict:
    told = {mark for other in others for mark in other.marks() if mark in text} - set(
        given.values()
    )
    private = path.startswith(
        (
            "/v1/me",
            "/v1/responses/",
            "/v1/conversations/",
            "/v1/attachments/",
            "/v1/projects/",
            "/v1/files/",
            "/v1/batches/",
            "/v1/events/",
            "/admin/",
        )
    )
    return {
        "who": life.name,
        "way": way,
        "operation": f"{method} {path}",
        "asked": asked,
        "status": status,
        "told": sorted(told),
        # A change or a read that succeeded on what was another's; under /admin/v1 any success.
        "reached": asked
        and status < 300
        and (bool(given) and private or path.startswith("/admin/")),
    }


def ask(
    life: Life, way: str, method: str, path: str, body: dict | None
) -> tuple[int, str]:
    payload = None if method == "get" else (body if body is not None else {})
    if path == "/v1/events":
        return read_events(life, way)
    try:
        if way == "session":
            answer = life.browser.ask(method.upper(), path, payload)
        else:
            url = life.browser.steward.url + path
            answer = httpx.request(
                method.upper(),
                url,
                headers={"authorization": f"Bearer {life.key}"},
                json=payload,
                timeout=30,
            )
    except httpx.HTTPError as error:
        return 599, type(error).__name__
    return answer.status_code, answer.text


def read_events(life: Life, way: str) -> tuple[int, str]:
    """Everything from the first record on, until nothing more comes for a moment."""
    headers = {"authorization": f"Bearer {life.key}"} if way == "key" else {}
    cookies = None if way == "key" else life.browser.http.cookies
    text, url = "", life.browser.steward.url + "/v1/events?after=0"
    try:
        with httpx.stream(
            "GET",
            url,
            headers=headers,
            cookies=cookies,
            timeout=httpx.Timeout(10, read=0.4),
        ) as answer:
            for piece in answer.iter_text():
                text += piece
    except httpx.ReadTimeout:
        pass
    return answer.status_code, text


def own_reads(lives: list[Life], operations: list[tuple[str, str]]) -> list[dict]:
    """What each reads of their own, which must be there and be theirs: signed in, and by key where a key may."""
    wanted = {
        "/v1/me": "person",
        "/v1/me/settings": "word",
        "/v1/me/keys": "key",
        "/v1/me/keys/{id}": "key",
        "/v1/me/sessions": "session",
        "/v1/me/calls": "call",
        "/v1/me/calls/{id}": "call",
        "/v1/me/budgets": "budget",
        "/v1/responses/{id}": "response",
        "/v1/responses/{id}/input_items": "word",
        "/v1/conversations": "conversation",
        "/v1/conversations/{id}": "word",
        "/v1/conversations/{id}/messages": "word",
        "/v1/conversations/{id}/tree": "message",
        "/v1/conversations/{id}/shares": "share",
        "/v1/conversations/{id}/export": "word",
        "/v1/attachments/{id}": "attachment",
        "/v1/attachments/{id}/content": "word",
        "/v1/projects": "project",
        "/v1/conversations/{id}/items": "word",
        "/v1/conversations/{id}/items/{item}": "item",
        "/v1/files": "file",
        "/v1/files/{id}": "file",
        "/v1/files/{id}/content": "word",
        "/v1/batches": "batch",
        "/v1/batches/{id}": "batch",
        "/v1/events": "word",
    }
    missing = set(wanted) - {path for method, path in operations if method == "get"}
    assert not missing, f"no such operations any more: {missing}"
    out = []
    for life in lives:
        for path, thing in wanted.items():
            ways = (
                ("session",)
                if path.startswith("/v1/me") or path in SESSION_ALONE
                else ("session", "key")
            )
            for way in ways:
                status, text = wait_for(life, way, path)
                mark = life.word if thing == "word" else life.things[thing]
                out.append(
                    {
                        "who": life.name,
                        "way": way,
                        "path": path,
                        "ok": status == 200 and mark in text,
                    }
                )
    return out


def wait_for(life: Life, way: str, path: str) -> tuple[int, str]:
    for _ in range(3):  # a reading that comes before its view has caught up
        status, text = ask(life, way, "get", address(path, life), None)
        if status == 200:
            break
        time.sleep(0.1)
    return status, text


def judge(facts: dict) -> Metrics:
    tried = {one["operation"] for one in facts["tries"]}
    leaks = [one for one in facts["tries"] if one["told"] or one["reached"]]
    own = [*facts["own_before"], *facts["own_after"]]
    return {
        "cases": sum(one["asked"] for one in facts["tries"]),
        "routes": len(tried),
        "routes_all": len(facts["operations"]),
        "routes_missing": sorted(set(facts["operations"]) - tried),
        "principals": len(facts["people"]),
        "guests": facts["people"].count("guest"),
        "own_reads": len(own),
        "own_reads_ok": sum(one["ok"] for one in own),
        "own_reads_failed": [
            f"{one['who']} {one['way']} {one['path']}" for one in own if not one["ok"]
        ][:20],
        "leaks": len(leaks),
        "leaks_where": sorted(
            {
                f"{one['operation']} by {one['way']}: {one['status']} {one['told'][:2]}"
                for one in leaks
            }
        )[:20],
        "broke": sum(
            one["status"] >= 500 and one["status"] != 503 for one in facts["tries"]
        ),
    }


def planted(facts: dict) -> dict[str, dict]:
    """The facts of servers that break the promise, each in one way."""
    tries = facts["tries"]
    at = next(
        i for i, one in enumerate(tries) if one["operation"] == "get /v1/responses/{id}"
    )

    def with_try(**doctored: object) -> dict:
        return facts | {"tries": [*tries[:at], tries[at] | doctored, *tries[at + 1 :]]}

    return {
        "shows another's response": with_try(
            status=200, told=["word-of-bo"], reached=True
        ),
        "tells another's word in an error": with_try(status=404, told=["word-of-cy"]),
        "lets another's thing be changed": with_try(status=200, reached=True),
        "forgets an address": facts
        | {
            "tries": [
                one for one in tries if one["operation"] != tries[at]["operation"]
            ]
        },
        "refuses everything": facts
        | {
            "own_before": [one | {"ok": False} for one in facts["own_before"]],
            "own_after": [],
        },
        "lost what was somebody's": facts
        | {"own_after": [one | {"ok": False} for one in facts["own_after"]]},
        "has nobody": facts | {"people": []},
    }


CHECK = Check(
    "isolation",
    run,
    {
        "routes==OpenAPI's": lambda m: (
            m["routes"] == m["routes_all"] > 90 and not m["routes_missing"]
        ),
        "own_reads_ok==all": lambda m: m["own_reads_ok"] == m["own_reads"] > 100,
        "leaks:0": lambda m: m["leaks"] == 0,
        "principals>=3": lambda m: m["principals"] >= 3 and m["guests"] >= 1,
        "broke:0": lambda m: m["broke"] == 0,
    },
)
