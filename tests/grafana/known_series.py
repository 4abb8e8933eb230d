"""Which series there are, with which labels: the catalogue's, our rules', and the watchers'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pulseguard.catalog import AGENT_METRICS, REGISTRY_METRICS, Metric
from pulseguard_grafana.preview.time_range import seconds_of
from pulseguard_registry.rules.checking.expressions import read
from tests.grafana.results import Result

RULES = Path(__file__).parents[2] / "prometheus" / "rules"
# As prometheus.yml has it for scrapes, and for rules where their group says nothing.
SCRAPE_INTERVAL = "10s"
SCRAPED = {"job", "instance"}
AGENTS = SCRAPED | {"agent_id", "agent", "agent_type", "environment", "team"}
# What Prometheus makes of each scrape, and what the programs that it scrapes tell of themselves:
# Prometheus 2.42 and 3, Alertmanager 0.25 and later.
OF_SCRAPES = {
    *("up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_series_added"),
    *("scrape_samples_post_metric_relabeling",),
}
OF_PROGRAMS = {
    *("process_start_time_seconds", "process_cpu_seconds_total", "process_open_fds"),
    *("process_max_fds", "process_resident_memory_bytes"),
}
RULE_GROUP, QUANTILE = {"rule_group"}, {"quantile"}
OF_THE_WATCHERS: Mapping[str, set[str]] = {
    "prometheus_build_info": {"version"},
    "prometheus_config_last_reload_successful": set(),
    "prometheus_config_last_reload_success_timestamp_seconds": set(),
    "prometheus_engine_queries": set(),
    "prometheus_engine_query_duration_seconds": QUANTILE | {"slice"},
    "prometheus_notifications_alertmanagers_discovered": set(),
    "prometheus_notifications_dropped_total": set(),
    "prometheus_notifications_errors_total": {"alertmanager"},
    "prometheus_notifications_queue_capacity": set(),
    "prometheus_notifications_queue_length": set(),
    "prometheus_notifications_sent_total": {"alertmanager"},
    "prometheus_rule_evaluation_failures_total": RULE_GROUP,
    "prometheus_rule_evaluations_total": RULE_GROUP,
    "prometheus_rule_group_interval_seconds": RULE_GROUP,
    "prometheus_rule_group_iterations_missed_total": RULE_GROUP,
    "prometheus_rule_group_iterations_total": RULE_GROUP,
    "prometheus_rule_group_last_duration_seconds": RULE_GROUP,
    "prometheus_rule_group_last_evaluation_samples": RULE_GROUP,
    "prometheus_rule_group_last_evaluation_timestamp_seconds": RULE_GROUP,
    "prometheus_rule_group_rules": RULE_GROUP,
    "prometheus_sd_discovered_targets": {"config", "name"},
    "prometheus_sd_http_failures_total": set(),
    "prometheus_target_scrape_pool_targets": {"scrape_job"},
    "prometheus_target_scrapes_exceeded_body_size_limit_total": set(),
    "prometheus_target_scrapes_exceeded_sample_limit_total": set(),
    "prometheus_target_scrapes_sample_duplicate_timestamp_total": set(),
    "prometheus_target_scrapes_sample_out_of_order_total": set(),
    "prometheus_tsdb_compactions_failed_total": set(),
    "prometheus_tsdb_head_samples_appended_total": {"type"},
    "prometheus_tsdb_head_series": set(),
    "prometheus_tsdb_storage_blocks_bytes": set(),
    "prometheus_tsdb_wal_corruptions_total": set(),
    "prometheus_tsdb_wal_writes_failed_total": set(),
    "alertmanager_alerts": {"state"},
    "alertmanager_alerts_received_total": {"status"},
    "alertmanager_build_info": {"version"},
    "alertmanager_config_last_reload_successful": set(),
    "alertmanager_notifications_failed_total": {"integration"},
    "alertmanager_notifications_total": {"integration"},
    "alertmanager_silences": {"state"},
}


# Any: a rule, as YAML gives it.
@cache
def shipped_rules() -> list[dict[str, Any]]:
    groups = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in RULES.glob("*.yml")]
    return [rule for document in groups for group in document["groups"] for rule in group["rules"]]


@cache
def seconds_between(series: str) -> float:
    """How far apart its values are: as the group of its rule has it, or as it is scraped."""
    for file in RULES.glob("*.yml"):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            if any(rule.get("record") == series for rule in group["rules"]):
                return seconds_of(group.get("interval", SCRAPE_INTERVAL))
    return seconds_of(SCRAPE_INTERVAL)


@cache
def recorded_rules() -> Mapping[str, list[str]]:
    """The expressions that are recorded under each name."""
    found: dict[str, list[str]] = {}
    for rule in shipped_rules():
        if "record" in rule:
            found.setdefault(rule["record"], []).append(rule["expr"])
    return found


@cache
def labels_of(series: str) -> frozenset[str] | None:
    """The labels that a series of this name may have; None where there is no such series."""
    if series in ("ALERTS", "ALERTS_FOR_STATE"):
        own = {"alertname", "severity"} | ({"alertstate"} if series == "ALERTS" else set())
        return frozenset(own) | _labels_of_results(
            rule for rule in shipped_rules() if "alert" in rule
        )
    if series in recorded_rules():
        rules = [rule for rule in shipped_rules() if rule.get("record") == series]
        return _labels_of_results(rules, series)
    return _scraped().get(series)


@cache
def all_series() -> frozenset[str]:
    """The names of all that there is, alerts besides."""
    return frozenset(_scraped()) | frozenset(recorded_rules())


@cache
def sources_of(series: str) -> frozenset[str]:
    """The name of the series and, where it is recorded, all that it is made of."""
    found = {series}
    for expression in recorded_rules().get(series, []):
        for source in Result.of(read(expression).tree, labels_of).series - {series}:
            found |= sources_of(source)
    return frozenset(found)


def _labels_of_results(
    rules: Iterable[dict[str, Any]], recorded_as: str | None = None
) -> frozenset[str]:
    def known(series: str) -> frozenset[str] | None:
        # One that looks at its own past has what an agent has there.
        return frozenset(AGENTS) if series == recorded_as else labels_of(series)

    labels: set[str] = set()
    for rule in rules:
        labels |= Result.of(read(rule["expr"]).tree, known).labels | set(rule.get("labels", ()))
    return frozenset(labels)


@cache
def _scraped() -> Mapping[str, frozenset[str]]:
    found = dict.fromkeys(OF_SCRAPES, frozenset(AGENTS))
    found |= dict.fromkeys(OF_PROGRAMS, frozenset(AGENTS))
    for name, labels in OF_THE_WATCHERS.items():
        found[name] = frozenset(labels | SCRAPED)
    for metrics, targets in ((AGENT_METRICS, AGENTS), (REGISTRY_METRICS, SCRAPED)):
        for metric in metrics:
            found |= {name: labels | targets for name, labels in _series_of(metric).items()}
    return found


def _series_of(metric: Metric) -> Mapping[str, frozenset[str]]:
    labels = frozenset(metric.labels)
    if metric.type != "histogram":
        return {metric.name: labels}
    parts = dict.fromkeys((f"{metric.name}_sum", f"{metric.name}_count"), labels)
    return {f"{metric.name}_bucket": labels | {"le"}, **parts}
