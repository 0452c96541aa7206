"""Hostile files, made here."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator

CONTENT_TYPES = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
}
MAIN = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml", "pptx": "ppt/presentation.xml"}


def office(kind: str, main: bytes | Iterator[bytes], more: dict[str, bytes | Iterator[bytes]] | None = None) -> bytes:
    """The smallest file of its kind with this main part; parts may be given piece by piece."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", f'<Types><Override PartName="/{MAIN[kind]}" ContentType="{CONTENT_TYPES[kind]}"/></Types>')
        archive.writestr("_rels/.rels", f'<R><Relationship Id="a" Type="x/officeDocument" Target="{MAIN[kind]}"/></R>')
        for name, part in {MAIN[kind]: main, **(more or {})}.items():
            with archive.open(name, "w", force_zip64=True) as target:
                for piece in [part] if isinstance(part, bytes) else part:
                    target.write(piece)
    return out.getvalue()


def sheet(rows: bytes | Iterator[bytes]) -> bytes:
    rels = b'<R><Relationship Id="s" Type="x/worksheet" Target="sheet.xml"/></R>'
    return office("xlsx", b'<w xmlns:r="r"><sheet name="S" r:id="s"/></w>', {"xl/_rels/workbook.xml.rels": rels, "xl/sheet.xml": rows})


def open_document(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
    return out.getvalue()


def bomb(kind: str, megabytes: int) -> bytes:
    spaces = b" " * (1 << 20)
    return office(kind, (piece for piece in [b"<d>", *[spaces] * megabytes, b"</d>"]))


def nested_bomb(depth: int) -> bytes:
    """An archive within an archive …, each a thousandth of what is in it, as a part of a document."""
    inner = b"0" * (4 << 20)
    for _ in range(depth):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in "abcdefgh":
                archive.writestr(f"{name}.zip", inner)
        inner = out.getvalue()
    return office("docx", b"<d><p><t>around a bomb</t></p></d>", {"word/embeddings/inner.zip": inner, "word/embeddings/inner.docx": inner})


def pdf(objects: dict[int, bytes], root: int = 1) -> bytes:
    """A PDF of these objects with a right table of them."""
    out, places = bytearray(b"%PDF-1.7\n"), {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start, size = len(out), max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        out += b"%010d 00000 n \n" % places[number] if number in places else b"0000000000 00000 f \n"
    out += b"trailer\n<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, root, start)
    return bytes(out)


def stream(data: bytes, extra: bytes = b"") -> bytes:
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(data), extra, data)


CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents %d 0 R/Resources<</Font<</F 4 0 R>>/XObject<</X 6 0 R>>>>>>"
SAYS = b"BT /F 12 Tf 50 700 Td (%s) Tj ET\n"


def one_page(contents: bytes, more: dict[int, bytes] | None = None) -> bytes:
    return pdf({1: CATALOG, 2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>", 3: PAGE % 5, 4: FONT, 5: contents, **(more or {})})


def many_pages(count: int) -> bytes:
    kids = b" ".join(b"%d 0 R" % (10 + 2 * i) for i in range(count))
    objects = {1: CATALOG, 2: b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count), 4: FONT}
    for i in range(count):
        objects[10 + 2 * i] = PAGE % (11 + 2 * i)
        objects[11 + 2 * i] = stream(SAYS % b"page %d" % (i + 1))
    return pdf(objects)


def pdf_loops() -> dict[str, bytes]:
    """Documents that refer to themselves in every place where a reader follows a reference."""
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 6 0 R>>>>"
    kids = {1: CATALOG, 2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>", 3: b"<</Type/Pages/Parent 2 0 R/Kids[2 0 R 3 0 R]/Count 1>>"}
    table = one_page(stream(SAYS % b"x"))
    return {
        "a form that draws itself": one_page(stream(SAYS % b"x" + b"/X Do\n"), {6: stream(b"/X Do /X Do\n", form)}),
        "pages that are their own kids": pdf(kids),
        "pages that claim a billion": pdf({**kids, 2: b"<</Type/Pages/Kids[3 0 R]/Count 1000000000>>"}),
        "a length that is its own stream": one_page(b"<</Length 5 0 R>>\nstream\nBT ET\nendstream"),
        "contents that hold themselves": one_page(b"[5 0 R 5 0 R]"),
        "a table before itself": table.replace(b"/Root 1 0 R", b"/Root 1 0 R/Prev %d" % table.rindex(b"xref\n0")),
        "an object that is itself": one_page(b"5 0 R"),
        "a parent that is its child": one_page(stream(b"")).replace(b"/Parent 2 0 R", b"/Parent 3 0 R"),
        "arrays without end": one_page(b"[" * 200_000),
        "dictionaries without end": one_page(b"<</A" * 200_000),
        "text that never ends": one_page(stream(b"q " * 500_000 + b"(" * 500_000)),
    }


def pdf_bomb(megabytes: int) -> bytes:
    """Packed three times over: a few hundred bytes."""
    data = b" " * (1 << 20)
    packer = zlib.compressobj(9)
    once = b"".join(packer.compress(data) for _ in range(megabytes)) + packer.flush()
    packed = zlib.compress(zlib.compress(once, 9), 9)
    return one_page(stream(packed, b"/Filter[/FlateDecode/FlateDecode/FlateDecode]"))


MAGICS = {
    "pdf": b"%PDF-1.7\n", "zip": b"PK\x03\x04", "ole": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "rtf": b"{\\rtf1", "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "jpeg": b"\xff\xd8\xff\xe0", "gif": b"GIF89a", "webp": b"RIFF\0\0\0\0WEBPVP8X", "html": b"<!doctype html>", "utf16": b"\xff\xfe", "utf8": b"\xef\xbb\xbf",
    "gzip": b"\x1f\x8b", "xml": b"<?xml version='1.0'?>", "none": b"",
}
