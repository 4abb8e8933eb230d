"""How do the models answer, and which provider is it that does not?

* Which models are called, by how many calls, and how many of these fail?
* How long does a call take, how long until the first token, and how fast is text written?
* How many tokens of which kind go through a model, and what do 1,000 of them cost?
"""

from __future__ import annotations

from pulseguard_grafana.page import Page, Row
from pulseguard_grafana.panels import Column, Judgement, Panel, Query, line, stacked, stat, table
from pulseguard_grafana.panels.colours import BAD, NEUTRAL, QUANTILES, TOKEN_KINDS, WARNING
from pulseguard_grafana.scope import FLEET, choice, model_link
from pulseguard_grafana.simulation import simulated_line

CHOSEN = f'{FLEET},gen_ai_provider_name=~"$provider",gen_ai_request_model=~"$model"'
# Where the metric does not tell the provider.
OF_ANY = f'{{{FLEET},gen_ai_request_model=~"$model"}}'
MODEL = "gen_ai_provider_name, gen_ai_request_model"

RECORDED_CALLS = "pulseguard:model_calls:rate5m"
CALLS = f"{RECORDED_CALLS}{{{CHOSEN}}}"
FAILURES = f"pulseguard:model_failures:rate5m{{{CHOSEN}}}"
TOKENS = f"pulseguard:model_tokens:rate5m{{{CHOSEN}}}"
COST_PER_HOUR = f"pulseguard:model_cost_usd_per_hour:mean15m{{{CHOSEN}}}"
INFERENCE_TIME = f"pulseguard:model_inference_seconds_bucket:rate5m{{{CHOSEN}}}"
FIRST_TOKEN = f"pulseguard:model_time_to_first_chunk_seconds_bucket:rate5m{{{CHOSEN}}}"

SPEED = (
    f"sum by (gen_ai_request_model) (pulseguard:model_output_tokens_per_second_sum:rate5m{OF_ANY})"
    " / (sum by (gen_ai_request_model)"
    f" (pulseguard:model_output_tokens_per_second_count:rate5m{OF_ANY}) > 0)"
)

# The interval of the group of rules that this page reads.
EVERY = "30s"

FAILED = Judgement([(None, NEUTRAL), (0.01, WARNING), (0.1, BAD)])


def of_each(expression: str) -> str:
    """One series for each model of a provider."""
    return f"sum by ({MODEL}) ({expression})"


def quantile(share: float, buckets: str, by: str = "") -> str:
    """The quantile over all that the buckets count; nothing where they count nothing."""
    return f"histogram_quantile({share}, sum by ({by}le) ({buckets})) >= 0"


def p95_of_each(buckets: str) -> str:
    """The slowest of 20 calls of each model of a provider."""
    return quantile(0.95, buckets, by=f"{MODEL}, ")


def per_1000_tokens(cost_per_hour: str, tokens_per_second: str) -> str:
    """USD for 1,000 tokens, both being of the same time; an hour has 3.6 thousand seconds."""
    return f"{cost_per_hour} / 3.6 / ({tokens_per_second} > 0)"


# The 15 minutes of the cost, since each of these values is over 5 minutes already. By team and kind
# of tokens, since not all teams need have a price for a model, nor a model one for each kind.
PRICED_TOKENS = f"avg_over_time({TOKENS}[10m]) and {COST_PER_HOUR}"
COST_PER_1000 = per_1000_tokens(f"sum({COST_PER_HOUR})", f"sum({PRICED_TOKENS})")
COST_PER_1000_OF_EACH = per_1000_tokens(of_each(COST_PER_HOUR), of_each(PRICED_TOKENS))


def by_model(title: str, description: str, query: str, *, unit: str, no_data: str) -> Panel:
    """A line for each model of a provider."""
    labels = "__field.labels.gen_ai_provider_name", "__field.labels.gen_ai_request_model"
    plain = line(
        title,
        description,
        Query(query, "{{gen_ai_provider_name}} {{gen_ai_request_model}}"),
        unit=unit,
        no_data=no_data,
        many=True,
        links=[model_link(*labels)],
    )
    return plain.sized(12).recorded_every(EVERY)


MODELS = [
    Column("Provider", label="gen_ai_provider_name"),
    Column(
        "Model",
        label="gen_ai_request_model",
        links=[model_link("__data.fields.Provider", "__data.fields.Model")],
    ),
    Column("Calls/s", query=of_each(CALLS), unit="ops", decimals=2, width=110),
    Column(
        "Failed",
        query=f"{of_each(FAILURES)} / ({of_each(CALLS)} > 0)",
        unit="percentunit",
        decimals=1,
        judged=FAILED,
        width=90,
    ),
    Column("p95", query=p95_of_each(INFERENCE_TIME), unit="s", width=90),
    Column("First token p95", query=p95_of_each(FIRST_TOKEN), unit="s", width=130),
    Column("Tokens/s", query=of_each(TOKENS), unit="short", decimals=1, width=100),
    Column("Cost per hour", query=of_each(COST_PER_HOUR), unit="currencyUSD", width=120),
    Column("Per 1,000 tokens", query=COST_PER_1000_OF_EACH, unit="currencyUSD", decimals=4),
]

page = Page(
    name="models",
    title="Models",
    questions=__doc__ or "",
    more_variables=[
        choice("provider", "Provider", f"{RECORDED_CALLS}{{{FLEET}}}", "gen_ai_provider_name"),
        choice(
            "model",
            "Model",
            f'{RECORDED_CALLS}{{{FLEET},gen_ai_provider_name=~"$provider"}}',
            "gen_ai_request_model",
        ),
    ],
    top=[
        stat(
            "Calls/s",
            "Model calls that ended in a second, failed ones among them, over 5 minutes. Reads"
            " `pulseguard:model_calls:rate5m`.",
            f"sum({CALLS})",
            unit="ops",
            no_data="No model is called",
            decimals=2,
        ).sized(8),
        stat(
            "Failed calls",
            "Share of the model calls that failed, over 5 minutes; one that the caller gave up has"
            " not failed. Yellow from 1 in 100 on, red from 1 in 10. Reads"
            " `pulseguard:model_failures:rate5m` and `pulseguard:model_calls:rate5m`.",
            f"sum({FAILURES}) / (sum({CALLS}) > 0)",
            unit="percentunit",
            no_data="No model is called",
            decimals=1,
            judged=FAILED,
        ).sized(8),
        stat(
            "Cost per 1,000 tokens",
            "Cost at list prices of 1,000 tokens of any kind, over 15 minutes; models and"
            " kinds without a price are left out. Reads"
            " `pulseguard:model_cost_usd_per_hour:mean15m` and `pulseguard:model_tokens:rate5m`.",
            COST_PER_1000,
            unit="currencyUSD",
            no_data="Nothing priced",
            decimals=4,
        ).sized(8),
        simulated_line(FLEET),
    ],
    rows=[
        Row(
            "Models",
            [
                table(
                    "Models",
                    "Every model that is called, by its provider; a click on one shows it alone."
                    " Quantiles, shares and tokens are of 5 minutes, cost is of 15. An empty cell"
                    " had no traffic, did not stream, or has no price. Reads"
                    " `pulseguard:model_calls:rate5m` and the others of `pulseguard:model_*`.",
                    MODELS,
                    no_data="No model is called",
                    sorted_by="Calls/s",
                ),
            ],
        ),
        Row(
            "How fast they are",
            [
                line(
                    "Inference time",
                    "Duration of model calls, all models together: of 20 calls, 19 were faster than"
                    " p95. Exact at the bounds of the buckets, estimated between. Reads"
                    " `pulseguard:model_inference_seconds_bucket:rate5m`.",
                    *(
                        Query(quantile(share, INFERENCE_TIME), name)
                        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
                    ),
                    unit="s",
                    no_data="No model was called",
                    colours=QUANTILES,
                )
                .sized(12)
                .recorded_every(EVERY),
                by_model(
                    "Inference time p95 by model",
                    "Duration that 19 of 20 calls of a model did not reach. Reads"
                    " `pulseguard:model_inference_seconds_bucket:rate5m`.",
                    p95_of_each(INFERENCE_TIME),
                    unit="s",
                    no_data="No model was called",
                ),
                by_model(
                    "Time to first token p95 by model",
                    "Time until 19 of 20 streamed calls of a model had their first chunk; one that"
                    " is not streamed has none. Reads"
                    " `pulseguard:model_time_to_first_chunk_seconds_bucket:rate5m`.",
                    p95_of_each(FIRST_TOKEN),
                    unit="s",
                    no_data="No call was streamed",
                ),
                line(
                    "Output tokens/s by model",
                    "How fast a model writes, a mean over its calls in 5 minutes; not how many"
                    " tokens go through it; of all its providers. Reads"
                    " `pulseguard:model_output_tokens_per_second_sum:rate5m` and the `count`.",
                    Query(SPEED, "{{gen_ai_request_model}}"),
                    unit="short",
                    no_data="No call was answered",
                    many=True,
                )
                .sized(12)
                .recorded_every(EVERY),
            ],
        ),
        Row(
            "What they are asked, and what fails",
            [
                by_model(
                    "Calls/s by model",
                    "Model calls that ended in a second, failed ones among them. Reads"
                    " `pulseguard:model_calls:rate5m`.",
                    of_each(CALLS),
                    unit="ops",
                    no_data="No model was called",
                ),
                by_model(
                    "Failed calls by model",
                    "Share of a model's calls that failed in 5 minutes. Which errors"
                    " they were, the page of an agent says. Reads"
                    " `pulseguard:model_failures:rate5m` and `pulseguard:model_calls:rate5m`.",
                    f"{of_each(FAILURES)} / ({of_each(CALLS)} > 0)",
                    unit="percentunit",
                    no_data="No model was called",
                ),
            ],
        ),
        Row(
            "What goes through them, and what it costs",
            [
                stacked(
                    "Tokens/s by kind",
                    "Tokens that went through the models in a second; the kinds are disjoint: input"
                    " is without what the cache had, output without reasoning. Reads"
                    " `pulseguard:model_tokens:rate5m`.",
                    Query(f"sum by (gen_ai_token_type) ({TOKENS})", "{{gen_ai_token_type}}"),
                    unit="short",
                    no_data="No tokens",
                    colours=TOKEN_KINDS,
                )
                .sized(12)
                .recorded_every(EVERY),
                by_model(
                    "Cost per 1,000 tokens by model",
                    "Cost at list prices of 1,000 tokens of the kinds that a model had in 15"
                    " minutes: much output makes it dear, a full cache cheap. Reads"
                    " `pulseguard:model_cost_usd_per_hour:mean15m` and"
                    " `pulseguard:model_tokens:rate5m`.",
                    COST_PER_1000_OF_EACH,
                    unit="currencyUSD",
                    no_data="Nothing priced",
                ),
            ],
        ),
    ],
)
