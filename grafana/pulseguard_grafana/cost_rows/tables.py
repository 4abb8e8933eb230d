"""Who spends and on what, row by row."""

from __future__ import annotations

from pulseguard_grafana.cost_rows.queries import (
    AGENT,
    AGENTS_PER_HOUR,
    COST_PER_TASK_OF_EACH,
    KIND,
    SPENT,
    SPENT_YESTERDAY,
    TEAM,
    UNPRICED,
    kind_cost,
    kind_tokens,
    of_each,
)
from pulseguard_grafana.panels import Column, Judgement, table
from pulseguard_grafana.panels.colours import NEUTRAL, WARNING
from pulseguard_grafana.scope import FLEET, agent_link, model_link

# Twice as much as the day before is worth a look.
GROWTH = Judgement([(None, NEUTRAL), (2, WARNING)])


def _usd(title: str, query: str, decimals: int = 2) -> Column:
    """A column of money."""
    return Column(title, query=query, unit="currencyUSD", decimals=decimals, width=140)


def _today(of: str) -> list[Column]:
    """Columns of the spend since midnight and in the same hours a day before; 100 % is as much."""
    before = of_each(of, SPENT_YESTERDAY)
    ratio = f"{of_each(of, SPENT)} / ({before} > 0)"
    return [
        _usd("Today", of_each(of, SPENT)),
        _usd("Yesterday by now", before),
        Column("Against yesterday", query=ratio, unit="percentunit", decimals=0, judged=GROWTH),
    ]


_TEAMS = [
    Column("Team", label="team"),
    Column("Environment", label="environment"),
    *_today(TEAM),
]
_AGENTS = [
    Column("Agent", label="agent", links=[agent_link()]),
    Column("Instance", label="instance", links=[agent_link()]),
    Column("Environment", label="environment"),
    Column("Team", label="team"),
    *_today(AGENT),
    _usd("Per hour", of_each(AGENT, f"{AGENTS_PER_HOUR}{{{FLEET}}}")),
    _usd("Per task", COST_PER_TASK_OF_EACH, decimals=4),
]
_KINDS = [
    Column("Provider", label="gen_ai_provider_name"),
    Column(
        "Model",
        label="gen_ai_request_model",
        links=[model_link("__data.fields.Provider", "__data.fields.Model")],
    ),
    Column("Kind", label="gen_ai_token_type"),
    Column("Tokens", query=of_each(KIND, kind_tokens()), unit="short"),
    _usd("Spent", of_each(KIND, kind_cost())),
    _usd(
        "Per 1,000 tokens",
        f"1000 * {of_each(KIND, kind_cost())}"
        f" / {of_each(KIND, f'{kind_tokens()} > 0 and {kind_cost()}')}",
        decimals=4,
    ),
]
_WITHOUT_PRICE = of_each("gen_ai_request_model, reason", UNPRICED)

TEAMS = table(
    "Teams",
    "Spend since midnight, and in the same hours a day before; yellow where it is twice as much."
    " Reads `pulseguard:agent_cost_usd:sum`.",
    _TEAMS,
    no_data="Nothing priced today",
    sorted_by="Today",
    height=7,
).of_today()
AGENTS = table(
    "Agents",
    "Spend since midnight, and in the same hours a day before; per hour it is a mean over 15"
    " minutes, per completed task one over an hour. A click opens the agent's page. Reads"
    " `pulseguard:agent_cost_usd:sum`, `pulseguard:agent_cost_usd_per_hour:mean15m` and"
    " `pulseguard:agent_task_cost_usd:mean1h`.",
    _AGENTS,
    no_data="Nothing priced today",
    sorted_by="Today",
).of_today()
KINDS = table(
    "Models and kinds of tokens",
    "What each kind of a model's tokens cost, the last quarter of an hour not whole yet; the kinds"
    " are disjoint, and an empty cell has no price. Reads"
    " `pulseguard:model_cost_usd_per_hour:mean15m` and `pulseguard:model_tokens:rate5m`.",
    _KINDS,
    no_data="Not known yet, or no tokens",
    sorted_by="Spent",
).sized(16)
WITHOUT_PRICE = table(
    "Unpriced tokens by model",
    "Tokens that are in no cost, and why: no_provider was stated, unknown_model, a kind without a"
    " price (no_price), no room for the model's own name (_OTHER), or the agent has no_price_table."
    " The last 5 minutes are not whole yet. Reads `pulseguard:model_unpriced_tokens:rate5m`.",
    [
        Column("Model", label="gen_ai_request_model"),
        Column("Why", label="reason"),
        Column("Tokens", query=f"{_WITHOUT_PRICE} > 0", unit="short"),
    ],
    no_data="Not known yet, or all tokens have a price",
    is_well_empty=True,
    sorted_by="Tokens",
).sized(8)
