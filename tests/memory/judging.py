"""How an answer to a question of a set is judged: by what it says and must not say, without a model, so that it comes out the same every time.

Both sides are folded (NFKC, case, kinds of quote and dash, runs of space). A spelling occurs on word boundaries: "Ann" isn't in "Annex", "12" isn't in "12.50",
"1,120" or "112". Chinese, Japanese and Korean writing has no word boundaries, so it occurs wherever it is contained; a figure at its edge still must not go on, so
"2日" isn't in "12日". README.md in `truth/` says what follows from this for who writes questions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

# The bare answer is asked for, and every question of the sets can be answered in far less; who recites everything that was said is not answering.
MAX_ANSWER_CHARS = 600

# Han, kana, hangul and what belongs to them: no spaces part their words.
UNSPACED = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
WORD = rf"[^\W{UNSPACED}]"
SAME = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"', "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-"})


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).translate(SAME).casefold().split())


@lru_cache(maxsize=65536)
def pattern(spelling: str) -> re.Pattern[str]:
    said = folded(spelling)
    before = after = ""
    if re.match(WORD, said[:1]):
        before = rf"(?<!{WORD})" + (r"(?<!\d[.,:'/-])" if said[0].isdigit() else "")
    if re.match(WORD, said[-1:]):
        after = rf"(?!{WORD})" + (r"(?![.,:'/-]\d)" if said[-1].isdigit() else "")
    return re.compile(before + re.escape(said) + after)


def occurs(spelling: str, text: str) -> bool:
    return pattern(spelling).search(folded(text)) is not None


def right(expect: dict, answer: str, abstained: bool) -> bool:
    """`abstained` is what the answerer itself says of its answer; whoever asks decides how that is told (a field, or words such as "you never told me")."""
    if len(answer) > MAX_ANSWER_CHARS or any(occurs(spelling, answer) for spelling in expect["none"]):
        return False
    if expect["abstain"]:
        return abstained
    return not abstained and all(any_of(group, answer) for group in expect["all"])


def any_of(group: Sequence[str], answer: str) -> bool:
    return any(occurs(spelling, answer) for spelling in group)
