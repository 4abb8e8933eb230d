"""The tests of queries know which labels a result has: as Prometheus makes it, without one."""

from __future__ import annotations

import pytest

from pulseguard_registry.rules.checking.expressions import read
from tests.grafana.results import Result

THERE = {
    "calls_bucket": frozenset({"agent", "team", "le"}),
    "calls_total": frozenset({"agent", "team"}),
    "agent_info": frozenset({"agent", "version"}),
}


def result(expression: str) -> Result:
    return Result.of(read(expression).tree, THERE.get)


@pytest.mark.parametrize(
    ("expression", "labels"),
    [
        ("rate(calls_total[5m]) > 1", "agent team"),
        ("sum(calls_total)", ""),
        ("sum by (team) (calls_total)", "team"),
        ("sum without (team) (calls_total)", "agent"),
        ("topk by (team) (3, calls_total)", "agent team"),
        ('count_values by (team) ("much", calls_total)', "much team"),
        ("histogram_quantile(0.9, sum by (le, team) (rate(calls_bucket[5m])))", "team"),
        ('label_replace(calls_total, "whose", "$1", "team", "(.*)")', "agent team whose"),
        ("calls_total / on (agent) group_left (version) agent_info", "agent team version"),
        ("agent_info * on (agent) group_right (version) calls_total", "agent team version"),
        ("sum by (agent) (calls_total) / on (agent) agent_info", "agent"),
        ("calls_total and on (agent) agent_info", "agent team"),
        ("calls_total or on () agent_info", "agent team version"),
        ("sum by (agent) (calls_total) / ignoring (version) agent_info", "agent"),
        ("vector(1) unless on () calls_total", ""),
        ('{__name__=~"calls_total|agent_info"}', "agent team version"),
    ],
)
def test_a_result_has_the_labels_that_prometheus_leaves_it(expression: str, labels: str):
    assert result(expression).faults == []
    assert result(expression).labels == set(labels.split())


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("rate(call_total[5m])", "there is no series call_total"),
        ('calls_total{squad="a"}', "calls_total has no label squad"),
        ("sum by (squad) (calls_total)", "what sum aggregates has no label squad"),
        ("calls_total / agent_info", "the right of / has no label team"),
        ("calls_total unless on (version) agent_info", "the left of unless has no label version"),
        ("calls_total * on (agent) group_left (owner) agent_info", "has no label owner"),
        ("histogram_quantile(0.9, calls_total)", "histogram_quantile has no label le"),
        ('label_replace(calls_total, "a", "$1", "squad", "(.*)")', "label_replace has no label"),
    ],
)
def test_what_can_never_have_a_result_is_told(expression: str, fault: str):
    assert any(fault in each for each in result(expression).faults), result(expression).faults
