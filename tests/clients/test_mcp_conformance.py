"""The Model Context Protocol's own conformance suite against /mcp: what of it a server of these tools can be judged by.

The suite sends no key, so a proxy in between adds one and passes everything else on as it came. Left out is what is about things that are not
offered: resources, prompts, completion, logging, sampling, elicitation, input requests, tasks, server-sent events, and calls of tools that the
suite wants by its own names (within a scenario it marks those itself: untestable).
"""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.clients.test_mcp import CONFIG
from tests.harness.admin import Admin
from tests.harness.steward import Steward
from tests.realclients.sandbox import INSTALLED, NODE

SUITE = INSTALLED / "conformance/node_modules/@modelcontextprotocol/conformance/dist/index.js"
# Scenario → under which revision of the protocol.
SCENARIOS = {
    "server-initialize": "2025-11-25",
    "ping": "2025-11-25",
    "tools-list": "2025-11-25",
    "dns-rebinding-protection": "2025-11-25",
    "server-stateless": "2026-07-28",
    "caching": "2026-07-28",
    "http-header-validation": "2026-07-28",
}
# Of a scenario that applies, what is about lists that are not offered: prompts and resources.
NOT_OFFERED = {f"sep-2549-{what}-list-caching-hints" for what in ("prompts", "resources", "resources-templates")}
HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")


def proxy_to(steward: Steward, key: str) -> ThreadingHTTPServer:
    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            upstream = http.client.HTTPConnection("127.0.0.1", steward.port, timeout=30)
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in HOP:
                    upstream.putheader(name, value)
            upstream.putheader("authorization", f"Bearer {key}")
            upstream.putheader("content-length", str(len(body)))
            upstream.endheaders(body)
            answer = upstream.getresponse()
            told = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)
            upstream.close()

        do_GET = do_POST = do_DELETE = pass_on

        def log_message(self, *_: object) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Passing)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with Steward(CONFIG) as steward, Admin(steward) as admin:
        proxy = proxy_to(steward, admin.new_key("conformance", endpoints=["memory"])["secret"])
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        yield f"http://localhost:{proxy.server_port}/mcp"
        proxy.shutdown()
        proxy.server_close()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_suite_finds_nothing_wrong(address: str, scenario: str, tmp_path: Path) -> None:
    command = [NODE / "node", SUITE, "server", "--url", address, "--scenario", scenario, "--spec-version", SCENARIOS[scenario], "-o", tmp_path]
    done = subprocess.run(command, check=False, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    looked_at = [check for file in tmp_path.rglob("checks.json") for check in json.loads(file.read_text())]
    # What needs a tool of the suite's own is told apart by the suite itself.
    untestable = lambda check: check["id"] in NOT_OFFERED or (check.get("details") or {}).get("untestable")  # noqa: E731
    wrong = [check for check in looked_at if check["status"] in ("FAILURE", "WARNING") and not untestable(check)]
    assert wrong == [], json.dumps(wrong, indent=1)[:4000]
    assert any(check["status"] == "SUCCESS" for check in looked_at), done.stdout[-4000:]
