"""given: how near something said before must be to be given to an answer unasked.

Two kinds of messages are asked of the memory of each LoCoMo dialogue: its own questions, which something in it answers, and ordinary requests (the
prompts of IFEval), which nothing in it is about. For each bound: how many requests would be given anything, and how many questions would be given a
turn that answers them. Dialogues 0-4 set the bound, 5-9 judge it. By the shipped code (`steward debug recall`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from tests.bench.locomo import ADVERSARIAL, FOLDER, Dialogue, Question, dialogues
from tests.bench.recall import (
    DAY_US,
    JUDGED,
    TUNED,
    packed,
    passages_of,
    sessions_of,
    shipped,
)
from tests.bench.report import Report
from tests.bench.vectors import Vectors, vectors

REQUESTS = FOLDER.parent / "ifeval" / "input_data.jsonl"
PIECES = 5  # as many as an answer is given
COVERED = [0.0, 0.15, 0.2, 0.25, 0.3]  # the share of the message's words, by rarity
WORDS = 2  # of them at least
MEANT = [99.0, 4.5, 4.0]  # or a meaning so many deviations over the mean; 99: never


def requests() -> list[Question]:
    return [Question(json.loads(line)["prompt"], 0, []) for line in REQUESTS.read_text().splitlines()]


def asked_of(dialogue: Dialogue, questions: Sequence[Question], cache: Vectors | None) -> dict:
    embedded = [packed(one) for one in cache.of([question.text for question in questions], "query")] if cache else [""] * len(questions)
    return {"sessions": sessions_of(dialogue),
            "questions": [{"id": str(number), "text": question.text[:4000], "asked_at_us": dialogue.turns[-1].time_us + DAY_US, "vector": vector}
                          for number, (question, vector) in enumerate(zip(questions, embedded, strict=True))]}


def answers(all_of: list[Dialogue], questions_of: dict[int, Sequence[Question]], cache: Vectors | None) -> list[list[dict]]:
    passages = passages_of(all_of, cache) if cache else {}
    return shipped({"limit": PIECES * 3, "vectors": passages, "dialogues": [asked_of(one, questions_of[one.index], cache) for one in all_of]})


def given(answer: dict, covered: float, meant: float) -> list[str]:
    """As src/memory/memory.h has it, `is_near`."""
    near = [turn for turn, (share, deviations, words) in zip(answer["ranked"], answer["near"], strict=True)
            if covered == 0 or (share >= covered and words >= WORDS) or deviations >= meant]
    return near[:PIECES]


def rows_of(name: str, all_of: list[Dialogue], cache: Vectors | None) -> list[dict]:
    own = {one.index: [question for question in one.questions if question.category != ADVERSARIAL] for one in all_of}
    ordinary = requests()
    of_own = answers(all_of, own, cache)
    of_others = answers(all_of, {one.index: ordinary for one in all_of}, cache)
    rows = []
    for covered in COVERED:
        for meant in MEANT if cache else MEANT[:1]:
            row: dict[str, object] = {"by": name, "words": covered, "or meaning": "-" if meant == MEANT[0] else meant}
            for half, label in ((TUNED, "0-4"), (JUDGED, "5-9")):
                told = [bool(set(given(answer, covered, meant)) & set(question.evidence)) for one, some in zip(all_of, of_own, strict=True) if one.index in half
                        for question, answer in zip(own[one.index], some, strict=True)]
                heard = [bool(given(answer, covered, meant)) for one, some in zip(all_of, of_others, strict=True) if one.index in half for answer in some]
                row[f"answered, {label}"] = round(float(np.mean(told)), 3)
                row[f"disturbed, {label}"] = round(float(np.mean(heard)), 3)
            rows.append(row)
            if covered == 0:
                break
    return rows


def run(_: float) -> Report:
    report = Report("given")
    if not FOLDER.exists() or not REQUESTS.exists():
        report.rows.append({"by": "not run: LoCoMo or IFEval is not here"})
        return report
    all_of = dialogues()
    report.rows = rows_of("words", all_of, None)
    with vectors() as cache:
        report.rows += rows_of("words and meaning", all_of, cache)
    return report
