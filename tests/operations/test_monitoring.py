"""Every metric and label that the alert rules, the dashboard and docs/monitoring.md name is exported by a running server."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.harness import scripts
from tests.harness.paths import ROOT
from tests.harness.provider import Provider
from tests.operations.test_tls import SecureSteward, any_certificate, make_pair

RULES = ROOT / "packaging/prometheus/steward.rules.yml"
DASHBOARD = ROOT / "packaging/grafana/steward.json"
PAGE = ROOT / "docs/monitoring.md"
NAME = re.compile(r"\b(?:steward|process)_[a-z_]+\b")
CONFIG = """
[server]
tls_certificate = "{folder}/tls.crt"
tls_key = "{folder}/tls.key"
[traces]
endpoint = "http://127.0.0.1:9"
[providers.script]
base_url = "{base_url}"
key_env = "SCRIPT_KEY"
models = ["good", "bad"]
"""
# Exported once there is something to count; the checks chaos and disk see to that.
WHEN_SOMETHING_IS_WRONG = {"steward_usage_disputed_total", "steward_trouble"}
ADDED_BY_PROMETHEUS = {"instance", "job"}


def parse(text: str) -> dict[str, dict[str, set[str]]]:
    """Series → label → values."""
    out: dict[str, dict[str, set[str]]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, labels = re.match(r"([a-z_]+)(?:\{(.*)\})? ", line).groups()
            known = out.setdefault(name, {})
            for label, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""):
                known.setdefault(label, set()).add(value)
    return out


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """What /metrics says after calls that were answered, failed, refused, and one of a local model."""
    folder: Path = tmp_path_factory.mktemp("pair")
    make_pair(folder, days=30)
    with Provider({"good": scripts.answer("fine", prompt=3, tokens=1), "bad": scripts.fails(500)}) as provider:
        config = CONFIG.format(folder=folder, base_url=provider.base_url)
        with SecureSteward(config, env={"SCRIPT_KEY": provider.key}) as steward:
            local = next(one["name"] for one in json.loads(ask(steward, "GET", "/admin/v1/models"))["data"] if one["kind"] == "embedding")
            poor = json.loads(steward.cli("keys", "new", "poor", "--budget", "0", "--json").stdout)["secret"]
            ask(steward, "POST", "/admin/v1/prices", {"provider": "script", "model": "good", "input_pico": 1, "output_pico": 1})
            for model, key in (("good", None), ("bad", None), ("good", poor)):
                ask(steward, "POST", "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": "x"}], "stream": model == "good"}, key)
            ask(steward, "POST", "/v1/embeddings", {"model": local, "input": "x"})
            yield parse(ask(steward, "GET", "/metrics"))


def ask(steward: SecureSteward, method: str, path: str, body: dict | None = None, key: str | None = None) -> str:
    headers = {"Authorization": f"Bearer {key or steward.admin_key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"https://127.0.0.1:{steward.port}{path}", method=method, headers=headers, data=json.dumps(body).encode() if body else None)
    try:
        with urllib.request.urlopen(request, timeout=60, context=any_certificate()) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.read().decode()


def expressions() -> dict[str, str]:
    rules = {f"rule {rule['alert']}": rule["expr"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
    board = json.loads(DASHBOARD.read_text())
    panels = {f"panel {panel['title']} {target['refId']}": target["expr"] for panel in board["panels"] for target in panel.get("targets", [])}
    return rules | panels | {"annotation": board["annotations"]["list"][0]["expr"]}


def labels_used(expression: str) -> set[str]:
    in_selectors = {label for body in re.findall(r"\{([^}]*)\}", expression) for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", body)}
    grouped = {label.strip() for body in re.findall(r"\b(?:by|without|on)\s*\(([^)]*)\)", expression) for label in body.split(",")}
    return in_selectors | grouped


def problems(expression: str, exported: dict[str, dict[str, set[str]]]) -> list[str]:
    names = NAME.findall(re.sub(r"\{[^}]*\}", "", expression))
    missing = [name for name in names if name not in exported]
    known = set(ADDED_BY_PROMETHEUS).union(*(exported.get(name, {}) for name in names))
    return missing + [f"label {label}" for label in labels_used(expression) - known]


def test_rules_and_panels_name_what_is_exported(exported):
    wrong = {where: bad for where, expression in expressions().items() if (bad := problems(expression, exported))}
    assert wrong == {}
    assert len(expressions()) > 40


def test_the_judge_sees_a_metric_and_a_label_that_are_not_there(exported):
    assert problems("steward_readyness == 0", exported) == ["steward_readyness"]
    assert problems('sum by (modle) (steward_calls_total{outcom="x"})', exported)


def test_outcomes_and_codes_in_the_rules_are_real(exported):
    """The values that selectors compare with, as far as this run caused them."""
    assert "upstream_failed" in exported["steward_calls_total"]["outcome"] and "finished" in exported["steward_calls_total"]["outcome"]
    assert "budget_exceeded" in exported["steward_refusals_total"]["code"]
    source = (ROOT / "src/gateway/call.cc").read_text()
    for values in re.findall(r'outcome=~?"([^"]+)"', RULES.read_text()):
        assert all(f'"{value}"' in source for value in values.split("|")), values


def test_the_page_names_each_alert_and_only_what_is_exported(exported):
    page = PAGE.read_text()
    alerts = [rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    assert [alert for alert in alerts if f"`{alert}`" not in page] == []
    told = set(NAME.findall(page))
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported} | set(exported)
    assert told - families == set()
    operations = set(NAME.findall((ROOT / "docs/operations.md").read_text()))
    assert operations - families - WHEN_SOMETHING_IS_WRONG == set(), "docs/operations.md names metrics that are not exported"


def test_every_alert_has_what_a_person_needs():
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in {"page", "ticket"} and rule["annotations"]["summary"] and rule["for"], rule["alert"]


def test_the_dashboard_imports_as_one(exported):
    board = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids)) and board["uid"] == "steward"
    cells = [(x, y) for panel in board["panels"] for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
             for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])]
    assert len(cells) == len(set(cells)), "two panels lie over each other"
    steward_metrics = {name for name in exported if name.startswith("steward_") and not name.endswith(("_sum", "_count"))}
    shown = set(NAME.findall(DASHBOARD.read_text()))
    unshown = steward_metrics - shown - {"steward_tls_certificate_stale", "steward_tls_certificate_reloads_total", "steward_tls_certificate_reload_failures_total",
                                         "steward_trace_spans_dropped_total", "steward_trace_spans_sent_total", "steward_build_info"}
    assert unshown == set(), "a metric that no panel shows"
