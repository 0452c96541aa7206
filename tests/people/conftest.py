"""A server without a model, and its owner come in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.people import Browser, owner_of
from tests.harness.steward import Steward

CONFIG = "[people]\nsign_in_pause_s = 3600\n[engine]\nenabled = false\n"


@pytest.fixture
def steward() -> Iterator[Steward]:
    with Steward(CONFIG) as one:
        yield one


@pytest.fixture
def owner(steward: Steward) -> Browser:
    return owner_of(steward)
