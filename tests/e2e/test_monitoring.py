"""The dashboard and the alert rules name metrics that a running system has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from precast_app.telemetry import durations
from tests.conftest import EXAMPLES, ROOT
from tests.live_site import serving

RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
RULE_TESTS = ROOT / "deploy" / "prometheus" / "alerts.test.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "precast.json"


def named_metrics(path: Path) -> set[str]:
    return set(re.findall(r"\bprecast_\w+", path.read_text(encoding="utf-8")))


def test_the_dashboard_and_the_alerts_name_metrics_of_a_running_system(app: Flask, environment: dict[str, str]) -> None:
    with serving(environment) as site:
        project = site.project("Harbour")
        job = site.upload(f"/api/project/{project}/import/excel", EXAMPLES / "element_types.xlsx")
        assert site.follow(job["job_id"])[-1]["status"] == "completed"
        text = site.session.get(f"{site.address}/metrics", timeout=30).text
    families = list(text_string_to_metric_families(text))
    samples = {sample.name for family in families for sample in family.samples}
    for path in (RULES, RULE_TESTS, DASHBOARD):
        assert len(named_metrics(path)) > 5
        assert named_metrics(path) <= samples
    assert {family.name for family in families} >= {histogram.name for histogram in durations.ALL}


def test_the_dashboard_has_a_query_for_each_panel() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]) > 10
    for panel in dashboard["panels"]:
        assert panel["title"]
        assert panel["targets"]
        for target in panel["targets"]:
            assert target["expr"].count("(") == target["expr"].count(")")


def test_the_dashboard_shows_every_metric_of_an_alert() -> None:
    assert named_metrics(RULES) <= named_metrics(DASHBOARD)


def test_every_alert_has_a_test_and_says_what_to_do() -> None:
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    tested = yaml.safe_load(RULE_TESTS.read_text(encoding="utf-8"))["tests"]
    fires = {check["alertname"] for test in tested for check in test["alert_rule_test"] if check["exp_alerts"]}
    assert {rule["alert"] for rule in group["rules"]} == fires
    for rule in group["rules"]:
        assert rule["for"]
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: package prometheus)")
def test_promtool_accepts_the_alerts() -> None:
    for command in (["check", "rules", RULES.name], ["test", "rules", RULE_TESTS.name]):
        done = subprocess.run(["promtool", *command], cwd=RULES.parent, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
