"""talk: what a person feels of Talk in Debian's Chromium, in a conversation of 5,000 messages, and what it costs other people.

The upstream is scripted: it answers at 200 tokens a second by the clock and notes when each token left it, so that a token's way through
server, line and page ends at the frame that shows it. The peers are an empty page, for what this machine's frames are anyway, and, for the
other person, the same requests while nobody else is there. The streaming lasts as long as is asked for: 3600 is an hour.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.bench.report import Report, median, percentile
from tests.harness.browser import drive, said_last
from tests.harness.people import Browser, invited, owner_of
from tests.harness.provider import Call, Provider
from tests.harness.scripts import chunk, usage_of, wants_usage
from tests.harness.steward import Steward

MESSAGES, AT_ONCE = 5_000, 20
TOKENS_PER_S = 200
LOADS, FIRSTS = 7, 15
LOOK_S = 8  # of each look at an empty page, at scrolling and at typing
ANSWER_S = 30  # of one answer while streaming
LATE_MS = 20  # a screen has a step of 16.7 ms: a frame that comes after this has missed one
HUGE = 300, 120_000  # messages and bytes of each: 36 MB
ASKS = 60
MODEL = "paced"
CONFIG = """
[limits]
allow_inside = ["127.0.0.1"]

[people]
sign_in_pause_s = 3600

[engine]
enabled = false

[providers.script]
base_url = "{base_url}"
key_env = "SCRIPT_KEY"
models = ["{model}"]
"""
CODE = "```python\ndef planed(board: float) -> float:\n    return board * 0.93  # what the plane takes\n```"
TABLE = "| wood | metal | days |\n|---|---|---|\n| oak | brass | 4 |\n| walnut | copper | 6 |"


@dataclass
class Pace:
    """The upstream. What it says: "first3 …" to a question for a first token, else numbered words in paragraphs, lists and code."""

    firsts: list[float] = field(default_factory=list)  # wall-clock ms at which each first token left
    sent: list[dict[int, float]] = field(default_factory=list)  # of each streamed answer: token number → wall-clock ms

    async def answer(self, call: Call) -> None:
        said = said_last(call)
        await call.begin_stream()
        await call.event(chunk(call, {"role": "assistant", "content": ""}))
        if found := re.search(r"first token, try (\d+)", said):
            await asyncio.sleep(0.3)
            await call.event(chunk(call, {"content": f"first{found.group(1)} "}))
            self.firsts.append(time.time() * 1e3)
            await asyncio.sleep(0.3)
        elif found := re.search(r"stream \d+ for (\d+) s", said):
            await self._stream(call, int(found.group(1)) * TOKENS_PER_S)
        await call.event(chunk(call, {}, finish="stop"))
        if wants_usage(call):
            await call.event(chunk(call, None, usage=usage_of(7, 5)))
        await call.end_stream()

    async def _stream(self, call: Call, tokens: int) -> None:
        sent: dict[int, float] = {}
        self.sent.append(sent)
        began = time.perf_counter()
        for number in range(tokens):
            await asyncio.sleep(max(0.0, began + number / TOKENS_PER_S - time.perf_counter()))
            await call.event(chunk(call, {"content": _token(number)}))
            sent[number] = time.time() * 1e3


def _token(number: int) -> str:
    """Mostly words; every now and then what makes markdown work."""
    word = f"n{number} "
    match number % 240:
        case 40 | 120:
            return f"n{number}\n\n"
        case 60:
            return f"**n{number}** "
        case 130 | 135 | 140 | 145:
            return f"n{number}\n- "
        case 150:
            return f"n{number}\n\n## n{number} a heading\n\n"
        case 180:
            return f"n{number}\n\n```python\n"
        case 190 | 200 | 210:
            return f"n{number}\n"
        case 220:
            return f"n{number}\n```\n\n"
    return word


def run(duration_s: float) -> Report:
    pace = Pace()
    with Provider({MODEL: pace.answer}) as provider:
        config = CONFIG.format(base_url=provider.base_url, model=MODEL)
        with Steward(config, env={"SCRIPT_KEY": provider.key}) as steward:
            owner = owner_of(steward)
            beside = another_person(owner)
            print(f"a conversation of {MESSAGES:,} messages …", flush=True)
            conversation = long_conversation(owner)
            print(f"in the browser; streaming for {duration_s:.0f} s …", flush=True)
            job = {
                "url": steward.url, "state": state_of(owner), "conversation": conversation, "model": MODEL, "loads": LOADS, "firsts": FIRSTS,
                "first": "message 0.", "last": f"message {MESSAGES - 1}.", "look_ms": LOOK_S * 1000, "stream_ms": duration_s * 1000, "answer_ms": ANSWER_S * 1000,
            }
            found = drive("pace", job, deadline_s=duration_s * 1.5 + 400)
    if found["errors"]:
        raise RuntimeError("the page complained: " + "; ".join(found["errors"][:5]))
    return told(found, pace, beside, duration_s)


def state_of(person: Browser) -> dict:
    """As Playwright takes up a session."""
    cookies = [{"name": one.name, "value": one.value, "domain": "127.0.0.1", "path": "/", "httpOnly": True, "sameSite": "Strict", "secure": False, "expires": -1} for one in person.http.cookies.jar]
    return {"cookies": cookies, "origins": []}


def long_conversation(owner: Browser) -> str:
    talk = owner.call("POST", "/v1/conversations", {"title": "A long one"})["id"]
    items = [item(number) for number in range(MESSAGES)]
    for at in range(0, MESSAGES, AT_ONCE):
        owner.call("POST", f"/v1/conversations/{talk}/items", {"items": items[at : at + AT_ONCE]})
    wait_for(lambda: owner.call("GET", f"/v1/conversations/{talk}")["messages"] == MESSAGES)
    return talk


def item(number: int) -> dict:
    """A question, and an answer as models write them: paragraphs, lists, sometimes code or a table."""
    if number % 2 == 0:
        return {"type": "message", "role": "user", "content": f"This is message {number}. Which wood goes with which metal, and why?"}
    sentence = "Wood that is planed along the grain shines, and brass that is brushed does not. "
    parts = [f"This is message {number}. " + sentence * (2 + number % 5), f"- **oak**: {sentence}\n- *walnut*: {sentence}"]
    parts += [CODE] * (number % 7 == 1) + [TABLE] * (number % 11 == 1) + [sentence * (number % 9)] * (number % 3 == 1)
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "\n\n".join(parts)}]}


def wait_for(condition, deadline_s: float = 60) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("it did not happen in time")
        time.sleep(0.05)


# --- another person ---------------------------------------------------------------------------------------------------------------------


def another_person(owner: Browser) -> dict[str, list[float]]:
    """How long somebody else's page of a small conversation takes, in turn with nobody else there and while one of 36 MB is read and written."""
    other = invited(owner, "Bo")
    small = other.call("POST", "/v1/conversations", {"items": [item(number) for number in range(20)]})["id"]
    talk = owner.call("POST", "/v1/conversations", {"title": "Huge"})["id"]
    for number in range(HUGE[0]):
        owner.call("POST", f"/v1/conversations/{talk}/messages", {"text": f"{number} " + "long " * (HUGE[1] // 5), "answer": False})
    times: dict[str, list[float]] = {"alone": [], "beside 36 MB": []}
    for _ in range(3):
        asked(other, small, times["alone"])
        with busy(owner, talk):
            asked(other, small, times["beside 36 MB"])
    owner.ask("DELETE", f"/v1/conversations/{talk}")
    return times


def asked(other: Browser, small: str, into: list[float]) -> None:
    for _ in range(ASKS // 3):
        began = time.perf_counter()
        other.call("GET", f"/v1/conversations/{small}/messages")
        into.append((time.perf_counter() - began) * 1e3)
        time.sleep(0.02)


@contextmanager
def busy(owner: Browser, talk: str):
    over = threading.Event()

    def work() -> None:
        with Browser(owner.steward) as same:
            same.http.cookies.update(owner.http.cookies)
            same.csrf = owner.csrf
            while not over.is_set():
                with same.http.stream("GET", f"/v1/conversations/{talk}/export", params={"format": "json"}) as export:
                    for _ in export.iter_raw():
                        if over.is_set():
                            return
                same.call("POST", f"/v1/conversations/{talk}/messages", {"text": "more " * (HUGE[1] // 5), "answer": False})

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join(30)


# --- what is told -----------------------------------------------------------------------------------------------------------------------


def times_row(what: str, ms: list[float]) -> dict:
    return {"what": what, "of": len(ms), "p50 ms": round(median(ms), 1), "p99 ms": round(percentile(ms, 0.99), 1), "worst ms": round(max(ms), 1)}


def late_share(gaps: list[float]) -> float:
    return sum(gap > LATE_MS for gap in gaps) / len(gaps)


def frames_row(what: str, gaps: list[float]) -> dict:
    return times_row(f"frames: {what}", gaps) | {"late %": round(100 * late_share(gaps), 2), "over 50 ms": sum(gap > 50 for gap in gaps)}


def lags(answers: list[list], sent: list[dict[int, float]]) -> list[float]:
    """Of each frame that showed a new token: how long before it that token had left the upstream."""
    return [at - left[number] for seen, left in zip(answers, sent, strict=True) for number, at in seen if number in left]


def told(found: dict, pace: Pace, beside: dict[str, list[float]], duration_s: float) -> Report:
    report = Report("talk")
    firsts = [shown - left for shown, left in zip(found["firsts"], pace.firsts, strict=True)]
    streaming = found["streaming"]
    late = lags(streaming["answers"], pace.sent)
    whole = sum(bool(seen) and seen[-1][0] == max(left) for seen, left in zip(streaming["answers"], pace.sent, strict=True))
    home, opened = [one["ms"] for one in found["home"]], [one["ms"] for one in found["opened"]]
    heap = [found[when]["heap"] / 1e6 for when in ("before", "after")]
    process = [found[when]["process"] / 1e6 for when in ("before", "after")]
    report.rows = [
        times_row("page load: Talk", home),
        times_row(f"page load: {MESSAGES:,} messages", opened) | {"requests": found["opened"][0]["requests"], "kB": round(found["opened"][0]["bytes"] / 1e3, 1)},
        times_row("first token: left the upstream to painted", firsts),
        frames_row("an empty page", found["idle"]["gaps"]),
        frames_row("standing still", found["standing"]["gaps"]),
        frames_row("scrolling", found["scrolling"]["gaps"]),
        frames_row("typing", found["typing"]["gaps"]),
        times_row("a key pressed to painted", found["typing"]["keys"]),
        frames_row(f"streaming {TOKENS_PER_S} tokens/s for {duration_s:.0f} s", streaming["gaps"]),
        times_row("a token: left the upstream to painted", late),
        {"what": "heap of the tab, before and after", "of": f"{duration_s:.0f} s", "MB": f"{heap[0]:.1f} {heap[1]:.1f}"},
        {"what": "process of the tab, before and after", "of": f"{duration_s:.0f} s", "MB": f"{process[0]:.0f} {process[1]:.0f}"},
        *(times_row(f"another's page, {when}", ms) for when, ms in beside.items()),
    ]
    report.ratios = {
        "another's page, beside 36 MB to alone": round(median(beside["beside 36 MB"]) / median(beside["alone"]), 2),
        "page load, 5,000 messages to none": round(median(opened) / median(home), 2),
        "heap, after to before": round(heap[1] / heap[0], 2),
    }
    idle = late_share(found["idle"]["gaps"])
    report.met = {
        "interactive in under a second": median(home) < 1000 and median(opened) < 1000,
        "first token painted within 50 ms": median(firsts) <= 50,
        "the screen keeps up: every answer ends with its last token, 99 % of tokens are painted within 100 ms": whole == len(pace.sent) and percentile(late, 0.99) <= 100,
        **{f"{what}: at most 1 % more late frames than an empty page": late_share(found[what]["gaps"]) <= idle + 0.01 for what in ("scrolling", "typing", "streaming")},
    }
    return report
