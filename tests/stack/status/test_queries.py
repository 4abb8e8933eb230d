"""What the queries of the view answer to a fleet whose every sample is known."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from pulseguard.catalog import COST, OPERATION_DURATION
from pulseguard_stack.programs import find_program
from pulseguard_stack.status.queries import QUERIES

CALLS = f"{OPERATION_DURATION.name}_count"


def answered(folder: Path, question: str, at_seconds: int, series: dict[str, str]) -> float | None:
    """The one value that Prometheus answers then, of series with a sample each 5 s."""
    labelled = [{"series": name, "values": values} for name, values in series.items()]
    expected = {"expr": question, "eval_time": f"{at_seconds}s", "exp_samples": []}
    test = {"interval": "5s", "input_series": labelled, "promql_expr_test": [expected]}
    file = folder / "test.json"
    # JSON is YAML.
    file.write_text(json.dumps({"rule_files": [], "evaluation_interval": "5s", "tests": [test]}))
    asked = [str(find_program("promtool")), "test", "rules", str(file)]
    said = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=30)
    got = [line for line in (said.stdout + said.stderr).splitlines() if "got:" in line]
    if not got:
        assert said.returncode == 0, said.stderr
        return None
    return float(got[0].rpartition(" ")[2])


def young(metric: str, per_scrape: float, scrapes: int, after: int = 60) -> dict[str, str]:
    """An agent that is first scraped at 60 scrapes of 5 s, when its counter exists already."""
    before, more = f"_x{after}", scrapes - 1
    agent = 'agent_id="a"'
    return {
        f'up{{job="agents",{agent}}}': f"{before} 1x{more}",
        f"{metric}{{{agent}}}": f"{before} {per_scrape}+{per_scrape}x{more}",
    }


@pytest.mark.parametrize("scrapes", [3, 4, 7, 13, 60, 120])
def test_what_a_young_agent_costs_is_over_the_time_that_it_is_there(
    tmp_path: Path, scrapes: int
) -> None:
    series = young(COST.name, 0.015, scrapes)

    cost = answered(tmp_path, QUERIES["cost"], 300 + 5 * (scrapes - 1) + 2, series)

    # 0.015 $ in 5 s.
    assert cost == pytest.approx(10.8, rel=0.2)


@pytest.mark.parametrize("scrapes", [3, 4, 5, 7, 20])
def test_a_young_agent_makes_as_many_calls_as_an_old_one(tmp_path: Path, scrapes: int) -> None:
    series = young(CALLS, 5, scrapes)

    calls = answered(tmp_path, QUERIES["calls"], 300 + 5 * (scrapes - 1) + 1, series)

    assert calls == pytest.approx(1, rel=0.2)


def test_a_new_model_of_an_old_agent_counts_from_0_over_the_window(tmp_path: Path) -> None:
    series = {
        'up{job="agents",agent_id="a"}': "1x100",
        f'{COST.name}{{agent_id="a"}}': "_x90 3x10",
    }

    cost = answered(tmp_path, QUERIES["cost"], 500, series)

    assert cost == pytest.approx(3 * 3600 / 300, rel=0.05)


def test_what_is_no_target_any_more_costs_nothing(tmp_path: Path) -> None:
    series = {
        'up{job="agents",agent_id="a"}': "1x40 stale",
        f'{COST.name}{{agent_id="a"}}': "0+1x40 stale",
    }

    assert answered(tmp_path, QUERIES["cost"], 190, series) == pytest.approx(720, rel=0.15)
    assert answered(tmp_path, QUERIES["cost"], 220, series) is None
