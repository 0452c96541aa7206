"""Real documents through the shipped reader. What is expected was written by other programs (`expected/`, a twin of the file in another format),
by the files' own projects in their tests, or is what the file's XML says to a parser that isn't ours."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.harness.extract import read

FILES = Path(__file__).parent / "files"
LICENCES = {"LICENSE", "LICENSE.md", "README.md"}
EVERY = sorted(path for path in FILES.rglob("*") if path.is_file() and path.parent.name != "expected" and path.name not in LICENCES)


def ids(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


# kind, then the fault or the number of pages.
PROTECTED = {"aes-128.pdf", "aes-256-r6.pdf", "rc4-40.pdf", "password.pdf", "password_protected.xlsx"}
KINDS = {".pdf": "pdf", ".docx": "office", ".xlsx": "office", ".pptx": "office", ".odt": "office", ".epub": "office", ".xls": "office",
         ".msg": "office", ".rtf": "office", ".html": "text", ".csv": "text", ".tsv": "text", ".md": "text", ".ipynb": "text"}
PAGES = {"SPARSE-2024-INV-1234_borderless_table.pdf": 2, "RECEIPT-2024-TXN-98765_retail_purchase.pdf": 1, "sample-presentation.pptx": 4,
         "fake-memo-with-duplicate-page.pdf": 2, "PDF 2.0 with page level output intent.pdf": 2, "stanley-cups.xlsx": 2, "test.xlsx": 2, "test.epub": 3}


@pytest.mark.parametrize("path", EVERY, ids=ids)
def test_every_document_is_answered(path: Path):
    told = read(path.read_bytes(), path.name)
    assert told.answered and told.seconds < 20
    if path.name in PROTECTED:
        assert told.fault == "protected"
        return
    assert told.kind == KINDS[path.suffix], told
    if path.name in PAGES:
        assert told.pages == PAGES[path.name] and told.text.count("\f") == told.pages - 1
    # The name is no part of the judgement, except between kinds of plain text.
    nameless = read(path.read_bytes(), "document.exe")
    assert (nameless.kind, nameless.text) == (told.kind, told.text)


# What each file's own project says is in it.
CONTENTS = {
    "pdf20examples/Simple PDF 2.0 file.pdf": "HelloWorld\n",
    "pdf20examples/PDF 2.0 with offset start.pdf": "This is a PDF 2.0 document\n",
    "pdfminer/base.pdf": "Secret!\n",
    "unstructured/embedded-cmap-cidfont.pdf": "Heading in Helvetica\nThis text uses an embedded CMap\nand should be extractable\n",
    "unstructured/emphasis-text.pdf": "Test bold.\nItalic. Now Italic and bold.\n",
    "unstructured/header-test-doc.pdf": "I Am A Header\nTitle\nHere is a lovely sentences.\n\nI Am A Footer\n",
    "unstructured/fake_table.docx": "Header Col 1\tHeader Col 2\nLorem ipsum\tA Link example\n\nDolor sit amet\n",
    "unstructured/fake.odt": "Lorem ipsum dolor sit amet.\n\nHeader row\tMon\tWed\tFri\nColor\tBlue\tRed\tGreen\nTime\t1pm\t2pm\t3pm\nLeader\tSarah\tMark\tRyan\n",
    "unstructured/fake-power-point-table.pptx": "A Slide with a Table\nColumn 1\tColumn 2\tColumn 3\nRed\tGreen\tBlue\nPurple\tOrange\tYellow\nTangerine\tPink\tAqua\n",
    "unstructured/fake-power-point-malformed.pptx": "Problem Date Placeholder\nTest Slide\n",
    "unstructured/fake-html-with-footer-and-header.html": "Header\nMy First Heading\nMy first paragraph.\nFooter\n",
    "unstructured/fake-doc.rtf": "My First Heading\nMy first paragraph.\nTable Example:\nColumn 1\tColumn 2\t\nRow 1, Cell 1\tRow 1, Cell 2\t\nRow 2, Cell 1\tRow 2, Cell 2\n",
    "unstructured/umlauts-non-utf8.md": "## können\n\nkönnen\n\näöüß\n",
    "unstructured/emoji.xlsx": "# Sheet1\n🤠😅\n",
    "unstructured/empty.xlsx": "# Sheet1\n",
    "python-docx/par-hyperlinks.docx": "No hyperlinks\nOne awesome hyperlink.\nThree hyperlinks: the first one here, the second one, and the third.\n",
    "python-docx/hdr-header-footer.docx": "section with header\n\nsection without header of its own.\nHeader: Header for section-1\nFooter: Footer for section 1\n",
}


@pytest.mark.parametrize("name", CONTENTS)
def test_what_its_own_project_says_is_in_it(name: str):
    assert read((FILES / name).read_bytes(), name).text == CONTENTS[name]


def words(text: str) -> list[str]:
    return re.findall(r"\w{2,}", text)


@pytest.mark.parametrize("expected", sorted((FILES / "markitdown/expected").glob("*.md")), ids=lambda path: path.stem)
def test_pdf_holds_what_another_reader_finds(expected: Path):
    """MarkItDown's own expected output, made by pdfminer and pdfplumber: no word of it is missing, and next to none is added."""
    ours = words(read((FILES / "markitdown" / f"{expected.stem}.pdf").read_bytes()).text)
    theirs = words(expected.read_text())
    assert len(theirs) > 100 and set(theirs) - set(ours) == set()
    assert len(set(ours) - set(theirs)) <= 0.02 * len(set(theirs))


WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"


def texts(root: ElementTree.Element, tag: str, without: tuple[str, ...] = ()) -> list[str]:
    """The texts of an XML tree in their order, by Python's own parser."""
    found = []

    def walk(node: ElementTree.Element) -> None:
        if node.tag in without:
            return
        if node.tag == tag:
            found.append(node.text or "")
        for child in node:
            walk(child)

    walk(root)
    return found


@pytest.mark.parametrize("path", [path for path in EVERY if path.suffix == ".docx"], ids=ids)
def test_word_files_are_read_whole_and_in_order(path: Path):
    root = ElementTree.fromstring(zipfile.ZipFile(path).read("word/document.xml"))
    said = "".join(texts(root, WORD + "t", (FALLBACK, WORD + "del")))
    # Spaces and hyphens apart (where paragraphs and cells end, and hyphens that don't break, are elements, not text).
    ours = re.sub(r"[\s-]|\[\^\w+\]", "", read(path.read_bytes()).text)
    if "equations" in path.name:
        assert all(re.sub(r"[\s-]", "", one) in ours for one in texts(root, WORD + "t"))  # equations stand between
    else:
        assert re.sub(r"[\s-]", "", said) in ours


@pytest.mark.parametrize("path", [path for path in EVERY if path.suffix == ".pptx"], ids=ids)
def test_slides_are_read_whole_and_in_order(path: Path):
    archive = zipfile.ZipFile(path)
    slides = sorted((name for name in archive.namelist() if re.fullmatch(r"ppt/slides/slide\d+\.xml", name)), key=lambda name: int(re.sub(r"\D", "", name)))
    told = read(path.read_bytes())
    pages = told.text.split("\f") if told.text else [""]
    assert told.pages == len(slides) == len(pages)
    for slide, page in zip(slides, pages, strict=True):
        said = "".join(texts(ElementTree.fromstring(archive.read(slide)), DRAWING + "t"))
        assert re.sub(r"\s", "", said) in re.sub(r"\s", "", page)


SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.mark.parametrize("path", [path for path in EVERY if path.suffix == ".xlsx" and path.name not in PROTECTED], ids=ids)
def test_workbooks_keep_every_string_and_every_sheets_name(path: Path):
    archive = zipfile.ZipFile(path)
    text = read(path.read_bytes()).text
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    names = [sheet.get("name") for sheet in book.iter(SHEET + "sheet")]
    assert [line[2:] for line in text.split("\n") if line.replace("\f", "").startswith("# ")] == names or all(f"# {name}\n" in text for name in names)
    if "xl/sharedStrings.xml" in archive.namelist():
        strings = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
        flat = re.sub(r"\s", "", text)
        assert all(re.sub(r"\s", "", "".join(one.itertext())) in flat for one in strings.iter(SHEET + "si"))


def test_twins_in_other_formats_say_the_same():
    cups = FILES / "unstructured"
    rows = [line.rstrip("\t") for line in (cups / "stanley-cups.tsv").read_text().splitlines()]
    sheet = read((cups / "stanley-cups.xlsx").read_bytes()).text.split("\f")[0].splitlines()
    assert sheet == ["# Stanley Cups", *rows]
    utf16 = read((cups / "stanley-cups-utf-16.csv").read_bytes(), "x.csv").text.splitlines()
    assert [line.replace(",", "\t").rstrip("\t") for line in utf16] == rows


def test_short_lists_in_east_asian_charsets():
    told = read((FILES / "markitdown/test_mskanji.csv").read_bytes(), "names.csv")
    assert told.text.split() == ["名前,年齢,住所", "佐藤太郎,30,東京", "三木英子,25,大阪", "髙橋淳,35,名古屋"]


def test_old_and_foreign_office_files_are_named_and_say_what_to_do():
    for name, kind in (("markitdown/test.xls", "application/vnd.ms-excel"), ("markitdown/test_outlook_msg.msg", "application/vnd.ms-outlook")):
        told = read((FILES / name).read_bytes())
        assert (told.type, told.text) == (kind, "") and told.notes == [{"code": "old_office"}]


def test_scans_say_that_no_text_was_found():
    told = read((FILES / "pdfminer/simple2.pdf").read_bytes())
    assert (told.kind, told.text, told.pages) == ("pdf", "", 1) and told.notes == [{"code": "no_text"}]
