"""LoCoMo's ten dialogues, as the benchmark of recall asks them: turns, and questions with the turns that answer them.

The labels are mended with the audit's file of errors; evidence that names no turn is dropped. The data may be read here and never shipped.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.harness.paths import ROOT

FOLDER = ROOT.parent / "shared" / "data" / "locomo"
MULTI_HOP, TEMPORAL, OPEN, SINGLE_HOP, ADVERSARIAL = 1, 2, 3, 4, 5
CATEGORIES = {MULTI_HOP: "several turns", TEMPORAL: "time", OPEN: "open", SINGLE_HOP: "one turn"}


@dataclass
class Turn:
    id: str
    session: int
    speaker: str
    text: str
    caption: str
    time_us: int
    date: str  # as the data has it: "1:56 pm on 8 May, 2023"

    def said(self) -> str:
        """As somebody would have sent it: a picture is told by its caption."""
        shared = f" [shares {self.caption}]" if self.caption else ""
        return f"{self.speaker}: {self.text}{shared}"

    def dated(self) -> str:
        """As the published baselines read it."""
        return f"[{self.date}] {self.speaker}: {self.text}"


@dataclass
class Question:
    text: str
    category: int
    evidence: list[str]


@dataclass
class Dialogue:
    index: int
    speakers: list[str]
    turns: list[Turn]
    questions: list[Question]


def time_of(text: str) -> int:
    return int(datetime.strptime(text, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC).timestamp() * 1_000_000)


def turns_of(conversation: dict) -> list[Turn]:
    out = []
    for number in sorted(int(match.group(1)) for key in conversation if (match := re.fullmatch(r"session_(\d+)", key))):
        date = conversation[f"session_{number}_date_time"]
        for place, turn in enumerate(conversation[f"session_{number}"]):
            out.append(Turn(turn["dia_id"], number, turn["speaker"], turn["text"], turn.get("blip_caption", ""), time_of(date) + place * 30_000_000, date))
    return out


def dialogues(folder: Path = FOLDER) -> list[Dialogue]:
    errors = {error["question_id"]: error for error in json.loads((folder / "label_errors_dial481.json").read_text())}
    out = []
    for index, item in enumerate(json.loads((folder / "locomo10.json").read_text())):
        conversation = item["conversation"]
        turns = turns_of(conversation)
        known = {turn.id for turn in turns}
        questions = []
        for number, asked in enumerate(item["qa"]):
            named = errors[mended]["correct_evidence"] if (mended := f"locomo_{index}_qa{number}") in errors else asked["evidence"]
            ids = dict.fromkeys(one for part in named for one in re.split(r"[;\s]+", part) if one in known)
            if ids:
                questions.append(Question(asked["question"], asked["category"], list(ids)))
        out.append(Dialogue(index, [conversation["speaker_a"], conversation["speaker_b"]], turns, questions))
    return out
