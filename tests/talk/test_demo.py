"""`steward demo`: a sample home that is full of life, and nobody's own home touched."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.harness.paths import free_port, steward_binary
from tests.harness.steward import clean_environment


def environment(folder: Path) -> dict[str, str]:
    (folder / "run").mkdir(mode=0o700, exist_ok=True)
    return clean_environment() | {"HOME": str(folder / "user"), "XDG_RUNTIME_DIR": str(folder / "run")}


def demo(folder: Path, *arguments: str, **env: str) -> subprocess.Popen:
    command = [steward_binary(), "demo", *arguments]
    return subprocess.Popen(command, env=environment(folder) | env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def conversations(folder: Path) -> list[dict]:
    [socket] = (folder / "run").rglob("steward.sock")
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://localhost") as http:
        page = http.get("/v1/conversations", params={"archived": "any", "limit": 100}).json()["data"]
        found = http.get("/v1/search", params={"q": "lamp"}).json()["data"]
        shown = http.get(f"/v1/conversations/{page[0]['id']}/messages").json()["data"]
    assert found and shown and shown[-1]["text"]
    return page


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A short one: a socket's path has at most 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="stw-") as folder:
        yield Path(folder)


def test_a_visitor_sees_a_life(tmp_path):
    home, port = tmp_path / "demo", free_port()
    for _ in range(2):  # the second time it is there
        process = demo(tmp_path, str(home), "--port", str(port))
        try:
            for _ in range(400):
                try:
                    if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200:
                        break
                except httpx.HTTPError:
                    pass
                assert process.poll() is None, process.stdout.read()
                time.sleep(0.05)
            assert len(conversations(tmp_path)) == 89
        finally:
            process.terminate()
            process.wait(20)
    assert not (tmp_path / "user").exists(), "the visitor's own home is left alone"


def test_an_own_home_is_refused(tmp_path):
    own, other = tmp_path / "user/.local/share/steward", tmp_path / "elsewhere"
    full = tmp_path / "full"
    full.mkdir()
    (full / "steward.toml").write_text("")
    for folder, env in ((own, {}), (own, {"STEWARD_HOME": str(other)}), (other, {"STEWARD_HOME": str(other)}), (full, {})):
        process = demo(tmp_path, str(folder), **env)
        said, _ = process.communicate(timeout=30)
        assert process.returncode != 0 and ("own home" in said or "no sample home" in said), said
    assert not own.exists() and not other.exists() and [one.name for one in full.iterdir()] == ["steward.toml"]
