"""A PostgreSQL of one's own: a cluster in a temporary folder on a free port of loopback, started, killed and started again; and a
cutter, a TCP proxy before it that loses connections where it is told to."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

from tests.harness.paths import free_port

SERVERS = Path("/usr/lib/postgresql")
DEADLINE_S = 30
USER, PASSWORD = "steward", "correct-horse"


def binaries() -> Path:
    """The newest server's programs; Debian keeps them out of the path."""
    found = sorted(SERVERS.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise FileNotFoundError("no PostgreSQL server under /usr/lib/postgresql: run make setup")
    return found[-1].parent


def _as_owner() -> list[str]:
    """PostgreSQL refuses to run as root: then it runs as the user of Debian's package."""
    if os.geteuid() != 0:
        return []
    owner = pwd.getpwnam("postgres")
    return ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]


class Postgres:
    """`with Postgres() as postgres:` runs one; `postgres.database("name")` makes a database and answers its address."""

    def __init__(self, settings: dict[str, str] | None = None):
        self.folder = Path(tempfile.mkdtemp(prefix="stw-pg-"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.settings = {
            "listen_addresses": "'127.0.0.1'",
            "port": str(self.port),
            "unix_socket_directories": f"'{self.folder}'",
            "max_wal_size": "'64MB'",
            "min_wal_size": "'32MB'",
        } | (settings or {})
        self.process: subprocess.Popen | None = None
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run("initdb", "-D", self.data, "-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C", "--no-sync")

    def _run(self, program: str, *arguments: object) -> str:
        done = subprocess.run(
            [*_as_owner(), binaries() / program, *map(str, arguments)],
            check=False,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            env=os.environ | {"PGPASSWORD": PASSWORD},
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> Self:
        options = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value.strip(chr(39))}")]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [*_as_owner(), binaries() / "postgres", "-D", self.data, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )
        began = time.monotonic()
        while time.monotonic() - began < DEADLINE_S:
            if self.process.poll() is not None:
                break
            try:
                self.sql("SELECT 1")
                return self
            except RuntimeError:
                time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL did not start: {self.log_tail()}")

    def log_tail(self) -> str:
        return (self.folder / "log").read_bytes()[-3000:].decode("utf-8", "replace")

    def stop(self, how: int = signal.SIGINT) -> None:
        """SIGINT: a fast shutdown, sessions are cut. SIGQUIT: at once, and recovery at the next start."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(DEADLINE_S)

    def kill(self) -> None:
        """SIGKILL to the postmaster; its children notice and end."""
        self.process.kill()
        self.process.wait(DEADLINE_S)
        time.sleep(0.3)

    def close(self) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, statement: str, database: str = "postgres") -> str:
        return self._run("psql", "-h", "127.0.0.1", "-p", self.port, "-U", USER, "-d", database, "-AtqXc", statement).strip()

    def database(self, name: str) -> str:
        self.sql(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def url(self, name: str, port: int | None = None) -> str:
        """Without the password: that goes by PGPASSWORD or the configuration."""
        return f"postgresql://{USER}@127.0.0.1:{port or self.port}/{name}"

    @property
    def version(self) -> str:
        return self.sql("SHOW server_version")

    def files_with(self, text: bytes) -> list[str]:
        """Files of the cluster that hold these bytes, its log of statements aside."""
        found = []
        for path in self.data.rglob("*"):
            if path.is_file() and text in path.read_bytes():
                found.append(str(path.relative_to(self.data)))
        return found


class Cutter:
    """A TCP proxy on loopback. `cut_after(text)` resets the connection once the client has sent these bytes: with `answered`
    False before the server's answer passes (the server has had it), with `forward` False before the server gets it."""

    def __init__(self, port: int):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.cuts = 0
        self._armed: tuple[bytes, bool] | None = None
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._ends = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_after(self, text: bytes, *, forward: bool) -> None:
        with self._lock:
            self._armed = (text, forward)

    def cut_all(self) -> None:
        for one in list(self._open):
            _reset(one)

    def close(self) -> None:
        self._ends = True
        self.listener.close()
        self.cut_all()

    def _accept(self) -> None:
        while not self._ends:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                continue
            self._open |= {client, server}
            for source, sink, watched in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pump, args=(source, sink, watched), daemon=True).start()

    def _fires(self, data: bytes) -> tuple[bool, bool]:
        with self._lock:
            if self._armed and self._armed[0] in data:
                forward = self._armed[1]
                self._armed = None
                self.cuts += 1
                return True, forward
        return False, True

    def _pump(self, source: socket.socket, sink: socket.socket, watched: bool) -> None:
        try:
            while data := source.recv(65536):
                fires, forward = self._fires(data) if watched else (False, True)
                if forward and fires:
                    _reset(source)  # first, so that the answer finds nobody
                    sink.sendall(data)
                    time.sleep(0.5)  # the server commits
                if fires:
                    break
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            _reset(one)
            self._open.discard(one)


def _reset(one: socket.socket) -> None:
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        one.close()
    except OSError:
        pass
