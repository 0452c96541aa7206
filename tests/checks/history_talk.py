"""Random histories of Talk: several people who say, edit, retry, stop, go on, place, attach, share, delete and erase; and models fetched."""

from __future__ import annotations

import http.server
import random
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from tests.harness.admin import Admin
from tests.harness.people import Browser
from tests.harness.steward import Steward

UNDO_S = 2  # talk.undo_seconds in the configuration
STEP_S = 3  # an answer under way so long has a step in the journal (src/talk/steps.h keeps one every 2 s)
TEXTS = ("plain", "Zürich, and more of it", "日本語の問い", "كتاب", "quote ' \" \\ end", "line\nfeed", "😀 smiles", "x" * 5_000)
TITLES = ("a title", "标题", "e\u0301 combining", "")
FOLDERS = ("letters", "Ordner", "")
FILES = ((b"Oak, 12 boards", "list.txt"), ("表格".encode() * 40, "表.txt"), (b"name,price\noak,12\n", "prices.csv"), (b"\x00\x01\x02 no text", "bytes.bin"))
ENDS_S = 20


@dataclass
class Chat:
    """A conversation, and what is known to stand in it."""

    id: str
    of: Browser
    questions: list[dict] = field(default_factory=list)  # {id, parent}
    answers: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/v1/conversations/{self.id}"


class Talkers:
    """Acts as three people with a browser each, on a seed. They outlive a restart: their sessions do."""

    def __init__(self, steward: Steward, rng: random.Random, shelf: str):
        self.steward, self.rng, self.shelf = steward, rng, shelf
        self.people: list[Browser] = []
        self.chats: list[Chat] = []
        self.left_open: Chat | None = None
        self.made = 0

    def enter(self, admin: Admin, teams: list[str]) -> None:
        self.teams = teams
        for name in ("Ana", "Bo", "志明"):
            link = admin.call("POST", "/invitations", {"name": f"{name} talks", "teams": [self.rng.choice(teams)], "role": "member"})["link"]
            self.people.append(Browser(self.steward).enter(link))
        for person in self.people:
            self._say(self._begin(person))

    def close(self) -> None:
        for person in self.people:
            person.http.close()

    def leave_open(self) -> None:
        """An answer that is under way when the process dies, long enough that a step of it is kept; the next one goes on with it."""
        self.left_open = chat = self._begin(self.people[0])
        self._say(chat, model="endless-1", ends=False)
        time.sleep(STEP_S)

    def actions(self, admin: Admin) -> list[Callable[[], None]]:
        def with_admin(action: Callable[[Admin], None]) -> Callable[[], None]:
            return lambda: action(admin)

        alone = [
            self.begin, self.say, self.edit, self.retry, self.stop_and_go_on, self.long_answer, self.take_back, self.place, self.metadata, self.choose, self.project, self.attach,
            self.attach_and_remove, self.share, self.item, self.erase_words, self.delete_and_restore, self.delete, self.erase,
        ]  # fmt: skip
        return [*alone, *map(with_admin, (self.share_with_somebody_erased, self.erase_stream, self.pull_in_vain))]

    # --- what they do -------------------------------------------------------------------------------------------------------------
    def begin(self) -> None:
        self._say(self._begin(self.rng.choice(self.people)))

    def say(self) -> None:
        self._say(self._chat())

    def edit(self) -> None:
        chat = self._chat()
        self._say(chat, parent=self.rng.choice(chat.questions)["parent"])

    def retry(self) -> None:
        chat = self._chat()
        to = self.rng.choice([*chat.answers, *(one["id"] for one in chat.questions)])
        model = self.rng.choice(("good-1", "good-1", "dies-1", "broken-1"))
        made = chat.of.call("POST", f"{chat.path}/messages/{to}/retry", {"model": model})["answer"]["id"]
        self._ended(chat, made)
        chat.answers.append(made)

    def stop_and_go_on(self) -> None:
        chat = self._chat()
        answer = self._say(chat, model="endless-1", ends=False)
        for verb in self.rng.choice((("stop",), ("stop", "continue", "stop"))):
            if verb == "stop":
                time.sleep(self.rng.choice((0, 0.05, 0.1)))
            chat.of.call("POST", f"{chat.path}/messages/{answer}/{verb}", {})
        self._ended(chat, answer)

    def long_answer(self) -> None:
        """One that was kept step by step; it is stopped, or goes with its conversation."""
        chat = self._chat(leaves=self.rng.random() < 0.5)
        answer = self._say(chat, model="endless-1", ends=False)
        time.sleep(STEP_S)
        if chat in self.chats:
            chat.of.call("POST", f"{chat.path}/messages/{answer}/stop", {})
        else:
            chat.of.call("DELETE", chat.path)

    def take_back(self) -> None:
        """Below an answer under way two wait: one is taken back before its turn, the other is answered."""
        chat = self._chat()
        answer = self._say(chat, model="endless-1", ends=False)
        waiting = [chat.of.call("POST", f"{chat.path}/messages", {"text": self.rng.choice(TEXTS), "model": "good-1"}) for _ in range(2)]
        gone, stays = waiting if self.rng.random() < 0.5 else waiting[::-1]
        taken = chat.of.call("POST", f"{chat.path}/messages/{gone['message']['id']}/stop", {})["message"]
        if taken is None:  # its turn had come: a stopped budget lets no answer take long
            assert self._row(chat, answer)["status"] == "failed"
            return
        assert taken["status"] == "taken_back", taken
        chat.of.call("POST", f"{chat.path}/messages/{answer}/stop", {})
        self._ended(chat, stays["answer"]["id"])

    def place(self) -> None:
        chat, pick = self._chat(), self.rng.choice
        every = {"title": pick(TITLES), "pinned": pick((True, False)), "archived": pick((True, False)), "folder": pick(FOLDERS)}
        names = self.rng.sample(sorted(every), self.rng.randint(1, len(every)))
        chat.of.call("POST", chat.path, {name: every[name] for name in names})

    def metadata(self) -> None:
        chat = self._chat()
        chat.of.call("POST", chat.path, {"metadata": {"for": self.rng.choice(TEXTS[:4])}})

    def choose(self) -> None:
        chat = self._chat()
        chat.of.call("POST", chat.path, {"current": self.rng.choice(chat.answers)})

    def project(self) -> None:
        """Two projects; one of them goes, the conversations that were in it stay."""
        chat = self._chat()
        made = [chat.of.call("POST", "/v1/projects", {"name": f"project {self.rng.choice(TEXTS[:4])}", "instructions": self.rng.choice(TEXTS)})["id"] for _ in range(2)]
        chat.of.call("POST", chat.path, {"project": self.rng.choice(made)})
        chat.of.call("POST", f"/v1/projects/{made[0]}", {"name": "renamed", "model": self.rng.choice(("good-1", ""))})
        self._say(chat)
        chat.of.call("DELETE", f"/v1/projects/{self.rng.choice(made)}")

    def attach(self) -> None:
        """Sent while it is being read, or after."""
        chat = self._chat()
        file = self._file(chat.of)
        if self.rng.random() < 0.7:
            self._read(chat.of, file)
        self._say(chat, attachments=[file])
        self._read(chat.of, file)
        if self.rng.random() < 0.3:  # the edited message carries it too
            self._say(chat, parent=chat.questions[-1]["parent"], attachments=[file])

    def attach_and_remove(self) -> None:
        person = self.rng.choice(self.people)
        file = self._file(person)
        if self.rng.random() < 0.5:
            self._read(person, file)
        person.call("DELETE", f"/v1/attachments/{file}")

    def share(self) -> None:
        chat = self._chat()
        others = [one.person["id"] for one in self.people if one is not chat.of]
        made = chat.of.call("POST", f"{chat.path}/shares", {"with": self.rng.choice(("link", *others, *self.teams)), "to": self.rng.choice(chat.answers)})
        if self.rng.random() < 0.5:
            chat.of.call("DELETE", f"{chat.path}/shares/{made['id']}")

    def item(self) -> None:
        """What a program adds beside what people say."""
        chat = self._chat()
        given = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": self.rng.choice(TEXTS)}]}
        added = chat.of.call("POST", f"{chat.path}/items", {"items": [given]})["data"][0]["id"]
        if self.rng.random() < 0.5:
            chat.of.call("DELETE", f"{chat.path}/items/{added}")

    def erase_words(self) -> None:
        """Of a message its words; the tree stands."""
        chat = self._begin(self.rng.choice(self.people))
        self._say(chat)
        answered = self._row(chat, chat.answers[0])["status"] == "completed"  # else it has no words
        of_answer = answered and self.rng.random() < 0.5
        chat.of.call("DELETE", f"{chat.path}/items/{chat.answers[0] if of_answer else chat.questions[0]['id']}")
        self.chats.remove(chat)  # what is not there can't be asked again

    def delete_and_restore(self) -> None:
        chat = self._chat()
        began = time.monotonic()
        chat.of.call("POST", f"{chat.path}/delete", {})
        answer = chat.of.ask("POST", f"{chat.path}/restore", {})
        if answer.status_code == 404 and time.monotonic() - began >= UNDO_S:
            self.chats.remove(chat)  # too late, on a slow machine
            return
        assert answer.status_code == 200, answer.text

    def delete(self) -> None:
        """It is erased by a job once the undo time has passed; at times with an answer under way."""
        chat = self._chat(leaves=True)
        if self.rng.random() < 0.3:
            self._say(chat, model="endless-1", ends=False)
        chat.of.call("POST", f"{chat.path}/delete", {})

    def erase(self) -> None:
        chat = self._chat(leaves=True)
        if self.rng.random() < 0.3:
            self._say(chat, model="endless-1", ends=False)
        chat.of.call("DELETE", chat.path)

    # --- what an administrator does -----------------------------------------------------------------------------------------------
    def share_with_somebody_erased(self, admin: Admin) -> None:
        chat = self._chat()
        self.made += 1
        with Browser(self.steward) as guest:
            guest.enter(admin.call("POST", "/invitations", {"name": f"passes {self.made}"})["link"])
            reader = guest.person["id"]
            made = [chat.of.call("POST", f"{chat.path}/shares", {"with": reader})["id"] for _ in range(2)]
            guest.call("GET", chat.path)
            chat.of.call("DELETE", f"{chat.path}/shares/{made[0]}")
        admin.call("POST", f"/people/{reader}/erase", {})

    def erase_stream(self, admin: Admin) -> None:
        """All records of a conversation, over the administrators' API: its files stay."""
        chat = self._chat(leaves=True)
        file = self._file(chat.of)
        self._say(chat, attachments=[file])
        admin.call("POST", "/journal/erase", {"stream": f"conversation/{chat.id}"})
        self._read(chat.of, file)
        if self.rng.random() < 0.5:
            self._say(self._chat(chat.of), attachments=[file])

    def pull_in_vain(self, admin: Admin) -> None:
        """A model that is not there fails; one that is refused is tried again later, unless somebody takes the job back."""
        self.made += 1
        for name, state in (("missing", "failed"), ("refused", "queued")):
            job = admin.call("POST", "/models", {"pull": f"{self.shelf}/{name}-{self.made}.gguf"})["id"]
            self._until(lambda job=job, state=state: (now := admin.call("GET", f"/jobs/{job}"))["state"] == state and now["error"], f"a pull that is {state}")
        admin.call("POST", f"/jobs/{job}/cancel", {})

    # --- the parts ----------------------------------------------------------------------------------------------------------------
    def _begin(self, person: Browser) -> Chat:
        chat = Chat(person.call("POST", "/v1/conversations", {"folder": self.rng.choice(FOLDERS)})["id"], person)
        self.chats = [*self.chats[-11:], chat]
        return chat

    def _chat(self, person: Browser | None = None, *, leaves: bool = False) -> Chat:
        """One with an answer, or a new one. `leaves`: it will be gone afterwards."""
        there = [one for one in self.chats if one.answers and one is not self.left_open and person in (None, one.of)]
        if there and not (leaves and self.rng.random() < 0.5):
            chat = self.rng.choice(there)
        else:
            chat = self._begin(person or self.rng.choice(self.people))
            self._say(chat)
        if leaves:
            self.chats.remove(chat)
        return chat

    def _say(self, chat: Chat, *, model: str = "good-1", ends: bool = True, **more: object) -> str:
        said = chat.of.call("POST", f"{chat.path}/messages", {"text": self.rng.choice(TEXTS), "model": model} | more)
        chat.questions.append({"id": said["message"]["id"], "parent": said["message"]["parent"]})
        answer = said["answer"]["id"]
        if ends:
            self._ended(chat, answer)
            chat.answers.append(answer)
        return answer

    def _ended(self, chat: Chat, answer: str) -> None:
        self._until(lambda: self._row(chat, answer)["status"] not in ("queued", "in_progress"), "an answer's end")

    @staticmethod
    def _row(chat: Chat, message: str) -> dict:
        rows = chat.of.ask("GET", f"{chat.path}/messages", params={"at": message, "limit": 200}).json()["data"]
        found = [one for one in rows if one["id"] == message]
        assert found, f"{message} is not on the path that leads to it"
        return found[0]

    def _file(self, person: Browser) -> str:
        content, name = self.rng.choice(FILES)
        answer = person.ask("POST", "/v1/attachments", content=content, params={"name": name})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def _read(self, person: Browser, file: str) -> None:
        self._until(lambda: person.call("GET", f"/v1/attachments/{file}")["state"] != "reading", "a file's reading")

    @staticmethod
    def _until(look: Callable[[], object], what: str) -> None:
        end = time.monotonic() + ENDS_S
        while not look():
            assert time.monotonic() < end, f"{what} did not come within {ENDS_S} s"
            time.sleep(0.01)

    def stop_what_was_left(self) -> None:
        """Taken up again after the start, it is stopped like any other."""
        if chat := self.left_open:
            answer = chat.of.call("GET", chat.path)["current"]

            def look() -> bool:
                told = chat.of.call("POST", f"{chat.path}/messages/{answer}/stop", {})["answer"]
                return told["status"] in ("stopped", "failed")  # failed: a budget was stopped meanwhile

            self.left_open = None
            self._until(look, "the end of an answer that was taken up")
            chat.answers.append(answer)


class Shelf(closing):
    """Where models might be: it refuses, or has none."""

    class _Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(403 if "refused" in self.path else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET

    def __init__(self) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        super().__init__(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
