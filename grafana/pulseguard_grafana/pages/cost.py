"""What is spent, by whom and for what, and is it more than it should be?

* How much is it today, against yesterday by this time, and against the budget typed above?
* Which team, agent, model and kind of tokens is it spent on?
* What does a task cost, what do 1,000 tokens, and what did the cache save?
* How many tokens are in none of these numbers, for want of a price?
"""

from __future__ import annotations

from collections.abc import Mapping

from pulseguard_grafana.cost_rows.queries import (
    BUDGET,
    COST_PER_1000_TOKENS,
    COST_PER_TASK,
    MODEL,
    MODELS_PER_HOUR,
    SAVED,
    SPENT,
    SPENT_YESTERDAY,
    UNPRICED_SHARE,
    of_each,
)
from pulseguard_grafana.cost_rows.tables import AGENTS, GROWTH, KINDS, TEAMS, WITHOUT_PRICE
from pulseguard_grafana.page import Page, Row
from pulseguard_grafana.panels import Judgement, Panel, Query, stacked, stat
from pulseguard_grafana.panels.colours import BAD, NEUTRAL, TOKEN_KINDS, WARNING
from pulseguard_grafana.scope import FLEET, typed
from pulseguard_grafana.simulation import simulated_line

OF_BUDGET = Judgement([(None, NEUTRAL), (0.8, WARNING), (1, BAD)])
MISSING = Judgement([(None, NEUTRAL), (0.01, WARNING), (0.1, BAD)])


def per_hour(what: str, by: str, legend: str, colours: Mapping[str, str] | None = None) -> Panel:
    """What is spent in an hour, its parts one on the other."""
    spend = stacked(
        f"Spend per hour by {what}",
        f"Cost of tokens at list prices, a mean over 15 minutes. Reads `{MODELS_PER_HOUR}`.",
        Query(of_each(by, f"{MODELS_PER_HOUR}{{{FLEET}}}"), legend),
        unit="currencyUSD",
        no_data="Nothing priced",
        many=True,
        colours=colours,
    )
    return spend.recorded_every("1m")


page = Page(
    name="cost",
    title="Cost",
    questions=__doc__ or "",
    begins="now-24h",
    more_variables=[
        typed("budget", "Budget, USD a day", "Of the chosen environments and teams together."),
    ],
    top=[
        stat(
            "Spend today",
            "Cost of tokens at list prices since midnight, by the clock of this browser. Reads"
            " `pulseguard:agent_cost_usd:sum`.",
            f"sum({SPENT})",
            unit="currencyUSD",
            no_data="Nothing priced today",
            decimals=2,
        )
        .of_today()
        .sized(4),
        stat(
            "Against yesterday",
            "Spend since midnight by that of the same hours a day before: 100 % is as much, yellow"
            " twice as much. Reads `pulseguard:agent_cost_usd:sum`.",
            f"sum({SPENT}) / (sum({SPENT_YESTERDAY}) > 0)",
            unit="percentunit",
            no_data="No spend by this time yesterday",
            decimals=0,
            judged=GROWTH,
        )
        .of_today()
        .sized(4),
        stat(
            "Budget used",
            "Spend since midnight by the budget that is typed above, in USD a day for all that is"
            " chosen there; yellow from 80 % on, red from 100 %. Reads"
            " `pulseguard:agent_cost_usd:sum`.",
            f"sum({SPENT}) / {BUDGET}",
            unit="percentunit",
            no_data="No budget is typed above, or nothing priced",
            decimals=0,
            judged=OF_BUDGET,
        )
        .of_today()
        .sized(4),
        stat(
            "Cost per task",
            "Spend since midnight by the tasks that were completed, which pay for the failed ones"
            " too, of agents that have both tasks and a cost. Reads"
            " `pulseguard:team_task_cost_usd_per_hour:mean15m` and"
            " `pulseguard:team_priced_tasks:rate5m`.",
            COST_PER_TASK,
            unit="currencyUSD",
            no_data="Not known yet, or no priced task completed",
            decimals=4,
        ).of_today(),
        stat(
            "Cost per 1,000 tokens",
            "Spend since midnight by the tokens of all kinds that have a price. Reads"
            " `pulseguard:model_cost_usd_per_hour:mean15m` and `pulseguard:model_tokens:rate5m`.",
            COST_PER_1000_TOKENS,
            unit="currencyUSD",
            no_data="Not known yet, or nothing priced",
            decimals=4,
        ).of_today(),
        stat(
            "Saved by the cache",
            "What input from the cache would have cost more since midnight, at the price of the"
            " same model's other input in the same team, less what writing to the cache cost above"
            " that; below 0 it did not pay. Only where all these have a price. Reads"
            " `pulseguard:model_cost_usd_per_hour:mean15m` and `pulseguard:model_tokens:rate5m`.",
            SAVED,
            unit="currencyUSD",
            no_data="Not known yet, or no priced cache used",
            decimals=2,
        ).of_today(),
        stat(
            "Unpriced tokens",
            "Share of the tokens since midnight that are in no cost, by which all cost here is too"
            " low: no price of the model or kind is known, or an agent has no price table. Reads"
            " `pulseguard:model_unpriced_tokens:rate5m` and `pulseguard:team_tokens:rate5m`.",
            UNPRICED_SHARE,
            unit="percentunit",
            no_data="Not known yet, or no tokens",
            decimals=1,
            judged=MISSING,
        ).of_today(),
        simulated_line(FLEET),
    ],
    rows=[
        Row(
            "Who spends",
            [TEAMS, AGENTS],
        ),
        Row(
            "For what, in the time that the page shows",
            [
                per_hour("team", "team", "{{team}}"),
                per_hour(
                    "model",
                    MODEL,
                    "{{gen_ai_provider_name}} {{gen_ai_request_model}}",
                ),
                per_hour(
                    "kind of tokens",
                    "gen_ai_token_type",
                    "{{gen_ai_token_type}}",
                    TOKEN_KINDS,
                ),
                KINDS,
                WITHOUT_PRICE,
            ],
        ),
    ],
)
