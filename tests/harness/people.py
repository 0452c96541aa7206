"""A person in front of a browser: a cookie jar, the token against forged requests, and nothing else."""

from __future__ import annotations

import json
from typing import Self

import httpx

from tests.harness.steward import Steward

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
PASSWORD = "several words make one"


class Browser:
    """Requests as a page of the server itself sends them."""

    def __init__(self, steward: Steward, agent: str = FIREFOX):
        self.steward = steward
        self.http = httpx.Client(
            base_url=steward.url, timeout=30, headers={"user-agent": agent}
        )
        self.csrf = ""
        self.person: dict = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def ask(
        self, method: str, path: str, body: object | None = None, **more: object
    ) -> httpx.Response:
        headers = {"sec-fetch-site": "same-origin", "origin": self.steward.url} | (
            {"x-steward-csrf": self.csrf} if self.csrf else {}
        )
        return self.http.request(
            method, path, json=body, headers=headers | more.pop("headers", {}), **more
        )

    def call(self, method: str, path: str, body: object | None = None) -> dict:
        answer = self.ask(method, path, body)
        if answer.status_code >= 300:
            raise AssertionError(
                f"{method} {path} answered {answer.status_code}: {answer.text}"
            )
        return answer.json()

    def sign_in(self, name: str, password: str = PASSWORD) -> Self:
        return self.take(
            self.call("POST", "/v1/session", {"name": name, "password": password})
        )

    def enter(self, link: str, password: str = PASSWORD, **more: object) -> Self:
        """Comes in by a link: its token stands behind the '#'."""
        return self.take(
            self.call(
                "POST",
                "/v1/session/link",
                {"token": token_of(link), "password": password, **more},
            )
        )

    def take(self, session: dict) -> Self:
        self.csrf, self.person = session["csrf_token"], session["person"]
        return self

    def stolen(self) -> Browser:
        """Another browser that has the cookie and the token, as a thief would."""
        thief = Browser(self.steward, "curl/8")
        for cookie in self.http.cookies.jar:
            thief.http.cookies.set(cookie.name, cookie.value, domain=cookie.domain)
        thief.csrf = self.csrf
        return thief


def token_of(link: str) -> str:
    return link.split("#", 1)[1]


def error_of(answer: httpx.Response) -> tuple[int, str]:
    try:
        return answer.status_code, answer.json()["error"]["code"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return answer.status_code, ""


def owner_of(steward: Steward, name: str = "Anna") -> Browser:
    """The owner, come in by the link that the command prints."""
    link = steward.cli_json("people", "link")["link"]
    return Browser(steward).enter(link, name=name, time_zone="Europe/Berlin")


def invited(owner: Browser, name: str, role: str = "member", **more: object) -> Browser:
    link = owner.call(
        "POST", "/admin/v1/invitations", {"name": name, "role": role, **more}
    )["link"]
    return Browser(owner.steward).enter(link)
