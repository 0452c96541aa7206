"""How people come in, and how forged requests, guesses and floods of them do not: over HTTP and by the command."""

from __future__ import annotations

import shutil
import subprocess
import threading

import pytest

from tests.harness.paths import ROOT, steward_binary
from tests.harness.people import (
    PASSWORD,
    Browser,
    error_of,
    invited,
    owner_of,
    token_of,
)
from tests.harness.steward import Steward
from tests.people.conftest import CONFIG

# --- coming in


def test_the_first_link_makes_an_owner_who_administers(steward):
    owner = owner_of(steward, "Anna Verhoeven")
    assert owner.person["role"] == "owner" and owner.person["name"] == "Anna Verhoeven"
    assert owner.person["time_zone"] == "Europe/Berlin"
    assert owner.call("GET", "/admin/v1/status")["owner"] == owner.person["id"]
    assert owner.call("POST", "/admin/v1/keys", {"name": "made by a session"})[
        "secret"
    ].startswith("sk-steward-")
    told = owner.call("GET", "/v1/session")
    assert told["signed_in"] and told["csrf_token"] == owner.csrf
    assert Browser(steward).call("GET", "/v1/session") == {
        "object": "session",
        "signed_in": False,
    }


def test_the_start_screen_shows_a_link_until_somebody_took_it(steward):
    steward.stop()

    def screen() -> list[str]:
        with subprocess.Popen(
            [steward_binary(), "serve", "--welcome"],
            cwd=steward.folder,
            env=steward.env,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            lines = []
            for line in process.stdout:
                lines.append(line.rstrip())
                if line.startswith("sign in:") and not taken:
                    Browser(steward).enter(line.split()[-1], name="Anna")
                if line.startswith("ready:"):
                    break
            process.terminate()
            process.stdout.read()
        return [line for line in lines if line.startswith("sign in:")]

    taken = False
    assert len(screen()) == 1
    taken = True
    assert screen() == []
    steward.start()
    assert Browser(steward).sign_in("anna").person["role"] == "owner"


def test_a_link_works_once_and_looking_spends_nothing(steward, owner):
    link = owner.call(
        "POST", "/admin/v1/invitations", {"role": "guest", "email": "bo@example.org"}
    )["link"]
    assert link.startswith(steward.url.replace("127.0.0.1", "localhost") + "/enter#")
    stranger = Browser(steward)
    for _ in range(2):
        look = stranger.call("POST", "/v1/session/link/look", {"token": token_of(link)})
    assert (
        look["kind"],
        look["role"],
        look["person"]["email"],
        look["invited_by"],
    ) == ("invitation", "guest", "bo@example.org", "Anna")
    assert error_of(
        stranger.ask(
            "POST",
            "/v1/session/link",
            {"token": token_of(link), "name": "Bo", "password": "short"},
        )
    ) == (400, "invalid_request")
    assert stranger.enter(link, name="Bo").person["role"] == "guest"
    for path in ("/v1/session/link/look", "/v1/session/link"):
        body = {"token": token_of(link)} | (
            {} if path.endswith("look") else {"password": PASSWORD, "name": "Mallory"}
        )
        assert error_of(Browser(steward).ask("POST", path, body)) == (410, "link_used")


def test_two_at_once_with_one_link_are_one(steward, owner):
    link = owner.call("POST", "/admin/v1/invitations", {})["link"]
    answers: list[int] = []

    def come(name: str) -> None:
        body = {"token": token_of(link), "password": PASSWORD, "name": name}
        answers.append(
            Browser(steward).ask("POST", "/v1/session/link", body).status_code
        )

    threads = [threading.Thread(target=come, args=(f"Twin {i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [410] * 5
    assert (
        len(
            [
                one
                for one in owner.call("GET", "/admin/v1/people")["data"]
                if one["name"].startswith("Twin")
            ]
        )
        == 1
    )


def test_a_guessed_or_withdrawn_link_leads_nowhere_and_guessing_is_slowed(
    steward, owner
):
    made = owner.call("POST", "/admin/v1/invitations", {"name": "Bo"})
    assert (
        owner.call("DELETE", f"/admin/v1/invitations/{made['id']}")["status"]
        == "withdrawn"
    )
    stranger = Browser(steward)
    assert error_of(
        stranger.ask("POST", "/v1/session/link/look", {"token": token_of(made["link"])})
    ) == (401, "link_invalid")
    codes = [
        error_of(stranger.ask("POST", "/v1/session/link/look", {"token": "A" * 43}))
        for _ in range(30)
    ]
    assert codes[0] == (401, "link_invalid") and codes[-1] == (429, "sign_in_paused")


def test_recovery_sets_a_new_password_and_ends_the_old_sessions(steward, owner):
    bo = invited(owner, "Bo")
    link = steward.cli_json("people", "recover", "Bo")["link"]
    fresh = Browser(steward).enter(link, password="quite another sentence")
    assert fresh.person["id"] == bo.person["id"]
    assert error_of(bo.ask("GET", "/v1/me")) == (401, "session_ended")
    assert error_of(
        Browser(steward).ask(
            "POST", "/v1/session", {"name": "Bo", "password": PASSWORD}
        )
    ) == (401, "sign_in_failed")
    assert (
        Browser(steward).sign_in("Bo", "quite another sentence").person["name"] == "Bo"
    )


def test_an_old_home_opens_and_its_owner_gets_a_link():
    steward = Steward(CONFIG)
    try:
        frozen = next(
            path
            for path in sorted((ROOT / "tests" / "frozen").iterdir())
            if path.is_dir()
        )
        source = frozen / "home" if (frozen / "home").is_dir() else frozen
        shutil.copytree(source, steward.home, dirs_exist_ok=True)
        steward.write_config(CONFIG)
        steward.start()
        owner = Browser(steward).enter(steward.cli_json("people", "link")["link"])
        assert owner.person["role"] == "owner"
        assert owner.call("GET", "/admin/v1/journal/head")["written_seq"] > 0
    finally:
        steward.close()


# --- forged requests


def test_whatever_changes_something_needs_the_sessions_own_token(steward, owner):
    bo = invited(owner, "Bo")
    for wrong in ("", "x", bo.csrf):
        answer = owner.ask(
            "POST",
            "/admin/v1/keys",
            {"name": "forged"},
            headers={"x-steward-csrf": wrong},
        )
        assert error_of(answer) == (403, "csrf_failed"), wrong
    assert error_of(
        owner.ask("DELETE", "/v1/session", headers={"x-steward-csrf": ""})
    ) == (403, "csrf_failed")
    assert not [
        key
        for key in owner.call("GET", "/admin/v1/keys")["data"]
        if key["name"] == "forged"
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_page_of_another_site_changes_nothing_and_signs_nobody_in(owner, headers):
    assert error_of(
        owner.ask("POST", "/v1/me/sessions/revoke", {}, headers=headers)
    ) == (403, "cross_site")
    assert error_of(
        Browser(owner.steward).ask(
            "POST",
            "/v1/session",
            {"name": "Anna", "password": PASSWORD},
            headers=headers,
        )
    ) == (403, "cross_site")
    assert owner.call("GET", "/v1/me")["name"] == "Anna"


def test_nothing_redirects_wherever_it_is_asked_to(steward, owner):
    for path in ("/v1/session", "/enter", "/", "/v1/me"):
        for query in (
            "next=https://evil.example",
            "next=//evil.example",
            "return_to=/%5Cevil.example",
            "redirect=javascript:alert(1)",
        ):
            answer = owner.ask("GET", f"{path}?{query}")
            assert (
                "location" not in answer.headers and not 300 <= answer.status_code < 400
            ), (path, query)
    answer = Browser(steward).ask(
        "POST",
        "/v1/session?next=//evil.example",
        {"name": "Anna", "password": PASSWORD},
    )
    assert (
        answer.status_code == 200
        and "location" not in answer.headers
        and "evil" not in answer.text
    )


def test_the_cookie_is_kept_from_scripts_and_other_sites(steward, owner):
    answer = Browser(steward).ask(
        "POST", "/v1/session", {"name": "Anna", "password": PASSWORD}
    )
    told = answer.headers["set-cookie"]
    assert (
        "HttpOnly" in told
        and "SameSite=Strict" in told
        and "Path=/" in told
        and "Secure" not in told
        and "Domain" not in told
    )
    assert answer.headers["cache-control"] == "no-store"
    steward.stop()
    steward.write_config(
        '[server]\npublic_url = "https://steward.example.org"\n' + CONFIG
    )
    steward.start()
    told = (
        Browser(steward)
        .ask("POST", "/v1/session", {"name": "Anna", "password": PASSWORD})
        .headers["set-cookie"]
    )
    assert told.startswith("__Host-steward_") and "; Secure" in told
    assert steward.cli_json("people", "invite")["link"].startswith(
        "https://steward.example.org/enter#"
    )


# --- sign-in under attack


def test_tries_are_counted_and_a_stranger_learns_nothing(steward, owner):
    invited(owner, "Bo")

    def tries(name: str) -> list[tuple]:
        browser, seen = Browser(steward), []
        for _ in range(7):
            answer = browser.ask(
                "POST", "/v1/session", {"name": name, "password": "not the password"}
            )
            error = answer.json()["error"]
            seen.append(
                (
                    answer.status_code,
                    error["code"],
                    error["message"] if answer.status_code == 401 else "",
                    error["details"].get("tries_left"),
                    "retry-after" in answer.headers,
                )
            )
        return seen

    known, unknown = tries("Bo"), tries("Nobody Here")
    assert known == unknown, "an account that is there answers as one that is not"
    assert [one[:2] for one in known] == [(401, "sign_in_failed")] * 5 + [
        (429, "sign_in_paused")
    ] * 2
    assert [one[3] for one in known[:5]] == [4, 3, 2, 1, 0]
    assert error_of(
        Browser(steward).ask(
            "POST", "/v1/session", {"name": "Bo", "password": PASSWORD}
        )
    ) == (429, "sign_in_paused"), "the right one waits too"


def test_an_address_has_its_own_count(steward, owner):
    codes = [
        error_of(
            Browser(steward).ask(
                "POST", "/v1/session", {"name": f"Name {i}", "password": "x" * 12}
            )
        )
        for i in range(24)
    ]
    assert codes[:20] == [(401, "sign_in_failed")] * 20 and codes[-1] == (
        429,
        "sign_in_paused",
    )


def test_many_sign_ins_at_once_take_bounded_memory(steward, owner):
    """argon2id takes 64 MiB each: two at a time, however many ask; who does not fit is told so."""
    steward.stop()
    steward.write_config("[people]\nsign_in_tries = 500\n[engine]\nenabled = false\n")
    steward.start()
    before, peak, stop = steward.rss_bytes(), [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.005):
            peak[0] = max(peak[0], steward.rss_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    codes: list[tuple[int, str]] = []
    threads = [
        threading.Thread(
            target=lambda: codes.append(
                error_of(
                    Browser(steward).ask(
                        "POST",
                        "/v1/session",
                        {"name": "Anna", "password": "wrong wrong"},
                    )
                )
            )
        )
        for _ in range(60)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    watcher.join()
    assert {code for code in codes} <= {
        (401, "sign_in_failed"),
        (503, "queue_full"),
    } and len(codes) == 60
    assert (401, "sign_in_failed") in codes
    assert peak[0] - before < 3 * 64 * 2**20, "three hashes at once would be too many"
