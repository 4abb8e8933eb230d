"""What the fleet's page says first, beside a stack of which something really is not well."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import psutil
import pytest

from pulseguard_grafana.preview.evaluation import EvaluatedDashboard
from pulseguard_registry.embedded import DATA_FOLDER
from tests.end_to_end.conftest import SCRAPE_SECONDS, Stack, running_stack
from tests.end_to_end.pages import page, panel, said
from tests.end_to_end.processes import Started
from tests.prometheus_server import eventually

IDLE_AGENT = "tests.end_to_end.idle_agent"
SECONDS_TO_TELL = 60


def verdict(stack: Stack, **wanted: str) -> str:
    return said(panel(fleet(stack, wanted), "Is everything well?"))


def fleet(stack: Stack, wanted: Mapping[str, str] | None = None) -> EvaluatedDashboard:
    chosen = {name: [each] for name, each in (wanted or {}).items()}
    url = stack.prometheus.url
    return page(url, "fleet", scrape_seconds=SCRAPE_SECONDS, wanted=chosen)


def statuses(stack: Stack) -> dict[str, float]:
    """How many agents have which status."""
    values = panel(fleet(stack), "Agents by status").document()["values"]
    return {each["name"]: each["value"] for each in values}


def says(stack: Stack, beginning: str, **wanted: str) -> None:
    """Waits until the verdict is this."""
    eventually(
        lambda: verdict(stack, **wanted).startswith(beginning), timeout_seconds=SECONDS_TO_TELL
    )


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Everything but an agent; each test leaves it well, with one agent more than the last."""
    with running_stack() as one:
        yield one


def start(stack: Stack, name: str) -> Started:
    agent = stack.start_module(IDLE_AGENT, name)
    agent.line()
    return agent


def test_without_an_agent_it_says_how_to_add_one(stack: Stack) -> None:
    says(stack, "No agent is registered yet: call pulseguard.Agent(")

    assert not panel(fleet(stack), "Agents").has_data


def test_all_is_well_once_an_agent_runs(stack: Stack) -> None:
    start(stack, "steady")

    says(stack, "All is well")
    assert panel(fleet(stack), "Agents").document()["rows"] != []


def test_it_counts_the_agents_that_fell_silent(stack: Stack) -> None:
    killed = [start(stack, name) for name in ("first", "second")]
    says(stack, "All is well")

    killed[0].kill()
    says(stack, "1 agent is in trouble")
    killed[1].kill()
    says(stack, "2 agents are in trouble")

    rows = panel(fleet(stack), "Agents").document()["rows"]
    assert {row["Agent"] for row in rows[:2]} == {"first", "second"}
    for name in ("first", "second"):
        start(stack, name)
    says(stack, "All is well")


def test_an_agent_that_stops_by_itself_is_no_trouble(stack: Stack) -> None:
    agent = start(stack, "leaving")
    eventually(lambda: len(stack.prometheus.query('up{job="agents"} == 1')) == 4)

    assert agent.end_input() == 0

    eventually(lambda: statuses(stack) == {"ONLINE": 3, "OFFLINE": 1})
    assert verdict(stack) == "All is well"


def test_a_choice_without_agents_is_not_called_well(stack: Stack) -> None:
    says(stack, "No agent is in this environment and team", team="nobody")


def test_without_its_registry_the_numbers_of_a_fleet_are_there_still(stack: Stack) -> None:
    stack.agent_process = stack.start_agent()
    stack.make_calls(2, seed=1)
    eventually(lambda: panel(fleet(stack), "Tokens/s").has_data)
    stack.stop_registry()

    says(stack, "The registry does not answer Prometheus")
    eventually(lambda: statuses(stack) == {})
    shown = fleet(stack)
    assert shown.variables["environment"].values == ["production"]
    assert panel(shown, "Tokens/s").has_data
    rows = panel(shown, "Agents").document()["rows"]
    assert {"steady", "first", "second"} < {row["Agent"] for row in rows}
    assert panel(shown, "Disagreements").document()["rows"] == [
        {"Of which kind": "any: the registry does not tell", "Agents": -1}
    ]

    stack.start_registry()
    says(stack, "All is well")


def test_without_its_postgresql_the_registry_knows_of_no_agent(stack: Stack) -> None:
    with frozen_postgresql(stack):
        says(stack, "The registry's PostgreSQL does not answer")

    says(stack, "All is well")


@pytest.mark.parametrize("name", ["fleet.yml", "availability.yml"])
def test_without_rules_that_are_evaluated_nothing_is_called_well(stack: Stack, name: str) -> None:
    with without_rules(stack, name):
        says(stack, "Rules are not evaluated")

    says(stack, "All is well")


@contextmanager
def frozen_postgresql(stack: Stack) -> Iterator[None]:
    """Every process of it stopped by a signal: killed, it would be started again at once."""
    pid_file = stack.folder / "data" / DATA_FOLDER / "postmaster.pid"
    postmaster = psutil.Process(int(pid_file.read_text(encoding="utf-8").split("\n")[0]))
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


@contextmanager
def without_rules(stack: Stack, name: str) -> Iterator[None]:
    """Prometheus runs on, and has the rules of this file no more."""
    rules = stack.prometheus.folder / "rules" / name
    text = rules.read_text(encoding="utf-8")
    rules.unlink()
    stack.prometheus.reload()
    try:
        yield
    finally:
        rules.write_text(text, encoding="utf-8")
        stack.prometheus.reload()
