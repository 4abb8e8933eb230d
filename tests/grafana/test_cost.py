"""What the pages of cost and of models answer about spending that is known, by promtool."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from pulseguard_grafana.cost_rows import queries
from pulseguard_grafana.pages import models
from pulseguard_stack.programs import find_program

RULES = Path(__file__).parents[2] / "prometheus" / "rules"
AGENT = 'agent_id="%s",agent="bot",instance="h-%s",environment="production",team="%s"'
PRICED, UNPRICED, WITHOUT_TABLE = (
    AGENT % (n, n, team) for n, team in ((1, "x"), (2, "y"), (3, "y"))
)
MODEL = 'environment="production",team="%s",gen_ai_provider_name="openai",gen_ai_request_model="%s"'
PER_SECOND = "pulseguard:model_tokens:rate5m"


def of_kind(team: str, model: str, kind: str) -> str:
    return f'{MODEL % (team, model)},gen_ai_token_type="{kind}"'


# A minute of the agent with prices: 6,000 tokens of input, 6,000 from the cache at half the price,
# 600 of output, for 2.85 cents; 2 tasks completed and 1 failed. The others have 1,000 and 500.
SPENDING = {
    f"pulseguard:agent_cost_usd:sum{{{PRICED}}}": "0+0.0285x180",
    f"pulseguard:agent_cost_usd_per_hour:mean15m{{{PRICED}}}": "1.71x180",
    f"pulseguard_tasks_started_total{{{PRICED}}}": "1+3x180",
    f'pulseguard:agent_tasks_ended:rate5m{{{PRICED},outcome="completed"}}': f"{2 / 60}x180",
    f'pulseguard:agent_tasks_ended:rate5m{{{PRICED},outcome="failed"}}': f"{1 / 60}x180",
    f"pulseguard_tasks_started_total{{{UNPRICED}}}": "0+60x180",
    f'pulseguard:agent_tasks_ended:rate5m{{{UNPRICED},outcome="completed"}}': "1x180",
    f'pulseguard_unpriced_tokens_total{{{UNPRICED},gen_ai_request_model="local"}}': "0+1000x180",
    f'pulseguard_tokens_total{{{UNPRICED},gen_ai_request_model="local"}}': "0+1000x180",
    f'pulseguard_tokens_total{{{WITHOUT_TABLE},gen_ai_request_model="gpt"}}': "0+500x180",
    f"{PER_SECOND}{{{of_kind('x', 'gpt', 'input')}}}": "100x180",
    f"{PER_SECOND}{{{of_kind('x', 'gpt', 'cache_read')}}}": "100x180",
    f"{PER_SECOND}{{{of_kind('x', 'gpt', 'output')}}}": "10x180",
    f"{PER_SECOND}{{{of_kind('y', 'local', 'input')}}}": f"{1000 / 60}x180",
    f"{PER_SECOND}{{{of_kind('y', 'gpt', 'input')}}}": f"{500 / 60}x180",
    f"{queries.MODELS_PER_HOUR}{{{of_kind('x', 'gpt', 'input')}}}": "0.9x180",
    f"{queries.MODELS_PER_HOUR}{{{of_kind('x', 'gpt', 'cache_read')}}}": "0.45x180",
    f"{queries.MODELS_PER_HOUR}{{{of_kind('x', 'gpt', 'output')}}}": "0.36x180",
}
# Half as many tokens of a kind without a price, of the same model in the same team.
WITHOUT_PRICE = {f"{PER_SECOND}{{{of_kind('x', 'gpt', 'reasoning')}}}": "105x180"}
# Tokens written to the cache for twice the price of input.
WRITTEN = {
    f"{PER_SECOND}{{{of_kind('x', 'gpt', 'cache_write')}}}": "10x180",
    f"{queries.MODELS_PER_HOUR}{{{of_kind('x', 'gpt', 'cache_write')}}}": "0.18x180",
}
BUDGET_USED = f"sum({queries.SPENT}) / {queries.BUDGET}"


def filled(expr: str, budget: str = "") -> str:
    chosen = ("$environment", "$team", "$provider", "$model")
    values = {f'"{each}"': '".*"' for each in chosen} | {"$__range": "1h", "$budget": budget}
    for variable, value in values.items():
        expr = expr.replace(variable, value)
    return expr


def is_told(
    folder: Path, expr: str, value: float | None, series: Mapping[str, str], at: str = "2h1m"
) -> bool:
    """Whether the whole of `expr` over an hour is `value`, to a millionth; None is nothing."""
    samples = [] if value is None else [{"labels": "{}", "value": value}]
    test = {
        "rule_files": [str(RULES / name) for name in ("agent.yml", "cost.yml")],
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": v} for name, v in series.items()],
                "promql_expr_test": [
                    {"expr": f"round({expr}, 1e-6)", "eval_time": at, "exp_samples": samples}
                ],
            }
        ],
    }
    # YAML reads JSON.
    (folder / "cost.yml").write_text(json.dumps(test), encoding="utf-8")
    command: list[str | Path] = [
        find_program("promtool"),
        "test",
        "rules",
        str(folder / "cost.yml"),
    ]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        pytest.param(f"sum({queries.SPENT})", 1.71, id="spent"),
        pytest.param(queries.COST_PER_TASK, 0.01425, id="per task"),
        pytest.param(queries.COST_PER_1000_TOKENS, 0.002262, id="per 1,000 tokens"),
        pytest.param(queries.SAVED, 0.45, id="saved"),
        pytest.param(queries.UNPRICED_SHARE, 0.106383, id="unpriced"),
    ],
)
def test_each_number_is_that_of_known_spending(tmp_path: Path, expr: str, value: float) -> None:
    assert is_told(tmp_path, filled(expr), value, SPENDING)


def test_spend_is_compared_with_the_same_hour_of_the_day_before(tmp_path: Path) -> None:
    # 1 cent a minute for a day, then 3.
    series = {f"pulseguard:agent_cost_usd:sum{{{PRICED}}}": "0+0.01x1440 14.43+0.03x90"}

    assert is_told(tmp_path, filled(f"sum({queries.SPENT})"), 1.8, series, at="25h1m")
    assert is_told(tmp_path, filled(f"sum({queries.SPENT_YESTERDAY})"), 0.6, series, at="25h1m")


def test_what_writing_to_the_cache_cost_above_input_is_not_saved(tmp_path: Path) -> None:
    assert is_told(tmp_path, filled(queries.SAVED), 0.45 - 0.09, SPENDING | WRITTEN)


def test_where_all_tokens_have_a_price_none_are_unpriced(tmp_path: Path) -> None:
    others = ('agent_id="2"', 'agent_id="3"', 'team="y"')
    priced = {name: v for name, v in SPENDING.items() if not any(each in name for each in others)}

    assert is_told(tmp_path, filled(queries.UNPRICED_SHARE), 0, priced)


def test_no_more_than_all_tokens_are_unpriced(tmp_path: Path) -> None:
    # Recorded a moment later, when there were fewer.
    series = {
        f'pulseguard_unpriced_tokens_total{{{UNPRICED},gen_ai_request_model="local"}}': "0+1000x20",
        f"{PER_SECOND}{{{of_kind('y', 'local', 'input')}}}": f"_ {900 / 60}x19",
    }

    assert is_told(tmp_path, filled(queries.UNPRICED_SHARE), 1, series, at="20m")


@pytest.mark.parametrize(
    "expr",
    [
        pytest.param(queries.COST_PER_1000_TOKENS, id="cost"),
        pytest.param(models.COST_PER_1000, id="models"),
        pytest.param(models.COST_PER_1000_OF_EACH, id="models, of each"),
    ],
)
def test_a_kind_without_a_price_makes_1000_tokens_no_cheaper(tmp_path: Path, expr: str) -> None:
    assert is_told(tmp_path, filled(f"sum({expr})"), 0.002262, SPENDING | WITHOUT_PRICE)


@pytest.mark.parametrize(
    ("budget", "used"), [("", None), ("0", None), ("10", 0.171), ("2.5", 0.684)]
)
def test_a_budget_is_used_where_one_is_typed(
    tmp_path: Path, budget: str, used: float | None
) -> None:
    assert is_told(tmp_path, filled(BUDGET_USED, budget), used, SPENDING)


@pytest.mark.parametrize("at", ["12m", "20m", "47m", "3h"])
def test_a_price_is_the_same_from_the_first_minutes_on(tmp_path: Path, at: str) -> None:
    labels = f'{PRICED},gen_ai_provider_name="openai",gen_ai_request_model="gpt"'
    series = {
        f'pulseguard_cost_usd_total{{{labels},gen_ai_token_type="input"}}': "0+0.015x180",
        f'pulseguard_tokens_total{{{labels},gen_ai_token_type="input"}}': "0+6000x180",
    }
    cost = queries.spent(queries.AGENTS_PER_HOUR)
    tokens = queries.counted("pulseguard:agent_tokens_processed:rate5m")

    expr = filled(f"1000 * sum({cost}) / sum({tokens})")
    assert is_told(tmp_path, expr, 0.0025, series, at)
