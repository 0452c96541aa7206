"""TLS at the listener, seen by real clients: Python's ssl and openssl s_client. A new certificate reaches new connections while a stream that
began under the old one goes on; a pair that can't be used changes nothing and is told everywhere an operator looks."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from tests.harness import scripts
from tests.harness.provider import Provider
from tests.harness.steward import StartFailed, Steward

CONFIG = """
[server]
tls_certificate = "{folder}/tls.crt"
tls_key = "{folder}/tls.key"

[providers.script]
base_url = "{base_url}"
key_env = "SCRIPT_KEY"
models = ["long"]
"""
EXPIRY = "steward_tls_certificate_expiry_timestamp_seconds"
WORDS = 100


def make_pair(folder: Path, days: int, name: str = "tls") -> str:
    """A self-signed pair for localhost, made by openssl; the SHA-256 of its certificate."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days), "-subj", f"/CN={name}.example"]
    fresh = {ending: folder / f"{name}.{ending}.new" for ending in ("key", "crt")}
    more = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(fresh["key"]), "-out", str(fresh["crt"])]
    subprocess.run([*command, *more], check=True, capture_output=True)
    fresh["key"].chmod(0o600)
    for ending, path in fresh.items():
        path.replace(folder / f"{name}.{ending}")
    return digest_of(folder / f"{name}.crt")


def digest_of(certificate: Path) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()


class SecureSteward(Steward):
    """Asked over the home's socket whether it is ready: its port speaks TLS with a certificate of its own."""

    def wait_until(self, path: str) -> float:
        began = time.monotonic()
        while time.monotonic() - began < self.ready_deadline_s:
            if self.process.poll() is not None:
                raise StartFailed(self.log_tail())
            if self.cli("health", "--quiet", check=False).returncode == 0:
                return time.monotonic() - began
            time.sleep(0.05)
        raise StartFailed(self.log_tail())

    def connect(self, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        return (context or any_certificate()).wrap_socket(raw, server_hostname="localhost")

    def shown(self) -> str:
        """The digest of the certificate that a new connection gets."""
        with self.connect() as connection:
            return hashlib.sha256(connection.getpeercert(binary_form=True)).hexdigest()

    def wait_shown(self, digest: str) -> None:
        end = time.monotonic() + 20
        while self.shown() != digest:
            assert time.monotonic() < end, f"{digest} is not shown\n{self.log_tail()}"
            time.sleep(0.1)

    def metrics(self) -> dict[str, float]:
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}/metrics", headers={"Authorization": f"Bearer {self.admin_key}"})
        with urllib.request.urlopen(request, timeout=20, context=any_certificate()) as answer:
            lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
        return {line.split("{")[0].split(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@pytest.fixture
def secure(tmp_path):
    first = make_pair(tmp_path, days=90)
    with Provider({"long": scripts.answer(" ".join(f"w{i}" for i in range(WORDS)), prompt=3, tokens=WORDS, chunk_s=0.06)}) as provider:
        config = CONFIG.format(folder=tmp_path, base_url=provider.base_url)
        with SecureSteward(config, env={"SCRIPT_KEY": provider.key}) as steward:
            yield steward, tmp_path, first


def begin_stream(steward: SecureSteward) -> tuple[ssl.SSLSocket, bytes]:
    body = json.dumps({"model": "long", "messages": [{"role": "user", "content": "go"}], "stream": True, "max_tokens": WORDS}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {steward.admin_key}\r\nContent-Type: application/json\r\n"
    connection = steward.connect()
    connection.sendall(head.encode() + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
    received = b""
    while b"w0" not in received:
        received += connection.recv(65536)
    return connection, received


def test_a_new_certificate_is_shown_while_a_stream_goes_on(secure):
    steward, folder, first = secure
    assert steward.shown() == first
    connection, received = begin_stream(steward)
    second = make_pair(folder, days=200)
    steward.wait_shown(second)
    assert f"w{WORDS - 1}".encode() not in received, "the stream was over before the exchange"
    while piece := connection.recv(65536):
        received += piece
    connection.close()
    assert b"[DONE]" in received and f"w{WORDS - 1}".encode() in received
    assert steward.metrics()["steward_tls_certificate_reloads_total"] == 1


def test_reload_takes_it_at_once_and_the_expiry_is_what_openssl_reads(secure):
    steward, folder, _ = secure
    second = make_pair(folder, days=33)
    steward.cli("reload")
    assert steward.shown() == second
    told = subprocess.run(["openssl", "x509", "-in", str(folder / "tls.crt"), "-noout", "-enddate"], check=True, capture_output=True, text=True).stdout
    assert steward.metrics()[EXPIRY] == ssl.cert_time_to_seconds(told.strip().removeprefix("notAfter="))


@pytest.mark.parametrize("fault", ["garbage", "another key", "readable key", "gone", "half"])
def test_a_bad_pair_keeps_the_old_one_and_is_told(secure, fault):
    steward, folder, first = secure
    good = steward.metrics()
    if fault == "garbage":
        (folder / "tls.crt").write_text("no certificate")
    elif fault == "another key":
        make_pair(folder, days=5, name="other")
        os.replace(folder / "other.key", folder / "tls.key")
    elif fault == "readable key":
        make_pair(folder, days=5)
        (folder / "tls.key").chmod(0o644)
    elif fault == "gone":
        (folder / "tls.key").unlink()
    else:
        (folder / "tls.crt").write_bytes((folder / "tls.crt").read_bytes()[:200])
    steward.cli("reload")
    assert steward.shown() == first
    told = steward.metrics()
    assert told["steward_tls_certificate_stale"] == 1 and good["steward_tls_certificate_stale"] == 0
    assert told["steward_tls_certificate_reload_failures_total"] >= 1
    assert told[EXPIRY] == good[EXPIRY]
    assert "the one before stays" in steward.log_tail()
    doctor = json.loads(steward.cli("doctor", "--json", check=False).stdout)
    assert any(one["about"] == "certificate" and one["mark"] == "bad" for one in doctor), doctor
    mended = make_pair(folder, days=60)
    steward.wait_shown(mended)
    assert steward.metrics()["steward_tls_certificate_stale"] == 0


def test_below_tls_12_nobody_gets_in(secure):
    steward, *_ = secure
    for version, accepted in (("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{steward.port}", version, "-cipher", "DEFAULT:@SECLEVEL=0"],
            check=False, input="", capture_output=True, text=True, timeout=20,
        )
        assert ("Cipher is (NONE)" not in done.stdout and "Server certificate" in done.stdout) == accepted, (version, done.stdout[-500:], done.stderr[-500:])


def test_http_on_the_tls_port_is_told_what_to_do(secure):
    steward, *_ = secure
    with socket.create_connection(("127.0.0.1", steward.port), timeout=20) as raw:
        raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"https://" in raw.recv(65536)


def test_a_start_with_a_key_that_others_can_read_is_refused(tmp_path):
    make_pair(tmp_path, days=5)
    (tmp_path / "tls.key").chmod(0o644)
    steward = SecureSteward(CONFIG.format(folder=tmp_path, base_url="http://127.0.0.1:9/v1"), env={"SCRIPT_KEY": "x"})
    try:
        with pytest.raises(StartFailed, match="mode 644"):
            steward.start()
    finally:
        steward.close()


def test_health_is_an_exit_code(secure):
    steward, *_ = secure
    assert json.loads(steward.cli("health").stdout)["status"] == "ready"
    assert steward.cli("health", "--live").returncode == 0
    steward.stop()
    assert steward.cli("health", check=False).returncode == 1
