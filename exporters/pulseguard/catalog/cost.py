"""The metrics of what model calls cost, worked out from the tokens when they are read."""

from typing import Final

from pulseguard.catalog.metric import (
    LABEL_MODEL,
    LABEL_PROVIDER,
    LABEL_REASON,
    LABEL_TOKEN_TYPE,
    Metric,
)

COST: Final = Metric(
    "pulseguard_cost_usd_total",
    "counter",
    "Cost of tokens by kind, at list prices without tiers; absent where no price is known.",
    (LABEL_PROVIDER, LABEL_MODEL, LABEL_TOKEN_TYPE),
    "USD",
    max_label_sets=60,
)
UNPRICED_TOKENS: Final = Metric(
    "pulseguard_unpriced_tokens_total",
    "counter",
    "Tokens that are in no cost: no_provider was stated, unknown_model, a kind without price "
    "(no_price), or the model had no room of its own (_OTHER).",
    (LABEL_MODEL, LABEL_REASON),
    "tokens",
    max_label_sets=60,
)

COST_METRICS: Final[tuple[Metric, ...]] = (COST, UNPRICED_TOKENS)
