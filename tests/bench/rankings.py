"""The rankings that recall is held against, made of textbook parts: BM25, the same over stems, vectors, rank fusion, summed z-scores."""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np

# The 33 words that Lucene leaves out of English.
STOP = {"a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not", "of", "on", "or", "such", "that", "the",
        "their", "then", "there", "these", "they", "this", "to", "was", "will", "with"}
K1, B = 1.2, 0.75
RANK_OFFSET, RANKED = 60, 100


class Stemmer:
    """Snowball's English stems, by the library that Debian ships."""

    def __init__(self) -> None:
        self.lib = ctypes.CDLL("libstemmer.so.0d")
        self.lib.sb_stemmer_new.restype = ctypes.c_void_p
        self.lib.sb_stemmer_stem.restype = ctypes.c_void_p
        self.lib.sb_stemmer_stem.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        self.lib.sb_stemmer_length.argtypes = [ctypes.c_void_p]
        self.one = self.lib.sb_stemmer_new(b"english", None)
        self.known: dict[str, str] = {}

    def __call__(self, word: str) -> str:
        if word not in self.known:
            raw = word.encode()
            at = self.lib.sb_stemmer_stem(self.one, raw, len(raw))
            self.known[word] = ctypes.string_at(at, self.lib.sb_stemmer_length(self.one)).decode()
        return self.known[word]


@cache
def stemmer() -> Stemmer:
    return Stemmer()


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def stems(text: str) -> list[str]:
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return [stemmer()(word) for word in re.findall(r"\w+", bare) if word not in STOP]


def bm25(documents: list[list[str]], queries: list[list[str]]) -> np.ndarray:
    """Lucene's BM25: a row a query, a column a document."""
    counts = [Counter(document) for document in documents]
    lengths = np.array([len(document) for document in documents], dtype=float)
    norm = K1 * (1 - B + B * lengths / lengths.mean())
    with_word = Counter(word for count in counts for word in count)
    out = np.zeros((len(queries), len(documents)))
    columns: dict[str, np.ndarray] = {}
    for row, query in enumerate(queries):
        for word in query:
            if word not in with_word:
                continue
            if word not in columns:
                tf = np.array([count.get(word, 0) for count in counts], dtype=float)
                idf = math.log(1 + (len(documents) - with_word[word] + 0.5) / (with_word[word] + 0.5))
                columns[word] = idf * tf / (tf + norm)
            out[row] += columns[word]
    return out


def order(scores: np.ndarray) -> np.ndarray:
    """Columns of each row, best first; of equals the earlier."""
    return np.argsort(-scores, axis=1, kind="stable")


def rank_fusion(*lists: np.ndarray) -> np.ndarray:
    out = np.zeros_like(lists[0])
    for scores in lists:
        ranked = order(scores)[:, :RANKED]
        for row in range(len(ranked)):
            out[row, ranked[row]] += 1 / (RANK_OFFSET + 1 + np.arange(ranked.shape[1]))
    return out


def z(scores: np.ndarray) -> np.ndarray:
    deviation = scores.std(axis=1, keepdims=True)
    return np.where(deviation > 0, (scores - scores.mean(axis=1, keepdims=True)) / np.where(deviation > 0, deviation, 1), 0)


def with_neighbours(scores: np.ndarray, sessions: list[int], weight: float) -> np.ndarray:
    """Each turn's score and a part of those of the turns before and after it, in the same session."""
    same = np.array([a == b for a, b in pairwise(sessions)])
    out = scores.copy()
    out[:, 1:] += weight * scores[:, :-1] * same
    out[:, :-1] += weight * scores[:, 1:] * same
    return out
