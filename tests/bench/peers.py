"""Other people's gateways in front of the benchmark's upstream, each as its own documentation starts it, with one worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.wire import Target, Upstream, wait_listening
from tests.harness.paths import ROOT, free_port
from tools.peers.install import PEERS, NotInstalled

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 1000000;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  upstream up {{ server 127.0.0.1:{upstream}; keepalive 1024; keepalive_requests 1000000; }}
  server {{ listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }} }}
}}
"""

ENVOY = """
static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          route_config:
            virtual_hosts:
            - {{ name: all, domains: ["*"], routes: [{{ match: {{ prefix: "/" }}, route: {{ cluster: up, timeout: 0s }} }}] }}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{ "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }}
  clusters:
  - name: up
    type: STATIC
    circuit_breakers: {{ thresholds: [{{ max_connections: 8192, max_pending_requests: 8192, max_requests: 8192 }}] }}
    load_assignment: {{ cluster_name: up, endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {upstream} }} }} }} }}] }}] }}
"""


class Peer:
    """A running one. `target` says how it is called."""

    def __init__(self, process: subprocess.Popen, target: Target):
        self.process, self.target = process, target
        target.pid = process.pid

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


def _start(command: list[object], folder: Path, port: int, deadline_s: float, env: dict[str, str] | None = None, cwd: Path | None = None) -> subprocess.Popen:
    with open(folder / f"{Path(str(command[0])).name}.log", "ab") as log:
        process = subprocess.Popen([str(word) for word in command], cwd=cwd or folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_listening(port, deadline_s, process)
    except RuntimeError:
        process.kill()
        raise
    return process


def nginx(program: Path, folder: Path, up: Upstream) -> Peer:
    port = free_port()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, upstream=up.port, port=port))
    return Peer(_start([program, "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr"], folder, port, 10), Target(port))


def envoy(program: Path, folder: Path, up: Upstream) -> Peer:
    port = free_port()
    (folder / "envoy.yaml").write_text(ENVOY.format(upstream=up.port, port=port))
    return Peer(_start([program, "-c", folder / "envoy.yaml", "--concurrency", "1", "--log-level", "warning"], folder, port, 30), Target(port))


def portkey(package: Path, folder: Path, up: Upstream) -> Peer:
    port = free_port()
    command = [ROOT / "build/clients/nodejs/bin/node", "build/start-server.js", f"--port={port}", "--headless"]
    headers = ("Authorization: Bearer sk-none", "x-portkey-provider: openai", f"x-portkey-custom-host: {up.base_url}")
    return Peer(_start(command, folder, port, 60, cwd=package), Target(port, headers=headers))


def litellm(program: Path, folder: Path, up: Upstream) -> Peer:
    port = free_port()
    parameters = {"model": "openai/fake-1", "api_base": up.base_url, "api_key": "sk-none"}
    config = {"model_list": [{"model_name": "fake-1", "litellm_params": parameters}], "general_settings": {"master_key": "sk-bench"}}
    (folder / "litellm.yaml").write_text(json.dumps(config))
    env = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "HOME": str(folder)}
    command = [program, "--config", folder / "litellm.yaml", "--host", "127.0.0.1", "--port", port, "--num_workers", "1", "--telemetry", "False"]
    return Peer(_start(command, folder, port, 180, env), Target(port, headers=("Authorization: Bearer sk-bench",)))


STARTERS: dict[str, Callable[[Path, Path, Upstream], Peer]] = {"nginx": nginx, "envoy": envoy, "portkey": portkey, "litellm": litellm}


def start(folder: Path, up: Upstream) -> tuple[dict[str, Peer], dict[str, str]]:
    """All that can be: running ones by name, and for the others why they are not."""
    running: dict[str, Peer] = {}
    missing: dict[str, str] = {}
    for name, starter in STARTERS.items():
        try:
            program = PEERS[name]()
        except NotInstalled as why:
            missing[name] = f"not installed: {why}"
            continue
        try:
            running[name] = starter(program, folder, up)
        except (OSError, RuntimeError) as why:
            missing[name] = f"did not start: {why}"
    for name, why in missing.items():
        print(f"{name}: {why}", file=sys.stderr, flush=True)
    return running, missing
