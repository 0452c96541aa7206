"""Everything that a server tells anybody about what `erase` planted: every GET of the OpenAPI document with every id that was made, the
stream of events from its beginning, shared links, and both searches for each word."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import httpx

from tests.checks.erase_life import Stage
from tests.checks.isolation import THINGS
from tests.harness.people import Browser
from tests.judges.canaries import Canary, Scanner

MANY = {"/v1/conversations": {"limit": 100, "archived": "any"}, "/admin/v1/journal": {"limit": 1000}, "/admin/v1/jobs": {"limit": 1000}}
QUIET_S = 0.7
LISTS = 1000  # of the others, where they have a limit of their own
NOT_READ = ("/v1/responses", "/v1/events", "/mcp")  # a WebSocket; a stream, read apart; nothing without a session
OF_NOBODY = ("/admin/v1/config/", "/admin/v1/models/", "/admin/v1/providers/", "/admin/v1/routes/", "/v1/models/", "/v1beta/models/")


def heard(stage: Stage, scanner: Scanner) -> dict[Canary, str]:
    """Which canaries are told, and where first."""
    out: dict[Canary, str] = {}
    for where, content in answers(stage):
        for canary in scanner.scan(content):
            out.setdefault(canary, where)
    return out


def answers(stage: Stage) -> Iterator[tuple[str, bytes]]:
    document = json.loads(stage.steward.get("/openapi.json"))
    paths = [path for path, methods in document["paths"].items() if "get" in methods and path not in NOT_READ]
    for name, browser in (("owner", stage.owner), ("Ana", stage.ana), ("Bo", stage.bo)):
        for path in paths:
            if name == "owner" or not path.startswith("/admin/"):
                yield from _asked(stage, name, browser, path)
        yield f"events of {name}", events(browser)
    for link in stage.links:
        yield "a shared link", stage.bo.http.get("/v1/shared", headers={"x-steward-share": link}).content


def _asked(stage: Stage, name: str, browser: Browser, path: str) -> Iterator[tuple[str, bytes]]:
    for address in addresses(stage, path):
        params = MANY.get(path, {} if "{" in path else {"limit": LISTS})
        answer = browser.ask("GET", address, params=params)
        if answer.status_code == 400 and "limit" in params:
            answer = browser.ask("GET", address, params={"limit": 100})
        if answer.status_code < 300:
            yield f"{name}: {path}", answer.content


def addresses(stage: Stage, path: str) -> Iterator[str]:
    if "{" not in path:
        yield path
        return
    if path.startswith(OF_NOBODY):
        return
    thing = THINGS[max((start for start in THINGS if path.startswith(start)), key=len)]
    for one in stage.things.get(thing or "", []):
        address = path.replace("{id}", one)
        known = {"{item}": stage.items.get(one, ""), "{message}": stage.answers.get(one, "")}
        if all(what for name, what in known.items() if name in address):
            yield address.replace("{item}", known["{item}"]).replace("{message}", known["{message}"])


def events(browser: Browser) -> bytes:
    """All records from the first on, until no more comes for a moment; pieces of answers that are under way come without an end."""
    text, last = b"", time.monotonic()
    try:
        with browser.http.stream("GET", "/v1/events?after=0", timeout=httpx.Timeout(30, read=QUIET_S)) as answer:
            for piece in answer.iter_bytes():
                text += piece
                if b"event: record" in piece:
                    last = time.monotonic()
                elif time.monotonic() - last > QUIET_S:
                    break
    except httpx.ReadTimeout:
        pass
    return text


def searched(stage: Stage, canaries: list[Canary], scanner: Scanner) -> dict[Canary, str]:
    """Which are found by somebody who knows the word: in Talk's search, and in memory."""
    out: dict[Canary, str] = {}
    for canary in canaries:
        for name, browser in (("Ana", stage.ana), ("Bo", stage.bo)):
            found = browser.ask("GET", "/v1/search", params={"q": canary.root, "limit": 5}).content
            if canary in scanner.scan(found):
                out.setdefault(canary, f"{name}: search")
        found = stage.ana.ask("POST", "/v1/memory/search", {"query": canary.written(), "limit": 3}).content
        if canary in scanner.scan(found):
            out.setdefault(canary, "Ana: memory")
    return out
