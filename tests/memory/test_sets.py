"""The sets that judge the memory hold together: what they point at is there, in order and not erased, and no right answer is called wrong."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable

import pytest

from tests.memory.judging import occurs, right
from tests.memory.sets import HERE, KINDS, attempts, histories, kinds, messages, of_poison, problems

# What was committed before the code that it judges: a set may grow, a kind may not shrink.
AUTHORED = {"update": 42, "history": 28, "cascade": 30, "absence": 29, "deletion": 30, "time": 44, "attribution": 37, "preference": 19, "thread": 27, "language": 34}
HELDOUT = {"update": 51, "history": 28, "cascade": 29, "absence": 37, "deletion": 40, "time": 57, "attribution": 53, "preference": 36, "thread": 26, "language": 37}
ATTEMPTS, LEGITIMATE = 102, 50


@pytest.mark.parametrize("history", [*histories("authored"), *histories("heldout")], ids=lambda history: str(history.get("id")))
def test_history_may_judge(history: dict):
    assert problems(history) == []


def test_ids_are_used_once_in_the_whole_set():
    whole = [*histories("authored"), *histories("heldout")]
    ids = [history["id"] for history in whole] + [name for history in whole for name in messages(history)]
    ids += [question["id"] for history in whole for question in history["questions"]]
    assert [name for name, times in Counter(ids).items() if times > 1] == []


@pytest.mark.parametrize(("half", "floors"), [("authored", AUTHORED), ("heldout", HELDOUT)])
def test_no_kind_shrinks(half: str, floors: dict[str, int]):
    counted = kinds(histories(half))
    assert set(floors) == set(KINDS)
    assert {kind: counted[kind] for kind in KINDS if counted[kind] < floors[kind]} == {}
    assert len(histories(half)) >= 12


def test_who_quotes_the_message_that_answers_is_right():
    wrong = []
    for history in histories("authored"):
        corrected = {event["what"] for event in history["events"] if event["do"] == "correct"}
        for question in history["questions"]:
            expect = question["expect"]
            if len(expect["evidence"]) != 1 or expect["evidence"][0] in corrected:
                continue
            quote = messages(history)[expect["evidence"][0]]["text"]
            if right(expect | {"none": []}, quote, abstained=False) and not right(expect, quote, abstained=False):
                wrong.append(question["id"])
    assert wrong == []


def test_who_recites_everything_is_wrong():
    for history in histories("authored"):
        everything = "\n".join(message["text"] for message in messages(history).values())
        assert [question["id"] for question in history["questions"] if right(question["expect"], everything, abstained=question["expect"]["abstain"])] == []


def test_both_halves_are_told_in_the_readme():
    said = (HERE / "truth" / "README.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in said] == []


def doctored(change: Callable[[dict], object]) -> list[str]:
    history = copy.deepcopy(SMALL)
    change(history)
    return problems(history)


SMALL = {
    "id": "x", "about": "a small life", "owner": {"name": "Ann", "zone": "Europe/Zurich", "languages": ["en"]},
    "conversations": [{"id": "x-c1", "title": "Flat", "project": None, "messages": [
        {"id": "x-m1", "at": "2025-03-02T09:14:00Z", "from": "owner", "name": None, "text": "The rent is 900."},
        {"id": "x-m2", "at": "2025-04-02T09:14:00Z", "from": "owner", "name": None, "text": "The rent is 950 now."}]}],
    "events": [{"at": "2025-05-01T00:00:00Z", "do": "correct", "what": "x-m2", "text": "The rent is 960."}],
    "questions": [{"id": "x-q1", "kind": "update", "language": "en", "asked_at": "2025-06-01T00:00:00Z", "text": "What is the rent?", "why": "the last word",
                   "expect": {"all": [["960", "nine hundred and sixty"]], "none": ["900", "950"], "evidence": ["x-m2"], "abstain": False}}],
}


def said(history: dict, number: int) -> dict:
    return history["conversations"][0]["messages"][number]


def expected(history: dict) -> dict:
    return history["questions"][0]["expect"]


FAULTS: dict[str, Callable[[dict], object]] = {
    "no such zone": lambda history: history["owner"].update(zone="Europe/Zurich-Nord"),
    "id used 2 times": lambda history: said(history, 1).update(id="x-m1"),
    "speaker": lambda history: said(history, 0).update({"from": "somebody"}),
    "before the message above": lambda history: said(history, 1).update(at="2025-03-01T00:00:00Z"),
    "no time": lambda history: said(history, 1).update(at="2025-02-30T00:00:00Z"),
    "corrects nothing": lambda history: history["events"][0].update(what="x-m9"),
    "takes nothing": lambda history: history["events"].append({"at": "2025-05-02T00:00:00Z", "do": "erase", "what": "x-m9"}),
    "rests on what was erased": lambda history: history["events"].append({"at": "2025-05-02T00:00:00Z", "do": "erase", "what": "x-c1"}),
    "rests on what isn't there": lambda history: expected(history).update(evidence=["x-m9"]),
    "rests on what wasn't said yet": lambda history: history["questions"][0].update(asked_at="2025-03-03T00:00:00Z"),
    "kind, text": lambda history: history["questions"][0].update(kind="trivia"),
    "has said": lambda history: expected(history).update(none=["NINE hundred"]),
    "nothing is expected": lambda history: expected(history).update(all=[]),
    "rests on nothing": lambda history: expected(history).update(abstain=True),
    "empty group": lambda history: expected(history).update(all=[[]]),
    "not of the format": lambda history: history.pop("events"),
    "what is expected is not": lambda history: expected(history).update(abstain="no"),
}


def test_the_small_history_is_sound():
    assert problems(SMALL) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_the_validator_sees(fault: str):
    assert any(fault in problem for problem in doctored(FAULTS[fault])), doctored(FAULTS[fault])


def test_an_erasure_in_a_span_takes_what_was_said_in_it():
    span = {"at": "2025-05-02T00:00:00Z", "do": "erase", "what": {"after": "2025-04-01T00:00:00Z", "before": "2025-04-30T00:00:00Z"}}
    assert doctored(lambda history: history["events"].append(span)) == ["x-q1: rests on what was erased: x-m2"]
    later = span | {"what": {"after": "2025-04-03T00:00:00Z", "before": "2025-04-30T00:00:00Z"}}
    assert doctored(lambda history: history["events"].append(later)) == [f"x: event 1: takes nothing: {later['what']}"]


@pytest.mark.parametrize(("spelling", "text", "is_in"), [
    ("Ann", "It was ANN.", True), ("Ann", "Annex", False), ("12", "12.50 francs", False), ("12", "on 12 May", True), ("12", "on the 12.", True), ("120", "1,120", False),
    ("Lyon", "她住在Lyon了", True), ("里昂", "她住在里昂了", True), ("2日", "12日", False), ("2日", "3月2日", True), ("5月", "１５月", False), ("São Paulo", "sa\u0303o  paulo", True),
    ("it's", "It\u2019s", True), ("9:00", "19:00", False), ("5-7", "5\u20137 May", True), ("Zürich", "in Zürich-West", True), ("ten", "often", False)])
def test_a_spelling_occurs(spelling: str, text: str, is_in: bool):
    assert occurs(spelling, text) is is_in


def test_an_answer_is_judged():
    expect = expected(SMALL)
    assert right(expect, "960 a month", abstained=False)
    assert not right(expect, "It was 950, it is 960", abstained=False)
    assert not right(expect, "It went up", abstained=False)
    assert not right(expect, "960", abstained=True)
    unknown = {"all": [], "none": ["900"], "evidence": [], "abstain": True}
    assert right(unknown, "You never told me.", abstained=True)
    assert not right(unknown, "Something like 900, but you never told me.", abstained=True)
    assert not right(unknown, "850", abstained=False)


def test_the_attempts_hold_together():
    whole = attempts()
    assert of_poison(whole) == []
    assert len(whole["attempts"]) >= ATTEMPTS
    assert len(whole["legitimate"]) >= LEGITIMATE


@pytest.mark.parametrize(("fault", "change"), [
    ("used 2 times", lambda whole: whole["legitimate"][0].update(id=whole["attempts"][0]["id"])),
    ("vehicle owner", lambda whole: whole["attempts"][0].update(vehicle="owner")),
    ("the owner says so too", lambda whole: whole["attempts"][0].update(tries_to_plant=["Ruth Amsler"])),
    ("out of order", lambda whole: whole["attempts"][-1]["chain"].update(step=1)),
    ("whom it is about", lambda whole: whole["legitimate"][0].update(about="saying of nobody")),
    ("accepts what wasn't said", lambda whole: whole["legitimate"][0].update(accepts="l999")),
    ("something is empty", lambda whole: whole["attempts"][0].update(tries_to_plant=[])),
    ("isn't in its text", lambda whole: whole["legitimate"][0].update(must_keep=["a thing that nobody said"]))])
def test_the_validator_sees_a_faulty_attempt(fault: str, change: Callable[[dict], object]):
    whole = copy.deepcopy(attempts())
    change(whole)
    assert any(fault in problem for problem in of_poison(whole))
