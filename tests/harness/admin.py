"""The admin API as an owner's program would use it: thin, typed by what the judges need."""

from __future__ import annotations

from typing import Self

import httpx

from tests.harness.money import Price, usd
from tests.harness.steward import Steward


class Admin:
    def __init__(self, steward: Steward):
        self.steward = steward
        self.http = httpx.Client(base_url=steward.url + "/admin/v1", headers={"Authorization": f"Bearer {steward.admin_key}"}, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def call(self, method: str, path: str, body: object | None = None, **params: object) -> dict:
        answer = self.http.request(method, path, json=body, params={k: v for k, v in params.items() if v is not None})
        if answer.status_code >= 300:
            raise AssertionError(f"{method} /admin/v1{path} answered {answer.status_code}: {answer.text}")
        return answer.json() if answer.content else {}

    def new_key(self, name: str, **fields: object) -> dict:
        """The answer of creation: id, secret (shown once), visible, …"""
        return self.call("POST", "/keys", {"name": name, **fields})

    def new_principal(self, kind: str, name: str, time_zone: str = "UTC") -> str:
        return self.call("POST", "/principals", {"kind": kind, "name": name, "time_zone": time_zone})["id"]

    def add_member(self, team: str, member: str) -> None:
        self.call("PUT", f"/principals/{team}/members/{member}")

    def set_budget(self, name: str, scope: str, limit_nano: int, period: str = "forever") -> dict:
        return self.call("POST", "/budgets", {"name": name, "scope": scope, "limit_usd": usd(limit_nano), "period": period})

    def budgets(self) -> list[dict]:
        return self.pages("/budgets")

    def set_price(self, provider: str, model: str, price: Price) -> dict:
        body = {"provider": provider, "model": model, "input_pico": price.input_pico, "output_pico": price.output_pico}
        return self.call("POST", "/prices", body | {"cached_input_pico": price.cached_input_pico, "request_pico": price.request_pico})

    def usage(self, **query: object) -> list[dict]:
        return self.pages("/usage", **query)

    def tenant(self) -> str:
        """The organisation's id, as the scope of its budget names it."""
        return self.call("GET", "/status")["tenant"]

    def pages(self, path: str, **params: object) -> list[dict]:
        rows, cursor = [], None
        while True:
            page = self.call("GET", path, cursor=cursor, **params)
            rows += page["data"]
            cursor = page.get("next_cursor")
            if not cursor:
                return rows
