"""Reads the question sets and the attempts at poisoning, and says what is wrong with them: a set that contradicts itself judges nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import available_timezones

from tests.memory.judging import occurs

HERE = Path(__file__).parent
KINDS = ("update", "history", "cascade", "absence", "deletion", "time", "attribution", "preference", "thread", "language")
SPEAKERS = ("owner", "assistant", "colleague", "stranger", "document", "mail", "tool")
VEHICLES = ("colleague", "stranger", "document", "mail", "tool", "web")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z")
EXPECT = {"all": list, "none": list, "evidence": list, "abstain": bool}


def histories(folder: str) -> list[dict]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((HERE / "truth" / folder).glob("*.json"))]


def attempts() -> dict:
    return json.loads((HERE / "poison" / "attempts.json").read_text(encoding="utf-8"))


def kinds(several: list[dict]) -> Counter[str]:
    return Counter(question["kind"] for history in several for question in history["questions"])


def moment(text: object) -> datetime | None:
    if not isinstance(text, str) or not MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def problems(history: dict) -> list[str]:
    """What is wrong with one history; nothing, if it may judge."""
    try:
        shape = [*of_owner(history), *of_messages(history)]
        return shape or [*of_events(history), *of_questions(history)]
    except (KeyError, TypeError, AttributeError) as error:
        return [f"{history.get('id')}: not of the format: {error!r}"]


def of_owner(history: dict) -> Iterator[str]:
    owner = history["owner"]
    if not history["id"] or not history["about"] or not owner["name"] or not owner["languages"]:
        yield f"{history['id']}: id, about, the owner's name or languages are empty"
    if owner["zone"] not in available_timezones():
        yield f"{history['id']}: no such zone: {owner['zone']}"


def messages(history: dict) -> dict[str, dict]:
    return {message["id"]: message for talk in history["conversations"] for message in talk["messages"]}


def of_messages(history: dict) -> Iterator[str]:
    ids = [talk["id"] for talk in history["conversations"]] + [message["id"] for talk in history["conversations"] for message in talk["messages"]]
    ids += [question["id"] for question in history["questions"]]
    yield from (f"{history['id']}: id used {times} times: {name}" for name, times in Counter(ids).items() if times > 1)
    for talk in history["conversations"]:
        before = datetime.min.replace(tzinfo=UTC)
        if not talk["messages"]:
            yield f"{talk['id']}: empty"
        for message in talk["messages"]:
            at = moment(message["at"])
            if message["from"] not in SPEAKERS or "name" not in message or not message["text"].strip():
                yield f"{message['id']}: speaker, name or text"
            if at is None or at < before:
                yield f"{message['id']}: no time, or before the message above it: {message['at']}"
            before = at or before


def erased_by(event: dict, history: dict) -> set[str]:
    """The messages that an erasure takes with it: those it names that were said by then. A span takes what was said from `after` on and before `before`."""
    what, until = event["what"], moment(event["at"])
    if isinstance(what, dict):
        after, before = moment(what["after"]), moment(what["before"])
        gone = {name for name, message in messages(history).items() if after <= moment(message["at"]) < before}
    else:
        gone = {message["id"] for talk in history["conversations"] if talk["id"] == what for message in talk["messages"]} or {what} & messages(history).keys()
    return {name for name in gone if moment(messages(history)[name]["at"]) <= until}


def of_events(history: dict) -> Iterator[str]:
    before = datetime.min.replace(tzinfo=UTC)
    for number, event in enumerate(history["events"]):
        name, at = f"{history['id']}: event {number}", moment(event["at"])
        if at is None or at < before:
            yield f"{name}: no time, or before the event above it: {event['at']}"
            continue
        before = at
        if event["do"] == "erase" and not erased_by(event, history):
            yield f"{name}: takes nothing: {event['what']}"
        if event["do"] == "correct":
            said = messages(history).get(event["what"])
            if not event.get("text") or said is None or moment(said["at"]) > at:
                yield f"{name}: corrects nothing that was said by then, or with nothing: {event['what']}"
        if event["do"] not in ("erase", "correct"):
            yield f"{name}: {event['do']}"


def of_questions(history: dict) -> Iterator[str]:
    for question in history["questions"]:
        name, expect, asked = question["id"], question["expect"], moment(question["asked_at"])
        if question["kind"] not in KINDS or not question["text"].strip() or not question["language"] or not question["why"].strip():
            yield f"{name}: kind, text, language or reason"
        if asked is None:
            yield f"{name}: no time: {question['asked_at']}"
            continue
        if any(not isinstance(expect.get(key), sort) for key, sort in EXPECT.items()):
            yield f"{name}: what is expected is not of the format"
            continue
        yield from (f"{name}: {what}" for what in of_expected(expect))
        yield from (f"{name}: {what}" for what in of_evidence(expect["evidence"], asked, history))


def of_expected(expect: dict) -> Iterator[str]:
    if expect["abstain"] and (expect["all"] or expect["evidence"]):
        yield "who abstains says nothing and rests on nothing"
    if not expect["abstain"] and (not expect["all"] or not expect["evidence"]):
        yield "nothing is expected, or nothing to rest on"
    spellings = [spelling for group in expect["all"] for spelling in group] + expect["none"]
    if any(not group for group in expect["all"]) or any(not isinstance(spelling, str) or not spelling.strip() for spelling in spellings):
        yield "an empty group or spelling"
        return
    for wrong in expect["none"]:
        yield from (f"who says {said!r} has said {wrong!r}" for group in expect["all"] for said in group if occurs(wrong, said))


def of_evidence(evidence: list[str], asked: datetime, history: dict) -> Iterator[str]:
    said = messages(history)
    gone = {name for event in history["events"] if event["do"] == "erase" and moment(event["at"]) <= asked for name in erased_by(event, history)}
    for name in evidence:
        if name not in said:
            yield f"rests on what isn't there: {name}"
        elif moment(said[name]["at"]) > asked:
            yield f"rests on what wasn't said yet: {name}"
        elif name in gone:
            yield f"rests on what was erased: {name}"


def of_poison(whole: dict) -> list[str]:
    """What is wrong with the attempts and with the legitimate pieces beside them."""
    ids = Counter(piece["id"] for piece in (*whole["attempts"], *whole["legitimate"]))
    return [*(f"id used {times} times: {name}" for name, times in ids.items() if times > 1), *of_attempts(whole), *of_legitimate(whole)]


def of_attempts(whole: dict) -> Iterator[str]:
    kept = [text for piece in whole["legitimate"] if piece["about"] == "owner" for text in piece["must_keep"]]
    steps: Counter[str] = Counter()
    for attempt in whole["attempts"]:
        name = attempt["id"]
        if attempt["vehicle"] not in VEHICLES:
            yield f"{name}: vehicle {attempt['vehicle']}"
        if not all(attempt[key].strip() for key in ("language", "name", "text", "kind")) or not texts(attempt["tries_to_plant"]):
            yield f"{name}: something is empty"
        yield from (f"{name}: the owner says so too: {text}" for text in kept for planted in attempt["tries_to_plant"] if occurs(planted, text))
        if "chain" in attempt:
            steps[attempt["chain"]["id"]] += 1
            if steps[attempt["chain"]["id"]] != attempt["chain"]["step"]:
                yield f"{name}: a step out of order"


def of_legitimate(whole: dict) -> Iterator[str]:
    above: dict[str, str] = {}
    for piece in whole["legitimate"]:
        name, accepted = piece["id"], piece.get("accepts")
        who = "owner" if piece["from"] == "owner" else f"saying of {piece['name']}"
        if piece["from"] not in ("owner", *VEHICLES) or not piece["text"].strip() or piece["about"] != who or not texts(piece["must_keep"]):
            yield f"{name}: speaker, whom it is about, or something is empty"
        if accepted and accepted not in above:
            yield f"{name}: accepts what wasn't said above: {accepted}"
        said = piece["text"] + "\n" + above.get(accepted or "", "")
        yield from (f"{name}: isn't in its text: {kept}" for kept in piece["must_keep"] if not occurs(kept, said))
        above[name] = piece["text"]


def texts(several: object) -> bool:
    return isinstance(several, list) and bool(several) and all(isinstance(text, str) and text.strip() for text in several)
