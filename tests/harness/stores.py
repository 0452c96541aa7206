"""Where a Steward under judgement keeps its journal: in its home, or in a PostgreSQL of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.harness.postgres import PASSWORD, Postgres

STORES = ("sqlite", "postgres")


def environment(url: str) -> dict[str, str]:
    """What makes a Steward keep its journal there; the password goes libpq's own way."""
    return {"STEWARD_JOURNAL_URL": url, "PGPASSWORD": PASSWORD} if url else {}


@contextmanager
def journal_in(store: str) -> Iterator[dict[str, str]]:
    """The environment for this store (STORE=postgres of a check); a server is there as long as the context."""
    if store not in STORES:
        raise ValueError(f"STORE is one of {', '.join(STORES)}, not {store}")
    if store == "sqlite":
        yield {}
        return
    with Postgres() as postgres:
        yield environment(postgres.database("steward"))
