"""Quantiles on pages and in docs/promql.md: true over agents of all profiles, none of nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser as promql
import pytest

from pulseguard.catalog import AGENT_METRICS
from pulseguard_registry.rules.checking.expressions import children, operator, read, walk
from tests.grafana.asked import OF_PANELS
from tests.grafana.known_series import labels_of
from tests.grafana.questions import questions
from tests.grafana.results import Result

# Any: a node of the parser's tree.
Node = Any
# Agents of one profile tell bounds that those of the other lack.
UNEVEN = {
    f"{metric.name}_bucket"
    for metric in AGENT_METRICS
    if metric.bounds("lean") and metric.bounds("lean") != metric.bounds("standard")
}
TREES = [
    *(pytest.param(asked.reading.tree, id=str(asked)) for asked in OF_PANELS),
    *(pytest.param(read(question).tree, id=question) for question in questions()),
]


def told_of(tree: Node, operators: set[str]) -> Iterator[tuple[Node, bool]]:
    """All nodes, and whether each is the left side of one of these operators, parentheses aside."""
    waiting = [(tree, False)]
    while waiting:
        node, is_left = waiting.pop()
        yield node, is_left
        is_operation = isinstance(node, promql.BinaryExpr) and operator(node) in operators
        for place, child in enumerate(children(node)):
            is_kept = isinstance(node, promql.ParenExpr) and is_left
            waiting.append((child, is_kept or (is_operation and place == 0)))


def sums_at_uneven_bounds(tree: Node) -> list[str]:
    """Sums of rates of buckets over several agents that are taken at all bounds as they come."""
    found = []
    for node, is_restricted in told_of(tree, {"and"}):
        if not isinstance(node, promql.AggregateExpr) or is_restricted:
            continue
        result = Result.of(node, labels_of)
        if "agent_id" in result.labels:
            continue
        is_of_rates = any(
            isinstance(each, promql.Call) and each.func.name == "rate" for each in walk(node)
        )
        if is_of_rates and result.series & UNEVEN and "le" in result.labels:
            found.append(node.prettify())
    return found


def quantiles_of_nothing(tree: Node) -> list[str]:
    """Those that are NaN where nothing happened, since no comparison leaves them out then."""
    return [
        node.prettify()
        for node, is_compared in told_of(tree, {">=", ">"})
        if isinstance(node, promql.Call)
        and node.func.name == "histogram_quantile"
        and not is_compared
    ]


@pytest.mark.parametrize("tree", TREES)
def test_buckets_of_several_agents_are_summed_at_bounds_that_all_of_them_have(tree: Node) -> None:
    assert sums_at_uneven_bounds(tree) == []


@pytest.mark.parametrize("tree", TREES)
def test_a_quantile_of_no_calls_is_no_number(tree: Node) -> None:
    assert quantiles_of_nothing(tree) == []


def test_sums_and_quantiles_that_are_not_true_are_seen() -> None:
    buckets = "sum by (le) (rate(gen_ai_client_operation_duration_seconds_bucket[5m]))"
    quantile = f"histogram_quantile(0.5, {buckets})"
    at_all = f"({buckets} and on (le) up)"

    assert len(sums_at_uneven_bounds(read(quantile).tree)) == 1
    assert sums_at_uneven_bounds(read(at_all).tree) == []
    assert len(quantiles_of_nothing(read(f"{quantile} or up").tree)) == 1
    assert quantiles_of_nothing(read(f"({quantile}) >= 0").tree) == []
