"""The web app as the binary serves it: hashed files for ever, the page anew, strict headers, and the API's own answers left alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import httpx
import pytest

from tests.harness.browser import app_routes
from tests.harness.paths import ROOT
from tests.harness.steward import Steward

HTML = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def server() -> Iterator[Steward]:
    with Steward() as steward:
        yield steward


def get(server: Steward, path: str, **headers: str) -> httpx.Response:
    return httpx.get(server.url + path, headers={"accept-encoding": "identity"} | headers)


def test_every_page_of_the_app_is_answered_with_the_app(server: Steward) -> None:
    page = get(server, "/").text
    for route in app_routes() - {"missing"}:
        answer = get(server, route.replace("$id", "call_1"))
        assert (answer.status_code, answer.text) == (200, page), route


def test_what_is_not_there_is_a_404_as_a_page_for_people_and_as_json_for_programs(server: Steward) -> None:
    for_people, for_programs = get(server, "/nowhere", **HTML), get(server, "/nowhere")
    assert (for_people.status_code, for_people.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert (for_programs.status_code, for_programs.json()["error"]["code"]) == (404, "not_found")
    for path in ("/v1/nowhere", "/admin/v1/nowhere", "/assets/gone.js"):
        assert get(server, path, **HTML).headers["content-type"] == "application/json"


def test_headers_hold_strangers_off(server: Steward) -> None:
    for path in ("/", "/settings/keys", asset(server)):
        headers = get(server, path).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


def asset(server: Steward) -> str:
    return re.search(r'src="(/assets/[^"]+\.js)"', get(server, "/").text).group(1)


def test_files_are_kept_for_ever_and_the_page_is_asked_for_anew(server: Steward) -> None:
    file, page = get(server, asset(server)), get(server, "/")
    assert "immutable" in file.headers["cache-control"]
    assert page.headers["cache-control"] == "no-cache"
    for answer, path in ((file, asset(server)), (page, "/use")):
        again = get(server, path, **{"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_the_forms_of_a_file_are_the_same_file(server: Steward) -> None:
    path = asset(server)
    plain = get(server, path)
    packed = httpx.get(server.url + path, headers={"accept-encoding": "gzip"})
    assert (packed.headers["content-encoding"], packed.text) == ("gzip", plain.text)
    raw = {form: len(raw_bytes(server, path, form)) for form in ("br", "gzip", "identity")}
    assert raw["br"] < raw["gzip"] < raw["identity"] == len(plain.content)


def raw_bytes(server: Steward, path: str, form: str) -> bytes:
    with httpx.stream("GET", server.url + path, headers={"accept-encoding": form}) as answer:
        return b"".join(answer.iter_raw())


def test_the_client_is_made_from_what_the_server_tells_of_itself(server: Steward) -> None:
    """`make openapi` writes web/openapi.json anew."""
    told = get(server, "/openapi.json").json()
    kept = json.loads((ROOT / "web" / "openapi.json").read_text())
    assert told | {"servers": kept["servers"]} == kept


def test_another_host_name_gets_no_page(server: Steward) -> None:
    answer = httpx.get(server.url, headers={"host": "elsewhere.example"} | HTML)
    assert answer.status_code == 403
