"""The image that `make container` built, run by podman as docs/operations.md says: as its own user, with a volume, twice."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from tests.harness.paths import free_port
from tests.trials.life import Place, drains, first_life, hold, second_life, wait_for

IMAGE = "localhost/steward:latest"
COMPILERS = ("cc", "gcc", "g++", "c++", "clang", "clang-19", "clang++-19", "ld", "ld.lld-19", "as", "make", "cmake", "ninja", "python3", "node", "npm", "git")


def podman(*arguments: str, check: bool = True) -> subprocess.CompletedProcess:
    done = subprocess.run(["podman", *arguments], check=False, capture_output=True, text=True, timeout=300)
    hold(done.returncode == 0 or not check, f"podman {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
    return done


class Container(Place):
    def __init__(self, options: tuple[str, ...]):
        super().__init__(free_port())
        self.name = f"steward-trial-{self.port}"
        self.options = options

    def start(self) -> float:
        """The seconds until it serves. Each start is a new container on the same volume, as an upgrade is."""
        began = time.monotonic()
        published = ["--network=host", f"--env=STEWARD_PORT={self.port}"] if "--network=host" in self.options else ["-p", f"127.0.0.1:{self.port}:7070"]
        more = [one for one in self.options if one != "--network=host"]
        if not Path("/run/systemd/private").exists():
            more.append("--health-interval=disable")  # podman's timer for it is systemd's; it is run by hand below
        podman("run", "-d", "--name", self.name, "-v", f"{self.name}:/var/lib/steward", "--stop-timeout=60", *published, *more, IMAGE)
        self.wait_until_ready()
        return round(time.monotonic() - began, 2)

    def run(self, *command: str, check: bool = True) -> str:
        return podman("exec", self.name, *command, check=check).stdout

    def stop(self) -> None:
        podman("stop", self.name)

    def exit_code(self) -> int:
        return int(podman("container", "inspect", "--format", "{{.State.ExitCode}}", self.name).stdout)

    def remove(self) -> None:
        podman("rm", "-f", self.name, check=False)

    def close(self) -> None:
        self.remove()
        podman("volume", "rm", "-f", self.name, check=False)


def look_inside(container: Container) -> dict:
    """What the image is, and what is not in it."""
    [image] = json.loads(podman("image", "inspect", IMAGE).stdout)
    user = container.run("id", "-u").strip()
    hold(user == "7070" and image["Config"]["User"] == "7070:7070", f"it runs as {user}")
    found = container.run("sh", "-c", "for one in " + " ".join(COMPILERS) + "; do command -v $one; done; true").split()
    hold(not found, f"the image holds {found}")
    written = container.run("sh", "-c", "find / -xdev -writable -not -path '/proc/*' -not -path '/var/lib/steward*' -not -type l 2>/dev/null; true").split()
    places = sorted(path for path in written if not path.startswith(("/tmp", "/var/tmp", "/dev", "/run/lock", "/sys", "/run/secrets")))
    hold(not places, f"its user may write to {places}")
    return {"image_mb": round(image["Size"] / 1e6), "user": user}


def trial(options: tuple[str, ...]) -> dict:
    container = Container(options)
    try:
        facts = {"first_start_s": container.start()}
        facts |= look_inside(container)
        wait_for(lambda: podman("healthcheck", "run", container.name, check=False).returncode == 0, "the image's health check", 30)
        told, measured = first_life(container)
        facts |= measured | drains(container, told, container.stop)
        hold(container.exit_code() == 0, f"a stop ended with {container.exit_code()}")
        container.remove()
        facts["second_start_s"] = container.start()
        second_life(container, told)
        container.stop()
        return facts | {"exit_code": container.exit_code()}
    except BaseException:
        print(podman("logs", "--tail", "40", container.name, check=False).stderr)
        raise
    finally:
        container.close()
