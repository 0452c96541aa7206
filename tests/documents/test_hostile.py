"""Files made to break their reader: each is answered, or is the error of that file alone, within its time."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.documents import hostile
from tests.documents.test_documents import EVERY, ids
from tests.harness.extract import Read, read

# How the process may end without an answer: by a limit, the filter or a parser's own fault. The server tells each as an error of that file.
ENDS = {-signal.SIGXCPU, -signal.SIGABRT, -signal.SIGSEGV, -signal.SIGSYS}


def contained(told: Read, seconds: float = 30) -> bool:
    return (told.answered or told.code in ENDS) and told.seconds < seconds


@pytest.mark.parametrize("kind", ["docx", "xlsx", "pptx"])
def test_a_bomb_is_refused(kind: str):
    data = hostile.bomb(kind, 64)
    told = read(data)
    assert len(data) < 100_000 and told.fault == "bomb" and told.seconds < 10


def test_a_nested_bomb_is_never_opened():
    told = read(hostile.nested_bomb(3))
    assert told.text == "around a bomb\n" and told.seconds < 5


def test_a_pdf_bomb_ends_at_a_limit():
    told = read(hostile.pdf_bomb(128), options=("--cpu", "3"))
    assert contained(told)


@pytest.mark.parametrize("name", hostile.pdf_loops())
def test_endless_pdfs_end(name: str):
    told = read(hostile.pdf_loops()[name])
    assert contained(told, 20), told


def test_a_pdf_of_ten_thousand_pages_is_cut_with_a_note():
    told = read(hostile.many_pages(10_000))
    pages = told.text.rstrip("\n").split("\f")
    assert told.pages == 10_000 and len(pages) == 2000 and pages[1999] == "page 2000" and pages[0].strip() == "page 1"
    assert told.notes == [{"code": "pages_cut", "count": 10_000, "kept": 2000}]


def test_long_text_is_cut_with_a_note():
    told = read(b"word " * 4_000_000)
    assert 8_388_000 < len(told.text) <= 8_388_609 and told.notes[0]["code"] == "text_cut"


def test_sheets_that_claim_everything():
    far = hostile.sheet(b'<s>' + b'<row><c r="XFD1" t="str"><v>x</v></c></row>' * 50_000 + b"</s>")
    told = read(far)
    assert told.kind == "office" and len(told.text) < 5_000_000
    office = 'xmlns:table="t" xmlns:text="x" xmlns:office="o"'
    cell = '<table:table-cell table:number-columns-repeated="1000000000"><text:p>x</text:p></table:table-cell>'
    row = f'<table:table-row table:number-rows-repeated="1000000000">{cell}</table:table-row>'
    told = read(hostile.open_document(f"<d {office}><office:spreadsheet><table:table>{row * 3}</table:table></office:spreadsheet></d>".encode()))
    assert told.kind == "office" and 0 < len(told.text) < 200_000 and told.seconds < 10


def test_entities_neither_swell_nor_fetch():
    swell = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    data = f'<!DOCTYPE d [<!ENTITY e0 "lol"><!ENTITY f SYSTEM "file:///etc/passwd">{swell}]><d><p><t>a&e11;&f;</t></p></d>'.encode()
    told = read(hostile.office("docx", data))
    assert contained(told, 10) and "root:" not in told.text and len(told.text) < 100


@pytest.mark.parametrize("deep", [b"<div>" * 2_000_000, b"<table><tr><td>" * 500_000, b"{\\rtf1" + b"{" * 5_000_000, b"<html>" + b"<b " * 1_000_000,
                                  hostile.office("docx", b"<d>" + b"<p>" * 500_000), hostile.sheet(b"<s>" * 500_000)],
                         ids=["html", "tables", "rtf", "attributes", "docx", "xlsx"])
def test_nesting_without_end(deep: bytes):
    assert contained(read(deep), 40)


@pytest.mark.parametrize("magic", hostile.MAGICS)
def test_five_megabytes_of_noise_under_each_magic_number(magic: str):
    noise = random.Random(magic).randbytes(5_000_000)
    told = read(hostile.MAGICS[magic] + noise)
    assert contained(told, 40), told
    assert told.kind != "pdf" or told.text == ""


@pytest.mark.parametrize("path", [path for path in EVERY if path.suffix not in {".md", ".ipynb", ".csv", ".tsv"}], ids=ids)
def test_truncated_and_flipped_files_are_the_error_of_that_file(path: Path):
    whole, chance = path.read_bytes(), random.Random(path.name)
    for part in (0.0, 0.1, 0.5, 0.9, 0.99):
        assert contained(read(whole[: int(len(whole) * part)])), part
    flipped = bytearray(whole)
    for _ in range(40):
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
    assert contained(read(bytes(flipped)))


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a" * 10_000, "x\0y.csv", "\N{RIGHT-TO-LEFT OVERRIDE}fdp.exe", "name\twith\rcontrols"])
def test_names_do_nothing(name: str):
    told = read(b"some text", name)
    assert (told.kind, told.text) == ("text", "some text\n")
