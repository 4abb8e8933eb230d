"""What was spent and on what, in PromQL: USD, tokens and tasks in the time of a panel."""

from __future__ import annotations

from pulseguard_grafana.scope import FLEET

TEAM = "environment, team"
AGENT = f"agent_id, agent, instance, {TEAM}"
MODEL = "gen_ai_provider_name, gen_ai_request_model"
KIND = f"{MODEL}, gen_ai_token_type"

COST = f"pulseguard:agent_cost_usd:sum{{{FLEET}}}"
AGENTS_PER_HOUR = "pulseguard:agent_cost_usd_per_hour:mean15m"
MODELS_PER_HOUR = "pulseguard:model_cost_usd_per_hour:mean15m"
SPENT = f"increase({COST}[$__range])"
SPENT_YESTERDAY = f"increase({COST}[$__range] offset 1d)"
# With nothing typed this is `+ 0`, which is no budget.
BUDGET = "(vector($budget + 0) > 0)"


def of_each(labels: str, expression: str) -> str:
    """A sum for each team, agent, model or kind of tokens."""
    return f"sum by ({labels}) ({expression})"


# What there was in the time of the panel, of means that come and go with those who have them: one
# value for each 5 minutes. Both parts of a price have to be of the same time, and a mean over 15
# minutes is as late as one over 5 minutes that was taken 5 minutes before: so is a count.
def spent(per_hour: str) -> str:
    """USD, of a mean over 15 minutes in USD an hour."""
    return f"sum_over_time({per_hour}[$__range:5m]) / 12"


def counted(per_second: str) -> str:
    """How many, of a mean over 5 minutes a second."""
    return f"300 * sum_over_time({per_second}[$__range:5m] offset 5m)"


TASK_COST = f"pulseguard:team_task_cost_usd_per_hour:mean15m{{{FLEET}}}"
TASKS = f"pulseguard:team_priced_tasks:rate5m{{{FLEET}}}"
COST_PER_TASK = f"sum({spent(TASK_COST)}) / (sum({counted(TASKS)}) > 0)"
COST_PER_TASK_OF_EACH = of_each(AGENT, f"pulseguard:agent_task_cost_usd:mean1h{{{FLEET}}}")


def kind_tokens(kind: str = ".+") -> str:
    """Tokens of a kind, by team and model."""
    return counted(f'pulseguard:model_tokens:rate5m{{{FLEET},gen_ai_token_type=~"{kind}"}}')


def kind_cost(kind: str = ".+") -> str:
    """What these cost in USD; nothing where no price is known."""
    return spent(f'{MODELS_PER_HOUR}{{{FLEET},gen_ai_token_type=~"{kind}"}}')


COST_PER_1000_TOKENS = f"1000 * sum({kind_cost()}) / sum({kind_tokens()} > 0 and {kind_cost()})"
# At the price of the model's other input in the same team. Writing to the cache may cost more.
CACHED = "cache_read|cache_write"
SAVED = f"""
sum(
  {kind_tokens(CACHED)}
    * ignoring (gen_ai_token_type) group_left ()
      ({kind_cost("input")} / ({kind_tokens("input")} > 0))
    - {kind_cost(CACHED)}
)
""".strip()

UNPRICED = counted(f"pulseguard:model_unpriced_tokens:rate5m{{{FLEET}}}")
TOKENS = counted(f"pulseguard:team_tokens:rate5m{{{FLEET}}}")
# Both are recorded, but not at the same moment, which must not make it more than all tokens.
UNPRICED_SHARE = f"""
clamp_max((sum({UNPRICED}) or 0 * sum({TOKENS})) / (sum({TOKENS}) > 0), 1)
""".strip()
