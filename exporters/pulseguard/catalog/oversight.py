"""The metrics of what holds an agent back: guardrails, humans, loops, waiting."""

from typing import Final

from pulseguard.catalog.metric import (
    LABEL_ACTION,
    LABEL_GUARDRAIL,
    LABEL_KIND,
    LABEL_REASON,
    LABEL_SIGNAL,
    Metric,
)

GUARDRAIL_TRIGGERS: Final = Metric(
    "pulseguard_guardrail_triggers_total",
    "counter",
    "Guardrails that triggered, and what they did: block, redact, warn, allow.",
    (LABEL_GUARDRAIL, LABEL_ACTION),
    max_label_sets=30,
    optional=True,
)
HUMAN_INTERVENTIONS: Final = Metric(
    "pulseguard_human_interventions_total",
    "counter",
    "Times a human stepped in: approval, correction, takeover.",
    (LABEL_KIND,),
)
LOOP_SUSPICIONS: Final = Metric(
    "pulseguard_loop_suspicions_total",
    "counter",
    "Signs that the agent goes round in circles: repeat_call, no_progress, token_velocity.",
    (LABEL_SIGNAL,),
)
CONTEXT_COMPACTIONS: Final = Metric(
    "pulseguard_context_compactions_total", "counter", "Times the agent shortened its context."
)
WAITING_SECONDS: Final = Metric(
    "pulseguard_waiting_seconds_total",
    "counter",
    "Time spent waiting: for a human, for a rate_limit to pass, for a service outside.",
    (LABEL_REASON,),
    "seconds",
)

OVERSIGHT_METRICS: Final[tuple[Metric, ...]] = (
    GUARDRAIL_TRIGGERS,
    HUMAN_INTERVENTIONS,
    LOOP_SUSPICIONS,
    CONTEXT_COMPACTIONS,
    WAITING_SECONDS,
)
