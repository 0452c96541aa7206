"""A server in front of a scripted provider, and people who talk."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.harness.people import owner_of
from tests.talk.life import Life

CONFIG = "[people]\nsign_in_pause_s = 3600\n[engine]\nenabled = false\n"


@pytest.fixture
def life(scene) -> Callable[..., Life]:
    """Makes one: scripts by model's name; `more` goes to the configuration."""

    def make(scripts: dict, more: str = "") -> Life:
        it = scene(scripts, more=CONFIG + more)
        return Life(it, owner_of(it.steward))

    return make
