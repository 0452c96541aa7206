"""SQLite's amalgamation, compiled with the options the journal counts on, and with two gaps of secure_delete closed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tools.third_party.cache import entry, key_of
from tools.third_party.fetch import extract
from tools.third_party.pins import pin
from tools.third_party.say import step

VERSION = "3.53.2"
COMPILER = "clang-19"
OPTIONS = [
    "SQLITE_THREADSAFE=2",  # a connection belongs to one thread at a time; Steward sees to that
    "SQLITE_DEFAULT_MEMSTATUS=0",
    "SQLITE_DEFAULT_WAL_SYNCHRONOUS=1",
    "SQLITE_DQS=0",
    "SQLITE_LIKE_DOESNT_MATCH_BLOBS",
    "SQLITE_OMIT_DEPRECATED",
    "SQLITE_OMIT_LOAD_EXTENSION",  # no foreign code through SQL
    "SQLITE_OMIT_SHARED_CACHE",
    "SQLITE_USE_ALLOCA",
    "SQLITE_ENABLE_FTS5",
    "SQLITE_ENABLE_DBSTAT_VTAB",
    "SQLITE_ENABLE_DBPAGE_VTAB",
    "SQLITE_ENABLE_COLUMN_METADATA",
    "SQLITE_ENABLE_MATH_FUNCTIONS",
    "SQLITE_TRUSTED_SCHEMA=0",
    "SQLITE_SECURE_DELETE",
]

# Where secure_delete leaves a copy of a row in a page's unused part, which nothing overwrites when the row is deleted later (of a thousand rows one
# stayed in the file). What stands there in SQLite's source, once; and what is to stand there.
MENDED = [
    # As cells leave a page's beginning, its list of pointers moves down: by so many bytes as it had before, so that what follows the list comes along.
    (
        "    memmove(pPg->aCellIdx, &pPg->aCellIdx[nShift*2], nCell*2);\n",
        "    memmove(pPg->aCellIdx, &pPg->aCellIdx[nShift*2], (nCell-nShift)*2);\n",
    ),
    # As a page is put together anew, cells are copied to its end; where they lay before they stay. Those that other pages need have been copied by then:
    # editPage() overwrites them as freely.
    (
        "  /* The pPg->nFree field is now set incorrectly. The caller will fix it. */\n",
        "  if( pPg->pBt->btsFlags & BTS_FAST_SECURE ) memset(pCellptr, 0, (size_t)(pData - pCellptr));\n",
    ),
]


def build() -> Path:
    """The cached folder with include/ and lib/libsqlite3.a."""
    source = pin("better-sqlite3")
    compiler = subprocess.run([COMPILER, "--version"], capture_output=True, text=True, check=True).stdout
    key = key_of([source.sha256, compiler, Path(__file__).read_bytes()])
    return entry("sqlite", VERSION, key, _compile)


def _compile(out: Path) -> None:
    work = out.parent / "work"
    extract(pin("better-sqlite3"), work, "package/deps/sqlite3/")
    sources = work / "package/deps/sqlite3"
    header = (sources / "sqlite3.h").read_text()
    if f'#define SQLITE_VERSION        "{VERSION}"' not in header:
        raise SystemExit(f"better-sqlite3 does not hold SQLite {VERSION}.")
    for folder in ("include", "lib"):
        (out / folder).mkdir()
    shutil.copy(sources / "sqlite3.h", out / "include")
    with step(f"Compiling SQLite {VERSION}"):
        defines = [f"-D{option}" for option in OPTIONS]
        (work / "sqlite3.c").write_text(mended((sources / "sqlite3.c").read_text()))
        compiled = str(work / "sqlite3.o")
        subprocess.run([COMPILER, "-O2", "-g1", "-fPIC", *defines, "-c", str(work / "sqlite3.c"), "-o", compiled], check=True)
        subprocess.run(["llvm-ar-19", "rcs", str(out / "lib/libsqlite3.a"), compiled], check=True)


def mended(source: str) -> str:
    for old, new in MENDED:
        if source.count(old) != 1:
            raise SystemExit(f"SQLite's source has another form than the one that is mended here; look at it anew: {old.strip()}")
        source = source.replace(old, new)
    return source
