"""The rule files: well-formed, tested by promtool, and made of names that exist."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pulseguard.catalog import AGENT_METRICS, REGISTRY_METRICS
from pulseguard_prometheus.configuration import render_rules, shipped_rules
from pulseguard_prometheus.errors import ConfigurationMismatch
from pulseguard_stack.programs import find_program
from tests.prometheus.expressions import label_names, metric_names

REPOSITORY = Path(__file__).parents[2]
RULES = sorted((REPOSITORY / "prometheus" / "rules").glob("*"))
FIELDS = [
    *("model_inference_time_ms", "model_accuracy", "confidence_score", "tokens_processed"),
    *("tokens_per_second", "context_length", "api_calls_made", "api_call_latency_ms"),
]


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find_program("promtool"), *arguments], capture_output=True, text=True, check=False
    )


# Any: a rule, as YAML gives it.
def rules(path: Path) -> list[dict[str, Any]]:
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = [rule for path in RULES for rule in rules(path) if "alert" in rule]
RECORDED = {rule["record"] for path in RULES for rule in rules(path) if "record" in rule}
# What Prometheus itself makes of each scrape, and puts on it, and of alerts.
OF_PROMETHEUS = {"up", "process_start_time_seconds", "ALERTS"}
# What it and Alertmanager say of themselves.
OF_THE_WATCHERS = {
    *("prometheus_notifications_alertmanagers_discovered", "prometheus_notifications_errors_total"),
    *("prometheus_config_last_reload_successful", "prometheus_rule_evaluation_failures_total"),
    *("alertmanager_notifications_failed_total", "alertmanager_config_last_reload_successful"),
}
WATCHERS_LABELS = {"integration", "alertmanager", "rule_group"}
WATCHDOG = "Watchdog"
TARGET_LABELS = {
    *("job", "instance", "agent_id", "agent", "agent_type", "environment", "team", "__name__"),
}
LABELS_OF_ALERTS = {"alertstate", "severity"}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_a_rule_file_has_one_group_of_its_own_name(path: Path) -> None:
    assert path.suffix == ".yml"
    (group,) = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    assert group["name"] == path.stem


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_promtool_takes_a_rule_file_without_a_remark(path: Path) -> None:
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", path)

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_a_rule_file_does_what_its_promtool_test_says(path: Path) -> None:
    tested = promtool("test", "rules", Path(__file__).parent / path.name)

    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_every_recorded_series_of_a_file_is_in_its_promtool_test(path: Path) -> None:
    test = (Path(__file__).parent / path.name).read_text(encoding="utf-8")
    asked = {name for line in re.findall(r"- expr: (.*)", test) for name in metric_names(line)}

    assert {rule["record"] for rule in rules(path) if "record" in rule} - asked == set()


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_every_name_in_an_expression_is_in_the_catalogue_or_recorded(path: Path) -> None:
    series = {
        metric.name + suffix
        for metric in (*AGENT_METRICS, *REGISTRY_METRICS)
        for suffix in (("_sum", "_count", "_bucket") if metric.type == "histogram" else ("",))
    }
    used = {name for rule in rules(path) for name in metric_names(rule["expr"])}

    assert used or path.stem == "watchdog"
    assert used - series - RECORDED - OF_PROMETHEUS - OF_THE_WATCHERS == set()


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_every_label_in_an_expression_is_one_that_exists(path: Path) -> None:
    known = {label for metric in (*AGENT_METRICS, *REGISTRY_METRICS) for label in metric.labels}
    used = {name for rule in rules(path) for name in label_names(rule["expr"])}

    assert used - known - TARGET_LABELS - WATCHERS_LABELS - LABELS_OF_ALERTS - {"le"} == set()


def test_the_names_of_an_expression_are_found() -> None:
    expression = """
        sum without (le, model) (rate({__name__=~"one_total|two_total", job="agents"}[5m]))
          / on (job) group_left (team) (three:mean5m{a!="b{c}"} > bool 1e3)
          and four offset 1d or max_over_time(five[2h] offset 23h)
    """

    assert sorted(metric_names(expression)) == [
        "five",
        "four",
        "one_total",
        "three:mean5m",
        "two_total",
    ]
    assert set(label_names(expression)) == {"le", "model", "__name__", "job", "team", "a"}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_buckets_of_many_agents_are_summed_at_bounds_that_every_profile_has(path: Path) -> None:
    shared = {
        metric.name: {
            bound for bound in metric.bounds("lean") if bound in metric.bounds("standard")
        }
        for metric in AGENT_METRICS
        if metric.type == "histogram"
    }
    for rule in (rule for rule in rules(path) if re.search(r"\bby\b[^)]*\ble\b", rule["expr"])):
        (name,) = {name.removesuffix("_bucket") for name in metric_names(rule["expr"])}
        ((bounds),) = re.findall(r'le=~"([^"]*)"', rule["expr"])
        *finite, last = bounds.split("|")

        assert {float(bound.replace("[.]", ".")) for bound in finite} == shared[name]
        assert last == "[+]Inf"


def test_each_of_the_eight_fields_is_recorded_once() -> None:
    fields = REPOSITORY / "prometheus" / "rules" / "agent.yml"
    names = [rule["record"].split(":")[1].removeprefix("agent_") for rule in rules(fields)]

    assert sorted(names) == sorted(FIELDS)


def test_the_shipped_alerts_are_these() -> None:
    names = {
        *("AgentDown", "AgentErrorRateHigh", "AgentLatencyHigh", "AgentCostSpike"),
        *("AgentFailed", "AgentWorkStuck", "AgentTaskFailuresHigh", "AgentAccuracyLow"),
        *("AgentContextWindowFull", "AgentModelsFolded"),
        *("AgentIdentityShared", "RegistryTargetsHeldBack", "RegistryViewsDisagree"),
        *("RegistryDown", "RegistryDatabaseDown", "RegistryDiscoveryStale"),
        *("PrometheusWithoutAlertmanager", "PrometheusAlertsNotDelivered"),
        *("PrometheusConfigurationRejected", "PrometheusRulesFail"),
        *("AlertmanagerDown", "AlertmanagerNotificationsFail", "AlertmanagerConfigurationRejected"),
        *("RegistryRulesRejected", "RegistryRulesNotLoaded", "RegistryNotTold"),
        *("AlertmanagerSilencesMissing", "SyncSilent", WATCHDOG),
        *("RegistryRequestsFail", "PrometheusNotStoring", "RegistryAgentsSilent"),
    }

    assert {rule["alert"] for rule in ALERTS} == names
    assert len(ALERTS) == len(names)


WITHOUT_THE_WATCHDOG = [rule for rule in ALERTS if rule["alert"] != WATCHDOG]


@pytest.mark.parametrize("rule", WITHOUT_THE_WATCHDOG, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_and_how_bad_and_what_to_do(rule: dict[str, Any]) -> None:
    annotations = rule["annotations"]

    # The subject, then its problem.
    subjects = r"^(Agent|Registry|Sync|Prometheus|Alertmanager)(?:[A-Z][a-z]+)+$"
    (subject,) = re.findall(subjects, rule["alert"])
    assert re.fullmatch(r"\d+[ms]", rule["for"])
    assert set(rule["labels"]) == {"severity"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    said = {"summary", "description", "value", "threshold", "runbook_url", "dashboard_url"}
    assert set(annotations) == said
    for fixed in ("summary", "threshold"):
        assert "{{" not in annotations[fixed]
    for label in ("agent", "instance", "environment") if subject == "Agent" else ():
        assert f"$labels.{label} }}}}" in annotations["description"]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_the_runbook_of_an_alert_is_there(rule: dict[str, Any]) -> None:
    path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^## (\w+)$", (REPOSITORY / path).read_text(encoding="utf-8"), re.M)

    assert anchor == rule["alert"].lower()
    assert anchor in [heading.lower() for heading in headings]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_opens_the_page_of_its_agent_or_of_the_monitor(rule: dict[str, Any]) -> None:
    # A name may hold any printable character: quoted, it stays one value of one variable.
    who = [
        f"var-{label}={{{{ urlquery $labels.{label} }}}}"
        for label in ("environment", "agent", "instance")
    ]
    # One of the simulated fleet is on offer there while that is shown.
    of_an_agent = f"/d/pulseguard-agent?{'&'.join([*who, 'var-simulation=-'])}"
    expected = of_an_agent if rule["alert"].startswith("Agent") else "/d/pulseguard-monitor"

    assert rule["annotations"]["dashboard_url"] == expected


def test_every_runbook_is_of_an_alert_that_is_shipped() -> None:
    text = (REPOSITORY / "docs" / "runbooks.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^## (\w+)$", text, re.M)) == {rule["alert"] for rule in ALERTS}


def test_every_name_in_a_runbook_exists() -> None:
    text = (REPOSITORY / "docs" / "runbooks.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:pulseguard|gen_ai)[_:][\w:]+", text))
    known = {metric.name for metric in (*AGENT_METRICS, *REGISTRY_METRICS)} | RECORDED
    labels = {label for metric in AGENT_METRICS for label in metric.labels}

    assert {re.sub("_(count|bucket)$", "", name) for name in named} - known - labels == set()


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_a_test_of_an_alert_walks_it_from_silence_to_its_end(path: Path) -> None:
    document = yaml.safe_load((Path(__file__).parent / path.name).read_text(encoding="utf-8"))
    for rule in (rule for rule in rules(path) if rule in WITHOUT_THE_WATCHDOG):
        walked = [
            [bool(step["exp_alerts"]) for step in test.get("alert_rule_test", [])]
            for test in document["tests"]
        ]

        assert [False, False, True, False] in walked, rule["alert"]
        assert 'alertstate="pending"' in yaml.dump(document, width=10_000)


def test_the_watchdog_always_fires_and_pages_nobody() -> None:
    (rule,) = (rule for rule in ALERTS if rule["alert"] == WATCHDOG)

    # That it does is in its promtool test; of this severity no receiver for people is told.
    assert rule["expr"] == "vector(1)"
    assert rule["labels"] == {"severity": "none"}


def test_the_shipped_rules_are_the_files_of_the_repository() -> None:
    assert shipped_rules() == {path.name: path.read_text(encoding="utf-8") for path in RULES}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_rendering_shortens_the_waiting_and_nothing_else(path: Path, tmp_path: Path) -> None:
    rendered = tmp_path / path.name
    rendered.write_text(render_rules(path.read_text(encoding="utf-8"), pending_seconds=1.5))
    expected = [rule | ({"for": "1500ms"} if "alert" in rule else {}) for rule in rules(path)]

    assert rules(rendered) == expected
    assert "interval" not in yaml.safe_load(rendered.read_text())["groups"][0]
    assert promtool("check", "rules", rendered).returncode == 0


@pytest.mark.parametrize(
    "text", ["groups:", "rules: []", "groups: [{name: a, rules: [{alert: A, expr: up}]}]"]
)
def test_what_is_no_file_of_rules_is_not_rendered(text: str) -> None:
    with pytest.raises(ConfigurationMismatch):
        render_rules(text, pending_seconds=1)
