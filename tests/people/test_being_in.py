"""Sessions, roles, what is somebody's own, and what is left of them: over HTTP and by the command."""

from __future__ import annotations

import threading
import time

import httpx

from tests.harness import scripts
from tests.harness.people import PASSWORD, Browser, error_of, invited, owner_of
from tests.people.conftest import CONFIG

# --- sessions


def test_a_stolen_session_ends_when_its_owner_says_so(steward, owner):
    bo = invited(owner, "Bo")
    thief = bo.stolen()
    assert thief.call("GET", "/v1/me")["name"] == "Bo"
    other = Browser(steward).sign_in("Bo")
    rows = {row["id"]: row for row in other.call("GET", "/v1/me/sessions")["data"]}
    assert (
        len(rows) == 2
        and [row["browser"] for row in rows.values()] == ["Firefox on Linux"] * 2
    )
    theirs = next(row["id"] for row in rows.values() if not row["current"])
    other.call("DELETE", f"/v1/me/sessions/{theirs}")
    assert (
        error_of(thief.ask("GET", "/v1/me"))
        == error_of(bo.ask("GET", "/v1/me"))
        == (401, "session_ended")
    )
    assert other.call("GET", "/v1/me")["name"] == "Bo"


def test_signing_out_everywhere(steward, owner):
    browsers = [
        invited(owner, "Bo"),
        Browser(steward).sign_in("Bo"),
        Browser(steward).sign_in("bo"),
    ]
    assert (
        browsers[0].call("POST", "/v1/me/sessions/revoke", {"keep_current": True})[
            "count"
        ]
        == 2
    )
    assert browsers[0].call("GET", "/v1/me")["name"] == "Bo"
    again = Browser(steward).sign_in("Bo")
    assert again.call("POST", "/v1/me/sessions/revoke", {})["count"] == 2
    for browser in (*browsers, again):
        assert error_of(browser.ask("GET", "/v1/me")) == (401, "session_ended")


def test_sessions_live_over_a_restart_and_signing_out_is_for_good(steward, owner):
    steward.kill()
    steward.start()
    assert owner.call("GET", "/v1/me")["name"] == "Anna"
    thief = owner.stolen()
    owner.call("DELETE", "/v1/session")
    assert owner.call("GET", "/v1/session")["signed_in"] is False
    steward.kill()
    steward.start()
    assert error_of(thief.ask("GET", "/v1/me")) == (401, "session_ended")


def test_a_changed_password_keeps_this_session_alone(steward, owner):
    bo, elsewhere = invited(owner, "Bo"), Browser(steward).sign_in("Bo")
    wrong = bo.ask(
        "POST",
        "/v1/me/password",
        {"current_password": "not it at all", "new_password": "quite another sentence"},
    )
    assert error_of(wrong) == (401, "sign_in_failed")
    assert error_of(
        bo.ask(
            "POST",
            "/v1/me/password",
            {"current_password": PASSWORD, "new_password": "password123"},
        )
    ) == (400, "invalid_request")
    bo.take(
        bo.call(
            "POST",
            "/v1/me/password",
            {"current_password": PASSWORD, "new_password": "quite another sentence"},
        )
    )
    assert bo.call("GET", "/v1/me")["credentials"][0]["kind"] == "password"
    assert error_of(elsewhere.ask("GET", "/v1/me")) == (401, "session_ended")


# --- what somebody may


def test_a_role_holds_from_the_next_request_on(steward, owner):
    bo = invited(owner, "Bo")
    assert error_of(bo.ask("GET", "/admin/v1/keys")) == (403, "permission_denied")
    steward.cli("people", "role", "Bo", "owner")
    key = bo.call(
        "POST",
        "/admin/v1/keys",
        {"name": "ops", "admin": True, "owner": bo.person["id"]},
    )["secret"]
    assert (
        httpx.get(
            steward.url + "/admin/v1/keys", headers={"authorization": f"Bearer {key}"}
        ).status_code
        == 200
    )
    owner.call("PATCH", f"/admin/v1/people/{bo.person['id']}", {"role": "guest"})
    assert error_of(bo.ask("GET", "/admin/v1/keys")) == (403, "permission_denied")
    assert (
        httpx.get(
            steward.url + "/admin/v1/keys", headers={"authorization": f"Bearer {key}"}
        ).status_code
        == 401
    )
    assert error_of(bo.ask("POST", "/v1/me/keys", {"name": "k"})) == (
        403,
        "permission_denied",
    )
    assert error_of(
        owner.ask("PATCH", f"/admin/v1/people/{owner.person['id']}", {"role": "guest"})
    ) == (409, "conflict")


def test_a_disabled_person_is_out_with_their_keys_and_streams(steward, owner):
    bo = invited(owner, "Bo")
    key = bo.call("POST", "/v1/me/keys", {"name": "laptop"})["secret"]
    events: list[str] = []

    def follow() -> None:
        with bo.http.stream("GET", "/v1/events", timeout=20) as stream:
            events.extend(stream.iter_lines())

    thread = threading.Thread(target=follow)
    thread.start()
    while not any(line.startswith("data:") for line in events):
        pass
    steward.cli("people", "disable", "Bo")
    thread.join(20)
    assert not thread.is_alive() and "event: hello" in events and "event: bye" in events
    assert error_of(bo.ask("GET", "/v1/me")) == (401, "session_ended")
    assert (
        httpx.get(
            steward.url + "/v1/models", headers={"authorization": f"Bearer {key}"}
        ).status_code
        == 401
    )
    assert error_of(
        Browser(steward).ask(
            "POST", "/v1/session", {"name": "Bo", "password": PASSWORD}
        )
    ) == (401, "sign_in_failed")
    steward.cli("people", "enable", "Bo")
    assert Browser(steward).sign_in("Bo").person["status"] == "active"


def test_ones_own_keys_and_nobody_elses(steward, owner):
    bo, cy = invited(owner, "Bo"), invited(owner, "Cy")
    mine = bo.call(
        "POST", "/v1/me/keys", {"name": "laptop", "budget": {"limit_usd": "1"}}
    )
    assert mine["owner"] == bo.person["id"] and mine["admin"] is False
    for body in ({"name": "k", "admin": True}, {"name": "k", "owner": cy.person["id"]}):
        assert error_of(bo.ask("POST", "/v1/me/keys", body)) == (
            403,
            "permission_denied",
        ), body
    assert error_of(
        bo.ask("PATCH", f"/v1/me/keys/{mine['id']}", {"owner": cy.person["id"]})
    ) == (403, "permission_denied")
    for method, rest in (
        ("GET", ""),
        ("PATCH", ""),
        ("POST", "/rotate"),
        ("POST", "/revoke"),
    ):
        assert (
            cy.ask(
                method,
                f"/v1/me/keys/{mine['id']}{rest}",
                None if method == "GET" else {},
            ).status_code
            == 404
        )
    assert cy.call("GET", "/v1/me/keys")["data"] == []
    assert [key["id"] for key in bo.call("GET", "/v1/me/keys")["data"]] == [mine["id"]]
    assert {one["scope"] for one in bo.call("GET", "/v1/me/budgets")["data"]} == {
        mine["id"]
    }
    answer = httpx.get(
        steward.url + "/v1/me", headers={"authorization": f"Bearer {mine['secret']}"}
    )
    assert error_of(answer) == (403, "permission_denied"), (
        "a key does not speak for all that is its owner's"
    )


def test_a_session_calls_models_under_the_budgets_of_its_teams(scene):
    it = scene(
        {"good-1": scripts.answer("some words come back", tokens=4)}, more=CONFIG
    )
    owner = owner_of(it.steward)
    team = it.admin.new_principal("team", "Research")
    bo = invited(owner, "Bo", teams=[team])
    body = {
        "model": "good-1",
        "messages": [{"role": "user", "content": "go"}],
        "max_tokens": 10,
    }
    assert (
        error_of(
            bo.ask("POST", "/v1/chat/completions", body, headers={"x-steward-csrf": ""})
        )[0]
        == 403
    )
    assert bo.call("POST", "/v1/chat/completions", body)["choices"][0]["message"][
        "content"
    ]
    assert bo.call("GET", "/v1/me/usage")["total"]["calls"] == 1
    assert owner.call("GET", "/v1/me/usage")["total"]["calls"] == 0
    call = bo.call("GET", "/v1/me/calls")["data"][0]
    assert bo.call("GET", f"/v1/me/calls/{call['id']}")["owner"] == bo.person["id"]
    assert owner.ask("GET", f"/v1/me/calls/{call['id']}").status_code == 404
    it.admin.call(
        "POST",
        "/prices",
        {
            "provider": "script",
            "model": "good-1",
            "input_pico": 10**6,
            "output_pico": 10**6,
        },
    )
    it.admin.set_budget("nothing", team, 0)
    assert error_of(bo.ask("POST", "/v1/chat/completions", body)) == (
        429,
        "budget_exceeded",
    )
    owner.call("PATCH", f"/admin/v1/people/{bo.person['id']}", {"role": "guest"})
    assert error_of(bo.ask("POST", "/v1/chat/completions", body)) == (
        403,
        "permission_denied",
    )


def test_settings_are_ones_own(steward, owner):
    bo = invited(owner, "Bo")
    assert bo.call(
        "PATCH", "/v1/me/settings", {"values": {"language": "zh", "ui.rail": "folded"}}
    )["values"] == {"language": "zh", "ui.rail": "folded"}
    assert bo.call("PATCH", "/v1/me/settings", {"values": {"ui.rail": None}})[
        "values"
    ] == {"language": "zh"}
    assert owner.call("GET", "/v1/me/settings")["values"] == {}
    for bad in (
        {"language": "tlh"},
        {"single_keys": "yes"},
        {"color": "red"},
        {"ui.x": {"a": 1}},
        {"ui.x": "y" * 2000},
    ):
        assert error_of(bo.ask("PATCH", "/v1/me/settings", {"values": bad})) == (
            400,
            "invalid_request",
        ), bad


def test_names_addresses_and_their_changes(steward, owner):
    bo = invited(owner, "Bo", email="bo@example.org")
    assert Browser(steward).sign_in("BO@example.org").person["id"] == bo.person["id"]
    assert (
        bo.call("PATCH", "/v1/me", {"name": "Bo Tan", "time_zone": "Asia/Tokyo"})[
            "time_zone"
        ]
        == "Asia/Tokyo"
    )
    assert error_of(bo.ask("PATCH", "/v1/me", {"email": "new@example.org"})) == (
        400,
        "invalid_request",
    )
    assert (
        bo.call(
            "PATCH",
            "/v1/me",
            {"email": "new@example.org", "current_password": PASSWORD},
        )["email"]
        == "new@example.org"
    )
    assert error_of(bo.ask("PATCH", "/v1/me", {"name": "anna"})) == (
        400,
        "invalid_request",
    )
    assert Browser(steward).sign_in("new@example.org").person["name"] == "Bo Tan"


# --- what is left of somebody


def test_an_export_holds_no_hash_and_an_erased_person_is_in_no_file(steward, owner):
    bo = invited(owner, "Bo Unmistakable", email="bo@unmistakable.example")
    exported = steward.cli("journal", "export").stdout
    assert "Unmistakable" in exported
    for secret in ("$argon2", PASSWORD, bo.csrf, next(iter(bo.http.cookies.values()))):
        assert secret not in exported
    steward.cli("people", "erase", "Bo Unmistakable", "--yes")
    assert error_of(bo.ask("GET", "/v1/me")) == (401, "session_ended")
    for _ in range(200):
        if not any(
            job["state"] in ("queued", "running")
            for job in owner.call("GET", "/admin/v1/jobs")["data"]
        ):
            break
        time.sleep(0.05)
    steward.stop()
    for path in steward.home.rglob("*"):
        if path.is_file():
            assert b"nmistakable" not in path.read_bytes(), path
    steward.start()
    assert steward.cli_json("journal", "verify")["ok"]


def test_the_command_tells_what_is_wrong(steward):
    for arguments, words in (
        (["people", "recover", "Nobody"], "There is no person 'Nobody'"),
        (["people", "role", "Owner", "king"], "must be owner, member or guest"),
        (["people", "disable", "Owner"], "can't be disabled"),
        (["people", "erase", "Owner"], "can't be undone"),
        (["people", "invite", "--team", "nowhere"], "There is no team 'nowhere'"),
        (["people", "invite", "--email", "no address"], "no e-mail address"),
    ):
        done = steward.cli(*arguments, check=False)
        assert done.returncode != 0 and words in done.stderr, (arguments, done.stderr)
    steward.cli("teams", "new", "Research")
    steward.cli("teams", "add", "Research", "Owner")
    assert steward.cli_json("teams", "list")[0]["members"] == ["Owner"]
    steward.cli("teams", "remove", "Research", "Owner")
    assert steward.cli_json("teams", "list")[0]["members"] == []
