"""recall: whether memory finds the turns that answer a question among all turns of a dialogue, on LoCoMo.

What is ranked by Steward is ranked by the shipped code (`steward debug recall`: the same fold, terms, vectors and fusion as the server's);
beside it, in the same run, the usual rankings of textbook parts. Dialogues 0-4 are for tuning, 5-9 for judging. A second look asks each
question of another dialogue's people, whose names it is given: memory should say that it knows nothing of it.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.bench.locomo import (
    ADVERSARIAL,
    CATEGORIES,
    FOLDER,
    Dialogue,
    Question,
    dialogues,
)
from tests.bench.rankings import (
    bm25,
    order,
    rank_fusion,
    stems,
    with_neighbours,
    words,
    z,
)
from tests.bench.report import Report
from tests.bench.vectors import Vectors, vectors
from tests.harness.paths import steward_binary

DAY_US = 86_400_000_000
DEPTH = 50
TUNED, JUDGED = range(5), range(5, 10)
RESAMPLES = 10_000
NEIGHBOURS = 0.3  # of the best combination that was measured before
FALSE_NOTHING = 0.05  # of the questions that have an answer: the threshold is set so that no more are told "nothing"


def packed(vector: np.ndarray) -> str:
    return base64.b64encode(vector.astype(np.float32).tobytes()).decode()


def sessions_of(dialogue: Dialogue) -> list[dict]:
    out: dict[int, dict] = {}
    for turn in dialogue.turns:
        session = out.setdefault(turn.session, {"id": f"conv_{turn.session}", "turns": []})
        session["turns"].append({"id": turn.id, "role": "user", "time_us": turn.time_us, "text": turn.said()})
    return list(out.values())


def asked_of(dialogue: Dialogue, questions: list[Question], cache: Vectors) -> dict:
    embedded = cache.of([question.text for question in questions], "query") if questions else []
    return {
        "sessions": sessions_of(dialogue),
        "questions": [{"id": str(number), "text": question.text, "asked_at_us": dialogue.turns[-1].time_us + DAY_US, "vector": packed(vector)}
                      for number, (question, vector) in enumerate(zip(questions, embedded, strict=True))],
    }


def shipped(asked: dict) -> list:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "asked.json"
        path.write_text(json.dumps(asked))
        done = subprocess.run([steward_binary(), "debug", "recall", path], capture_output=True, check=True, text=True)
    return json.loads(done.stdout)


def passages_of(all_of: list[Dialogue], cache: Vectors) -> dict[str, str]:
    """The vectors of the passages that the shipped code cuts."""
    texts = list(dict.fromkeys(text for one in shipped({"dialogues": [{"sessions": sessions_of(d), "questions": []} for d in all_of]}) for text in one))
    return {text: packed(vector) for text, vector in zip(texts, cache.of(texts, "passage"), strict=True)}


def steward(all_of: list[Dialogue], cache: Vectors, weights: dict | None = None) -> list[list[dict]]:
    asked = {"limit": DEPTH, "weights": weights or {}, "vectors": passages_of(all_of, cache), "dialogues": [asked_of(d, d.questions, cache) for d in all_of]}
    return shipped(asked)


def renamed(question: Question, from_: list[str], to: list[str]) -> Question:
    text = question.text
    for number, (old, new) in enumerate(zip(from_, to, strict=True)):
        text = re.sub(rf"\b{re.escape(old)}\b", f"<{number}>", text)
    for number, new in enumerate(to):
        text = text.replace(f"<{number}>", new)
    return Question(text, question.category, [])


def strangers(all_of: list[Dialogue], cache: Vectors) -> list[list[dict]]:
    """Each dialogue's questions, with the names changed, asked of the next one's memory (within its half)."""
    asked = []
    for place, dialogue in enumerate(all_of):
        other = all_of[(place + 1) % len(all_of)]
        mine = [question for question in dialogue.questions if question.category != ADVERSARIAL]
        asked.append(asked_of(other, [renamed(question, dialogue.speakers, other.speakers) for question in mine], cache))
    return shipped({"limit": 1, "vectors": passages_of(all_of, cache), "dialogues": asked})


Ranked = list[list[str]]  # for each question the turns, best first


def ranked_by(dialogue: Dialogue, scores: np.ndarray) -> Ranked:
    ids = [turn.id for turn in dialogue.turns]
    return [[ids[column] for column in row[:DEPTH]] for row in order(scores)]


def beside(dialogue: Dialogue, cache: Vectors, text_of: Callable) -> dict[str, Ranked]:
    texts = [text_of(turn) for turn in dialogue.turns]
    asked = [question.text for question in dialogue.questions]
    plain = bm25([words(text) for text in texts], [words(text) for text in asked])
    stemmed = bm25([stems(text) for text in texts], [stems(text) for text in asked])
    meaning = cache.of(asked, "query") @ cache.of(texts, "passage").T
    summed = z(stemmed) + z(meaning)
    sessions = [turn.session for turn in dialogue.turns]
    scores = {
        "BM25": plain,
        "BM25 of stems": stemmed,
        "e5": meaning,
        "rank fusion": rank_fusion(stemmed, meaning),
        "z-sum": summed,
        "z-sum with neighbours": with_neighbours(summed, sessions, NEIGHBOURS),
    }
    return {name: ranked_by(dialogue, one) for name, one in scores.items()}


def recall_at(ranked: list[str], question: Question, depth: int) -> float:
    return len(set(ranked[:depth]) & set(question.evidence)) / len(question.evidence)


def recalls(all_of: list[Dialogue], ranked: list[Ranked], depth: int, half: range, categories: tuple[int, ...] = tuple(CATEGORIES)) -> np.ndarray:
    return np.array([recall_at(one, question, depth) for dialogue, answers in zip(all_of, ranked, strict=True) if dialogue.index in half
                     for question, one in zip(dialogue.questions, answers, strict=True) if question.category in categories])


def interval(difference: np.ndarray) -> tuple[float, float]:
    """95 % of the mean, by resampling questions in pairs."""
    random = np.random.default_rng(1)
    means = difference[random.integers(0, len(difference), (RESAMPLES, len(difference)))].mean(axis=1)
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


def threshold(near: np.ndarray) -> float:
    return float(np.percentile(near, 100 * FALSE_NOTHING))


def nearness(all_of: list[Dialogue], answers: list[list[dict]], half: range) -> np.ndarray:
    return np.array([one["nearness"] for dialogue, some in zip(all_of, answers, strict=True) if dialogue.index in half
                     for question, one in zip(dialogue.questions, some, strict=True) if question.category in CATEGORIES])


def row_of(name: str, all_of: list[Dialogue], ranked: list[Ranked]) -> dict:
    every = range(10)
    row = {"ranking": name, "R@10, 0-4": recalls(all_of, ranked, 10, TUNED).mean(), "R@10, 5-9": recalls(all_of, ranked, 10, JUDGED).mean(),
           "R@20, 5-9": recalls(all_of, ranked, 20, JUDGED).mean(), "R@10": recalls(all_of, ranked, 10, every).mean()}
    for category, words_of in CATEGORIES.items():
        row[words_of] = recalls(all_of, ranked, 10, JUDGED, (category,)).mean()
    row["(of nobody)"] = recalls(all_of, ranked, 10, JUDGED, (ADVERSARIAL,)).mean()
    return {key: round(float(value), 3) if not isinstance(value, str) else value for key, value in row.items()}


def run(_: float) -> Report:
    report = Report("recall")
    if not FOLDER.exists():
        report.rows.append({"ranking": f"not run: LoCoMo is not at {FOLDER.name}"})
        return report
    all_of = dialogues()
    with vectors() as cache:
        others: dict[str, list[Ranked]] = {}
        for dialogue in all_of:
            for name, ranked in beside(dialogue, cache, lambda turn: turn.dated()).items():
                others.setdefault(name, []).append(ranked)
            for name, ranked in beside(dialogue, cache, lambda turn: turn.said()).items():
                if name in ("rank fusion", "z-sum with neighbours"):
                    others.setdefault(f"{name}, Steward's texts", []).append(ranked)
        answers = steward(all_of, cache)
        ours = [[one["ranked"] for one in some] for some in answers]
        asked_of_strangers = [strangers([d for d in all_of if d.index in half], cache) for half in (TUNED, JUDGED)]
    report.rows = [row_of(name, all_of, ranked) for name, ranked in others.items()] + [row_of("Steward", all_of, ours)]
    judged = recalls(all_of, ours, 10, JUDGED)
    low, high = interval(judged - recalls(all_of, others["rank fusion"], 10, JUDGED))
    edge = threshold(nearness(all_of, answers, TUNED))
    unknown = [np.array([one["nearness"] for some in half for one in some]) for half in asked_of_strangers]
    report.ratios = {"over rank fusion on 5-9, low end": low, "over rank fusion on 5-9, high end": high, "threshold of nearness, from 0-4": edge,
                     "told nothing though there is an answer, 5-9": float((nearness(all_of, answers, JUDGED) < edge).mean()),
                     "told nothing where nobody said a thing, 0-4": float((unknown[0] < edge).mean()),
                     "told nothing where nobody said a thing, 5-9": float((unknown[1] < edge).mean())}
    report.met = {"recall@10 on 5-9 over 0.70": judged.mean() > 0.70, "the interval over rank fusion lies above +0.05": low > 0.05}
    report.met = {aim: bool(ok) for aim, ok in report.met.items()}
    return report


def misses(limit: int = 20) -> None:
    """Prints questions of the judged half whose evidence is not among the first ten."""
    all_of = dialogues()
    with vectors() as cache:
        answers = steward(all_of, cache)
    for dialogue, some in zip(all_of, answers, strict=True):
        said = {turn.id: turn.said() for turn in dialogue.turns}
        for question, one in zip(dialogue.questions, some, strict=True):
            if dialogue.index in JUDGED and question.category in CATEGORIES and not recall_at(one["ranked"], question, 10) and limit > 0:
                limit -= 1
                print(f"{CATEGORIES[question.category]}: {question.text}\n   sought: {[said[i][:140] for i in question.evidence]}\n   found: {[said[i][:90] for i in one['ranked'][:2]]}")
