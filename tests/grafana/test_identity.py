"""Agents are told apart by environment, name and instance: the last is not unique alone."""

from __future__ import annotations

import re

import promql_parser as promql
import pytest

from pulseguard_registry.rules.checking.expressions import walk
from tests.grafana.asked import OF_PANELS, Asked
from tests.grafana.known_series import labels_of
from tests.grafana.results import Result

IDENTITY = {"environment", "agent", "instance"}
# The page of the monitor is about no agents: its instances are those of other jobs.
ASKED = [each for each in OF_PANELS if not each.page.of_monitor]


def is_of_agents(result: Result) -> bool:
    return any("agent_id" in (labels_of(name) or ()) for name in result.series)


def is_one_agent_each(labels: frozenset[str]) -> bool:
    return "agent_id" in labels or labels >= IDENTITY


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_what_is_of_each_instance_is_of_each_agent(asked: Asked) -> None:
    for node in walk(asked.reading.tree):
        result = Result.of(node, labels_of)
        if isinstance(node, promql.AggregateExpr) and is_of_agents(result):
            is_of_instances = "instance" in result.labels
            assert is_one_agent_each(result.labels) or not is_of_instances, node.prettify()


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_a_legend_of_instances_names_their_agents(asked: Asked) -> None:
    assert asked.target is not None
    named = set(re.findall(r"\{\{(\w+)\}\}", asked.target["legendFormat"]))

    if "instance" in named and is_of_agents(asked.result):
        assert named >= IDENTITY
