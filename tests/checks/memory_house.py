"""Who lives in `memory-isolation`, what each has said, and who may read which of it as things are shared and taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

from tests.checks.erase_life import until
from tests.harness.admin import Admin
from tests.harness.people import Browser, invited, owner_of
from tests.harness.provider import Provider
from tests.harness.steward import Steward
from tests.judges.canaries import Maker

CONFIG = """
[engine]
enabled = false
[talk]
undo_seconds = 3600
[people]
sign_in_tries = 1000
[providers.script]
base_url = "{base_url}"
key_env = "SCRIPT_KEY"
models = ["good-1"]
"""
NAMES = ("Anna", "Bo", "Cy", "Gu")  # the owner, two members, a guest
COMMON = "We talked about the harbour, the bread and the old boat. "  # in what everybody says
MANY, LONG = 8, 250_000  # of messages that fill the index with one word, and their bytes
ASKED_ALONE = ("the old boat", "What did we say about bread?", "harbour", "latest about the boat", "somebody's bread and boat")


@dataclass
class Said:
    """Something with a word of its own."""

    word: str
    of: str
    conversation: str = ""
    message: str = ""
    readers: set[str] = field(default_factory=set)
    kind: str = "message"  # or title, file, answer's name …: what only Talk's search finds


class House:
    def __init__(self, steward: Steward, seed: int):
        self.steward, self.maker = steward, Maker(seed)
        owner = owner_of(steward)
        self.people: dict[str, Browser] = {"Anna": owner} | {name: invited(owner, name) for name in NAMES[1:]}
        self.di = invited(owner, "Di")
        with Admin(steward) as admin:
            make = lambda name, **fields: admin.new_key(f"of {name}", owner=self.id_of(name), **fields)["secret"]
            self.keys = {name: make(name, endpoints=["memory"]) for name in NAMES}
            self.plain = {name: make(name) for name in NAMES}
            self.di_key = admin.new_key("of Di", owner=self.di.person["id"], endpoints=["memory"])["secret"]
        self.team = owner.call("POST", "/admin/v1/principals", {"kind": "team", "name": "rowers"})["id"]
        self.said: list[Said] = []
        self.passages = dict.fromkeys(NAMES, 0)  # of their own, that stand
        self.lent = dict.fromkeys(NAMES, 0)  # of others, that are shared with them now
        self.listed = dict.fromkeys(NAMES, 0)  # conversations in their list
        self.ids: dict[str, dict[str, str]] = {name: {} for name in NAMES}
        self.filler = ""
        self.removed: list[dict] = []  # what somebody saw who was removed
        for text in range(6):
            self.say("Bo", self.begin("Bo"), COMMON + f"Bread number {text}. ", "alone")

    def id_of(self, name: str) -> str:
        return self.people[name].person["id"]

    # --- saying -------------------------------------------------------------------------------------------------------------------
    def begin(self, name: str, **body: object) -> str:
        self.listed[name] += 1
        return self.people[name].call("POST", "/v1/conversations", body)["id"]

    def say(self, name: str, talk: str, text: str, kind: str = "message", **more: object) -> Said:
        word = self.maker.make(kind, "latin").root
        body = {"text": f"{text}{word} it was.", "answer": False} | more
        message = self.people[name].call("POST", f"/v1/conversations/{talk}/messages", body)["message"]["id"]
        self.passages[name] += 1
        self.said.append(Said(word, name, talk, message, {name}))
        return self.said[-1]

    def furnish_others(self) -> None:
        """Everybody but Bo says and keeps one of everything; Gu as a member still."""
        for name in NAMES:
            if name != "Bo":
                self._furnish(name)
        self._fill("Cy")
        self.people["Anna"].call("PATCH", f"/admin/v1/people/{self.id_of('Gu')}", {"role": "guest"})
        self.people["Gu"].person["role"] = "guest"

    def furnish_own(self) -> None:
        bo = self.people["Bo"]
        self._furnish("Bo")
        talk = self.begin("Bo")
        bo.call("POST", f"/v1/conversations/{talk}/messages", {"text": COMMON, "model": "good-1"})
        until(lambda: bo.call("GET", f"/v1/conversations/{talk}/messages")["data"][-1]["status"] == "completed", "an answer")
        self.passages["Bo"] += 2

    def _furnish(self, name: str) -> None:
        person, ids = self.people[name], self.ids[name]
        title, file_name, inside, project = (self.maker.make(what, "latin").root for what in ("title", "name", "file", "project"))
        ids["project"] = person.call("POST", "/v1/projects", {"name": project, "instructions": f"About {project}."})["id"]
        talk = self.begin(name, title=f"On {title}", project=ids["project"], folder=f"of {name}")
        file = person.ask("POST", "/v1/attachments", content=f"In the file is {inside}.".encode(), params={"name": f"{file_name}.txt"})
        ids["attachment"] = file.json()["id"]
        first = self.say(name, talk, COMMON * 3, attachments=[ids["attachment"]])
        self.say(name, talk, COMMON)
        self.say(name, talk, "我们谈到了海港和旧船。", kind="chinese")
        ids |= {"conversation": talk, "message": first.message}
        for word, kind in ((title, "title"), (file_name, "file"), (inside, "file")):
            self.said.append(Said(word, name, talk, first.message, {name}, kind))
        response = person.call("POST", "/v1/responses", {"model": "good-1", "input": COMMON, "store": True, "max_output_tokens": 8})
        ids["response"] = response["id"]

    def _fill(self, name: str) -> None:
        """One word in some thousand passages of one person."""
        self.filler = self.maker.make("filler", "latin").root
        talk, text = self.begin(name), f"{self.filler} stood there again and again, as on every other day of that year. "
        for _ in range(MANY):
            self.people[name].call("POST", f"/v1/conversations/{talk}/messages", {"text": text * (LONG // len(text)), "answer": False})
        self.passages[name] = -1  # from here on not counted by hand

    # --- sharing, and its end ------------------------------------------------------------------------------------------------------
    def steps(self) -> Iterator[str]:
        """Each changes who may read what; whoever follows looks after each."""
        bo, anna = self.people["Bo"], self.people["Anna"]
        talk = self.begin("Bo")
        one = self.say("Bo", talk, "The first of it: ")
        two = self.say("Bo", talk, "The second of it: ")
        below = self.say("Bo", talk, "Below what is shared: ")
        aside = self.say("Bo", talk, "On another branch: ", parent=one.message)
        bo.call("POST", f"/v1/conversations/{talk}", {"current": below.message})
        path = (one, two)
        yield "said, not shared"
        share = bo.call("POST", f"/v1/conversations/{talk}/shares", {"with": self.id_of("Cy"), "to": two.message})
        self._lend(path, "Cy", 1)
        yield "shared with one, down to a message"
        bo.call("DELETE", f"/v1/conversations/{talk}/shares/{share['id']}")
        self._lend(path, "Cy", -1)
        yield "taken back"
        for name in ("Cy", "Gu"):
            anna.call("PUT", f"/admin/v1/principals/{self.team}/members/{self.id_of(name)}")
        bo.call("POST", f"/v1/conversations/{talk}/shares", {"with": self.team, "to": two.message})
        self._lend(path, "Cy", 1), self._lend(path, "Gu", 1)
        yield "shared with a team"
        anna.call("DELETE", f"/admin/v1/principals/{self.team}/members/{self.id_of('Gu')}")
        self._lend(path, "Gu", -1)
        yield "one left the team"
        bo.call("POST", f"/v1/conversations/{talk}/delete", {})
        self._lend(path, "Cy", -1)
        gone = (one, two, below, aside)
        self._hide(gone, "Bo")
        yield "deleted"
        bo.call("POST", f"/v1/conversations/{talk}/restore", {})
        for said in gone:
            said.readers.add("Bo")
        self.passages["Bo"] += len(gone)
        self.listed["Bo"] += 1
        self._lend(path, "Cy", 1)
        yield "given back"
        self._somebody_who_is_removed(talk, one)
        bo.call("DELETE", f"/v1/conversations/{talk}/items/{two.message}")
        two.readers.clear()
        self.passages["Bo"] -= 1
        self.lent["Cy"] -= 1
        yield "words of it erased"
        bo.call("DELETE", f"/v1/conversations/{talk}")
        self._lend((one,), "Cy", -1)
        self._hide((one, below, aside), "Bo")
        yield "erased"

    def _somebody_who_is_removed(self, talk: str, shared: Said) -> None:
        """Di reads what is shared until she is disabled, and is in no list of readers once she is erased."""
        bo, anna, person = self.people["Bo"], self.people["Anna"], self.di.person["id"]
        bo.call("POST", f"/v1/conversations/{talk}/shares", {"with": person, "to": shared.message})
        for may in (True, False):
            step = "shared with Di" if may else "Di is disabled"
            told = {
                "memory": self.di.ask("POST", "/v1/memory/search", {"query": shared.word}).text,
                "search": self.di.ask("GET", "/v1/search", params={"q": shared.word}).text,
                "its conversation": self.di.ask("GET", f"/v1/conversations/{talk}/messages").text,
                "memory, by key": self.steward_asked(self.di_key, shared.word),
            }
            self.removed += [{"who": "Di", "step": step, "kind": "word", "way": way, "what": "what is shared", "may": may, "seen": shared.word in text} for way, text in told.items()]
            if may:
                anna.call("PATCH", f"/admin/v1/people/{person}", {"disabled": True})
        anna.call("POST", f"/admin/v1/people/{person}/erase", {})
        listed = bo.ask("GET", f"/v1/conversations/{talk}/shares").text
        self.removed.append({"who": "Bo", "step": "Di is erased", "kind": "word", "way": "shares", "what": "her id", "may": False, "seen": person in listed})

    def steward_asked(self, key: str, query: str) -> str:
        return httpx.post(self.steward.url + "/v1/memory/search", json={"query": query}, headers={"authorization": f"Bearer {key}"}, timeout=30).text

    def _lend(self, path: tuple[Said, ...], to: str, how: int) -> None:
        for said in path:
            (said.readers.add if how > 0 else said.readers.discard)(to)
        self.lent[to] += how * len(path)
        self.listed[to] += how

    def _hide(self, some: tuple[Said, ...], name: str) -> None:
        for said in some:
            said.readers.discard(name)
        self.passages[name] -= len(some)
        self.listed[name] -= 1

    # --- what was told to models ----------------------------------------------------------------------------------------------------
    def others_words_upstream(self, provider: Provider) -> list[str]:
        """Bo alone was answered in Talk, about what everybody talks of: a model was told nothing that others said."""
        told = json.dumps([one.body for one in provider.seen], ensure_ascii=False)
        return [said.word for said in self.said if said.of != "Bo" and said.word in told]
