"""What `erase` plants: one of everything that keeps words, each in every script, by people over public interfaces; and how each is erased.

Everything is made twice: once to be erased by its own way, once to stay. What is made stands in `Stage.things`, so that whoever looks
afterwards asks for all of it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import defaultdict
from collections.abc import Callable

import httpx

from tests.documents.hostile import CATALOG, FONT, office, pdf, stream
from tests.harness import scripts
from tests.harness.people import Browser, invited, owner_of
from tests.harness.provider import Call
from tests.harness.steward import Steward
from tests.judges.canaries import SCRIPTS, Canary, Maker

ENDS_S = 60
STEP_S = 2.5  # an answer under way so long has a step in the journal (docs/talk.md)
LARGE = 40_000  # bytes of a message whose words lie in a blob
SENTENCES = {
    "en": ("We were {} at the lake with the others. ", "That is what {} said to them. ", "And then {}. ", "It was {} for us. "),
    "de": ("Wir haben den Plan mit {} nicht mehr. ", "Das ist die Sache von {} und mir. ", "Und dann {}. ", "Es war {} für uns. "),
    "": ("{} ",) * 4,
}
CONFIG = """
[engine]
enabled = false
[talk]
undo_seconds = 0
[people]
sign_in_tries = 1000
[log]
level = "debug"
[providers.script]
base_url = "{base_url}"
key_env = "SCRIPT_KEY"
models = ["tell-1", "slow-1"]
"""


class Teller:
    """The upstream: says what it was told to, at once or without an end."""

    def __init__(self) -> None:
        self.text = self.slow = "nothing"

    def scripts(self) -> dict:
        return {"tell-1": self._tell, "slow-1": self._slow}

    async def _tell(self, call: Call) -> None:
        await scripts.answer(self.text, tokens=4)(call)

    async def _slow(self, call: Call) -> None:
        words = self.slow.split(" ")
        await call.begin_stream()
        for turn in itertools.count():
            await call.event(scripts.chunk(call, {"content": words[turn % len(words)] + " "}))
            await asyncio.sleep(0.05)


class Words:
    """Texts with a new canary in each script; to be erased, or to stay."""

    def __init__(self, maker: Maker, prefix: str = ""):
        self.maker, self.prefix = maker, prefix
        self.canaries: list[Canary] = []

    def text(self, place: str, language: str = "en", of: tuple[str, ...] = SCRIPTS) -> str:
        made = [self.maker.make(self.prefix + place, script) for script in of]
        self.canaries += made
        return "".join(form.format(one.written(language)) for form, one in zip(SENTENCES[language], made, strict=False)).strip()

    def bare(self, place: str, of: tuple[str, ...] = SCRIPTS) -> str:
        """Words alone: a name, a title."""
        return self.text(place, "", of)


class Stage:
    """One server, the people on it, and all that they made."""

    def __init__(self, steward: Steward, teller: Teller, seed: int):
        self.steward, self.teller = steward, teller
        maker = Maker(seed)
        self.doomed, self.kept = Words(maker), Words(maker)
        self.things: dict[str, list[str]] = defaultdict(list)
        self.items: dict[str, str] = {}  # one of each conversation
        self.answers: dict[str, str] = {}  # the last of each
        self.links: list[str] = []
        self.erasing: list[Callable[[], object]] = []
        self.slow: list[tuple[str, str]] = []  # answers that are under way: conversation, message
        self.owner = owner_of(steward)
        self.ana, self.bo = invited(self.owner, "Ana"), invited(self.owner, "Bo")
        self.key = self.ana.call("POST", "/v1/me/keys", {"name": "plain"})["secret"]
        self.keeping = self.ana.call("POST", "/v1/me/keys", {"name": "keeps", "content": "30d"})["secret"]
        self._numbers = itertools.count(1)

    # --- the parts ----------------------------------------------------------------------------------------------------------------
    def by_key(self, method: str, path: str, body: object = None, key: str = "", **more: object) -> httpx.Response:
        headers = {"authorization": f"Bearer {key or self.key}"} | more.pop("headers", {})
        answer = httpx.request(method, self.steward.url + path, headers=headers, json=body, timeout=60, **more)
        assert answer.status_code < 300, f"{method} {path} answered {answer.status_code}: {answer.text[:300]}"
        return answer

    def once(self) -> dict[str, str]:
        return {"idempotency-key": f"once-{next(self._numbers)}"}

    def new(self, **body: object) -> str:
        made = self.ana.call("POST", "/v1/conversations", body)["id"]
        self.things["conversation"].append(made)
        return made

    def say(self, talk: str, text: str, **more: object) -> dict:
        headers = more.pop("headers", {})
        answer = self.ana.ask("POST", f"/v1/conversations/{talk}/messages", {"text": text, "model": "tell-1"} | more, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def asked(self, talk: str, text: str, answer: str, **more: object) -> dict:
        """Said, and answered with these words: the answer."""
        self.teller.text = answer
        return self.ended(talk, self.say(talk, text, **more)["answer"]["id"])

    def ended(self, talk: str, message: str) -> dict:
        self.answers[talk] = message

        def look() -> dict | None:
            rows = self.ana.ask("GET", f"/v1/conversations/{talk}/messages", params={"at": message, "limit": 1}).json()["data"]
            return next((one for one in rows if one["id"] == message and one["status"] not in ("queued", "in_progress")), None)

        return until(look, "an answer's end")

    def attach(self, name: str, content: bytes) -> str:
        answer = self.ana.ask("POST", "/v1/attachments", content=content, params={"name": name}, headers=self.once())
        assert answer.status_code == 201, answer.text
        made = answer.json()["id"]
        self.things["attachment"].append(made)
        until(lambda: self.ana.call("GET", f"/v1/attachments/{made}")["state"] != "reading", "a file's reading")
        return made

    def erase_records(self, **what: object) -> None:
        self.owner.call("POST", "/admin/v1/journal/erase", what)

    def stop_slow(self) -> None:
        for talk, answer in self.slow:
            self.ana.call("POST", f"/v1/conversations/{talk}/messages/{answer}/stop", {})
        self.slow.clear()

    # --- what is planted ----------------------------------------------------------------------------------------------------------
    def plant(self) -> None:
        for words, erases in ((self.doomed, True), (self.kept, False)):
            for group in (self.conversation, self.small_conversation, self.project, self.response, self.by_the_api, self.calls, self.files, self.person):
                erase = group(words)
                if erases:
                    self.erasing.append(erase)
        for group in (self.words_alone, self.taken_back, self.never_sent):
            if erase := group():
                self.erasing.append(erase)
        time.sleep(STEP_S)  # the answers under way are kept in steps by now

    def conversation(self, words: Words) -> Callable[[], object]:
        """Of everything in it; deleted with its time to take that back, which is 0 here."""
        talk = self.new(
            title=words.bare("title"),
            folder=words.bare("folder", ("latin", "chinese")),
            metadata={"note": words.text("metadata")},
            items=[{"type": "message", "role": "developer", "content": words.text("first item")}],
        )
        self._answers_under_way(talk, words)
        first = self.asked(talk, words.text("message"), words.text("answer"), parent=None)
        self.asked(talk, words.text("edited", "de"), words.text("another answer", "de"), parent=None)
        self.teller.text = words.text("asked again")
        retried = self.ana.call("POST", f"/v1/conversations/{talk}/messages/{first['id']}/retry", {"model": "tell-1"})["answer"]["id"]
        self.ended(talk, retried)
        self.asked(talk, "And?", "Nothing.", instructions=words.text("instructions of its own"))
        far = "And so on, as every day. " * 200
        self.say(talk, words.text("begins a long one") + far + words.text("ends a long one"), answer=False)
        self.say(talk, words.text("begins a large one") + "more " * (LARGE // 5) + words.text("ends a large one"), answer=False)
        last = self.say(talk, words.text("beside files"), answer=False, attachments=self._attachments(words))["message"]["id"]
        self.say(talk, words.text("said once"), answer=False, headers=self.once())
        self._share(talk, last)
        self._responses_in(talk, words)
        return lambda: self.ana.call("POST", f"/v1/conversations/{talk}/delete", {})

    def _answers_under_way(self, talk: str, words: Words) -> None:
        self.teller.slow = words.bare("under way", ("latin", "chinese"))
        slow = self.say(talk, words.text("asks a slow one"), model="slow-1", parent=None)["answer"]["id"]
        self.say(talk, words.text("waits"), parent=slow)
        if words is self.kept:
            self.slow.append((talk, slow))

    def _attachments(self, words: Words) -> list[str]:
        body = f"<d><p><t>{words.text('office file')}</t></p></d>".encode()
        page = pdf(
            {
                1: CATALOG,
                2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
                3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
                4: stream(b"BT /F 12 Tf 40 700 Td (" + words.bare("PDF", ("latin",)).encode() + b") Tj ET"),
                5: FONT,
            }
        )
        return [
            self.attach(words.bare("name of a file") + ".txt", words.text("text file").encode()),
            self.attach("plan.docx", office("docx", body)),
            self.attach("plan.pdf", page),
        ]

    def _share(self, talk: str, to: str) -> None:
        self.ana.call("POST", f"/v1/conversations/{talk}/shares", {"with": self.bo.person["id"], "to": to})
        link = self.ana.call("POST", f"/v1/conversations/{talk}/shares", {"with": "link", "to": to})
        self.links.append(link["url"].split("#")[1])

    def _responses_in(self, talk: str, words: Words) -> None:
        self.teller.text = words.text("response in a conversation")
        body = {"model": "tell-1", "input": words.text("input in a conversation"), "instructions": words.text("instructions of a response")}
        made = self.ana.ask("POST", "/v1/responses", body | {"conversation": talk, "store": True, "max_output_tokens": 60}, headers=self.once())
        self.things["response"].append(made.json()["id"])
        item = {"type": "message", "role": "user", "content": words.text("item")}
        added = self.ana.ask("POST", f"/v1/conversations/{talk}/items", {"items": [item]}, headers=self.once())
        self.items[talk] = added.json()["data"][0]["id"]

    def small_conversation(self, words: Words) -> Callable[[], object]:
        """Erased at once, without a way back; its title is made of what was said."""
        talk = self.new(items=[])
        self.asked(talk, words.text("small, message"), words.text("small, answer"), headers=self.once())
        file = self.attach(words.bare("small, name of a file") + ".txt", words.text("small, file", "de").encode())
        self.asked(talk, words.text("small, beside a file", "de"), words.text("small, another answer", "de"), attachments=[file])
        self.ana.call("POST", f"/v1/conversations/{talk}", {"title": words.bare("small, written title")})
        return lambda: self.ana.call("DELETE", f"/v1/conversations/{talk}")

    def project(self, words: Words) -> Callable[[], object]:
        made = self.ana.ask("POST", "/v1/projects", {"name": words.bare("project's name"), "instructions": words.text("project's instructions")}, headers=self.once()).json()
        self.things["project"].append(made["id"])
        path = f"/v1/projects/{made['id']}"
        self.ana.call("POST", path, {"name": words.bare("project's later name"), "instructions": words.text("project's later instructions")})
        self.asked(self.new(project=made["id"]), "What is it about?", "About something.")
        return lambda: self.ana.call("DELETE", path)

    def response(self, words: Words) -> Callable[[], object]:
        ids = []
        for how in ({}, {"background": True, "stream": True}):
            kind = "background response, " if how else "response, "
            self.teller.text = words.text(kind + "output")
            body = {"model": "tell-1", "input": words.text(kind + "input"), "instructions": words.text(kind + "instructions"), "metadata": {"m": words.text(kind + "metadata")}}
            answer = self.by_key("POST", "/v1/responses", body | {"store": True, "max_output_tokens": 60} | how, headers=self.once())
            ids.append(response_id(answer))
            until(lambda one=ids[-1]: self.by_key("GET", f"/v1/responses/{one}").json()["status"] == "completed", "a response's end")
        self.things["response"] += ids
        return lambda: [self.by_key("DELETE", f"/v1/responses/{one}") for one in ids]

    def by_the_api(self, words: Words) -> Callable[[], object]:
        """A conversation that a program keeps."""
        items = [{"type": "message", "role": role, "content": words.text(f"by the API, {role}")} for role in ("user", "assistant")]
        made = self.by_key("POST", "/v1/conversations", {"metadata": {"m": words.text("by the API, metadata")}, "items": items}, headers=self.once()).json()["id"]
        self.things["conversation"].append(made)
        return lambda: self.by_key("DELETE", f"/v1/conversations/{made}")

    def calls(self, words: Words) -> Callable[[], object]:
        """Of a key that keeps content, and under an Idempotency-Key; each whole and streamed."""
        ids = []
        for key, headers in ((self.keeping, {}), (self.key, None)):
            for streamed in (False, True):
                kind = ("kept" if key == self.keeping else "repeatable") + (" stream, " if streamed else " call, ")
                self.teller.text = words.text(kind + "answer")
                # Only a key that keeps content keeps the question too.
                question = words.text(kind + "question") if key == self.keeping else "And?"
                body = {"model": "tell-1", "messages": [{"role": "user", "content": question}], "max_tokens": 60, "stream": streamed}
                answer = self.by_key("POST", "/v1/chat/completions", body, key, headers=self.once() if headers is None else headers)
                ids.append(answer.headers["x-steward-call"])
        self.things["call"] += ids
        return lambda: [self.erase_records(records=[one]) for one in ids]

    def files(self, words: Words) -> Callable[[], object]:
        line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "tell-1", "messages": [{"role": "user", "content": words.text("line of a batch")}], "max_tokens": 60}}
        name = words.bare("name of an uploaded file", ("latin",)) + ".jsonl"
        self.teller.text = words.text("answer of a batch")
        sent = self.by_key("POST", "/v1/files", data={"purpose": "batch"}, files={"file": (name, json.dumps(line, ensure_ascii=False).encode())}).json()["id"]
        batch = self.by_key("POST", "/v1/batches", {"input_file_id": sent, "endpoint": "/v1/chat/completions", "completion_window": "24h"}).json()["id"]
        done = until(lambda: (now := self.by_key("GET", f"/v1/batches/{batch}").json())["status"] == "completed" and now, "a batch's end")
        self.things["batch"].append(batch)
        ids = [sent, done["output_file_id"]]
        self.things["file"] += ids
        return lambda: [self.by_key("DELETE", f"/v1/files/{one}") for one in ids]

    def person(self, words: Words) -> Callable[[], object]:
        two = ("latin", "chinese")
        asked = {"name": words.bare("invited as", two), "email": words.bare("address", ("latin",)) + "@example.org"}
        made = self.owner.call("POST", "/admin/v1/invitations", asked)
        browser = Browser(self.steward).enter(made["link"])
        browser.call("PATCH", "/v1/me", {"name": words.bare("named", two)})
        browser.call("PATCH", "/v1/me/settings", {"values": {"ui.note": words.text("setting")}})
        self.things["person"].append(browser.person["id"])
        browser.http.close()
        return lambda: self.owner.call("POST", f"/admin/v1/people/{browser.person['id']}/erase", {})

    # --- where what is erased and what stays lie beside each other ------------------------------------------------------------------
    def words_alone(self) -> Callable[[], object]:
        """Of a conversation some words; what is said around them stays."""
        talk, doomed = self.new(title="A talk"), self.doomed
        self.asked(talk, self.kept.text("before erased words"), self.kept.text("answer before erased words"))
        answer = self.asked(talk, doomed.text("words of a question"), doomed.text("words of an answer"))
        item = {"type": "message", "role": "user", "content": doomed.text("words of an item")}
        added = self.ana.call("POST", f"/v1/conversations/{talk}/items", {"items": [item]})["data"][0]["id"]
        self.asked(talk, self.kept.text("after erased words"), self.kept.text("answer after erased words"))
        self.items[talk] = added
        untitled = self.new()
        first = self.asked(untitled, doomed.text("words that made a title"), self.kept.text("answer beside a title"))["parent"]
        doomed_items = [(talk, answer["parent"]), (talk, answer["id"]), (talk, added), (untitled, first)]
        return lambda: [self.ana.call("DELETE", f"/v1/conversations/{place}/items/{one}") for place, one in doomed_items]

    def taken_back(self) -> Callable[[], object]:
        talk = self.new(title="Another talk")
        self.teller.slow = "on and on"
        slow = self.say(talk, self.kept.text("before what is taken back"), model="slow-1")["answer"]["id"]
        waits = self.say(talk, self.doomed.text("taken back"), headers=self.once())["message"]["id"]
        self.slow.append((talk, slow))
        return lambda: self.ana.call("POST", f"/v1/conversations/{talk}/messages/{waits}/stop", {})

    def never_sent(self) -> Callable[[], object]:
        made = self.attach(self.doomed.bare("name of an unsent file") + ".txt", self.doomed.text("unsent file").encode())
        return lambda: self.ana.call("DELETE", f"/v1/attachments/{made}")


def response_id(answer: httpx.Response) -> str:
    """Of a whole response, or of the first event of a streamed one."""
    if answer.headers["content-type"].startswith("application/json"):
        return answer.json()["id"]
    first = next(line for line in answer.text.splitlines() if line.startswith("data: "))
    return json.loads(first[6:])["response"]["id"]


def until(look: Callable[[], object], what: str, seconds: float = ENDS_S):
    end = time.monotonic() + seconds
    while not (value := look()):
        assert time.monotonic() < end, f"{what} did not come within {seconds} s"
        time.sleep(0.02)
    return value
