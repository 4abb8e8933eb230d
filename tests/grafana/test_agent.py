"""What the page of an agent answers about agents that are known, evaluated by promtool."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pulseguard_stack.programs import find_program
from tests.grafana.asked import OF_PANELS, VARIABLE

AGENT = 'agent_id="%s",agent="bot",instance="h-%s",environment="production",team="x"'
ONE, OTHER, THIRD = (AGENT % (n, n) for n in (1, 2, 3))
MINUTES = 30
WINDOWS = {"__rate_interval": "5m", "__range": f"{MINUTES}m"}


def queries_of(title: str) -> list[str]:
    """Those of a panel of the page, with all agents chosen."""
    panels = [each for each in OF_PANELS if each.page.name == "agent"]
    found = [each.expr for each in panels if each.shown and each.shown.panel["title"] == title]
    return [VARIABLE.sub(lambda name: WINDOWS.get(name[1], ".+"), expr) for expr in found]


def answered(
    folder: Path, title: str, series: Mapping[str, str], *expected: Mapping[str, float]
) -> str:
    """What promtool has against this: after half an hour each query of the panel answers so, with
    values by labels."""
    tests = [
        {"expr": expr, "eval_time": f"{MINUTES}m", "exp_samples": samples(values)}
        for expr, values in zip(queries_of(title), expected, strict=True)
    ]
    given = [{"series": name, "values": values} for name, values in series.items()]
    document = {"tests": [{"interval": "1m", "input_series": given, "promql_expr_test": tests}]}
    # YAML reads JSON.
    (folder / "agent.yml").write_text(json.dumps(document), encoding="utf-8")
    program = str(find_program("promtool"))
    command = [program, "test", "rules", str(folder / "agent.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def samples(values: Mapping[str, float]) -> list[dict[str, object]]:
    return [{"labels": labels, "value": value} for labels, value in values.items()]


def in_state(agent: str, states: str, **courses: str) -> dict[str, str]:
    """The series of an agent's states: 1 in those named by `courses`, and 0 in all others."""
    return {
        f'pulseguard_agent_state{{{agent},state="{state}"}}': courses.get(state, "0x30")
        for state in states.split()
    }


STATES = "idle working waiting stuck"


def test_waiting_is_told_while_it_lasts_and_is_no_more_than_all_agents(tmp_path: Path) -> None:
    waiting = in_state(ONE, STATES, waiting="1x30")
    # The counter rises when the wait is over.
    counted = {f'pulseguard_waiting_seconds_total{{{ONE},reason="human"}}': "0x30"}

    both = waiting | in_state(OTHER, STATES, working="1x30") | counted
    assert answered(tmp_path, "Waiting", both, {"{}": 0.5}) == ""
    all_wait = waiting | in_state(OTHER, STATES, waiting="1x30") | counted
    assert answered(tmp_path, "Waiting", all_wait, {"{}": 1}) == ""


def test_the_first_wait_that_ended_is_in_the_time_waited(tmp_path: Path) -> None:
    # A counter begins with its first wait.
    series = {f'pulseguard_waiting_seconds_total{{{ONE},reason="human"}}': "_x28 600 600"}

    assert answered(tmp_path, "Time waited", series, {'{reason="human"}': 600}) == ""


def progress(agent: str, at: int, which: str = "progress") -> dict[str, str]:
    return {f"pulseguard_last_{which}_timestamp_seconds{{{agent}}}": f"{at}x{MINUTES}"}


def test_the_last_progress_is_that_of_the_worst_agent_at_work(tmp_path: Path) -> None:
    idle = in_state(ONE, STATES, idle="1x30") | progress(ONE, 60)
    busy = in_state(OTHER, STATES, working="1x30") | progress(OTHER, 1790)
    hung = in_state(THIRD, STATES, stuck="1x30") | progress(THIRD, 600)

    told = {'{state="working"}': 10, '{state="stuck"}': 1200}
    assert answered(tmp_path, "Last progress", idle | busy | hung, told) == ""
    assert answered(tmp_path, "Last progress", idle, {}) == ""


def test_an_agent_that_hangs_in_its_first_call_is_told(tmp_path: Path) -> None:
    began = progress(ONE, 300, "activity")
    hung = in_state(ONE, STATES, stuck="1x30") | began

    assert answered(tmp_path, "Last progress", hung, {'{state="stuck"}': 1500}) == ""
