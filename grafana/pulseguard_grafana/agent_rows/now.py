"""How is it now: the eight AI fields, who it is, and which state it was in when."""

from __future__ import annotations

from collections.abc import Sequence

from pulseguard_grafana.agent_rows.each import NAME, OF_EACH
from pulseguard_grafana.panels import Column, Panel, Query, stat, table, timeline
from pulseguard_grafana.panels.colours import STATES, STATUSES
from pulseguard_grafana.scope import AGENT

RECORDED = "pulseguard:agent_{field}{{{scope}}}"


def _field(
    title: str, field: str, meaning: str, *, unit: str, no_data: str, decimals: int | None = None
) -> Panel:
    """One of the eight, as alerts and the fleet read it: of five minutes, of each agent."""
    operation = field.partition(":")[2]
    chosen = {"mean5m": "avg", "max": "max"}.get(operation, "sum")
    series = RECORDED.format(field=field, scope=AGENT)
    several = {
        "avg": "the mean of the means",
        "max": "the largest",
        "sum": "the sum",
    }[chosen]
    return stat(
        title,
        f"{meaning} Of several agents it is {several}. Reads `pulseguard:agent_{field}`.",
        f"{chosen}({series})",
        unit=unit,
        no_data=no_data,
        decimals=decimals,
    )


EIGHT_FIELDS: Sequence[Panel] = [
    _field(
        "Inference time",
        "model_inference_time_ms:mean5m",
        "How long a model call took, a mean over 5 minutes, failed calls among them.",
        unit="ms",
        no_data="No model call, or not reached",
        decimals=0,
    ),
    _field(
        "Accuracy",
        "model_accuracy:mean5m",
        "What the agent's evaluations named `accuracy` gave, a mean over 5 minutes.",
        unit="percentunit",
        no_data="Not evaluated, or not reached",
        decimals=1,
    ),
    _field(
        "Confidence",
        "confidence_score:mean5m",
        "What the agent's evaluations named `confidence` gave, a mean over 5 minutes.",
        unit="percentunit",
        no_data="Not told",
        decimals=1,
    ),
    _field(
        "Tokens processed",
        "tokens_processed:rate5m",
        "Tokens of all kinds a second, input and output, over 5 minutes: throughput.",
        unit="suffix: /s",
        no_data="No tokens, or not reached",
        decimals=1,
    ),
    _field(
        "Tokens/s",
        "tokens_per_second:mean5m",
        "How fast the models write: output tokens a second of a call, a mean over 5 minutes.",
        unit="suffix: /s",
        no_data="No output, or not reached",
        decimals=1,
    ),
    _field(
        "Context length",
        "context_length:max",
        "Tokens in the context of the latest call, of the model with the longest.",
        unit="short",
        no_data="Not told",
        decimals=0,
    ),
    _field(
        "API calls",
        "api_calls_made:rate5m",
        "Calls a second to models and to other services, over 5 minutes.",
        unit="suffix: /s",
        no_data="No calls, or not reached",
        decimals=2,
    ),
    _field(
        "API latency",
        "api_call_latency_ms:mean5m",
        "How long a call took, to a model or another service, a mean over 5 minutes.",
        unit="ms",
        no_data="No calls, or not reached",
        decimals=0,
    ),
]

_AGENT = "agent_id, agent, instance, environment, team, agent_type"
_STATUS = f"pulseguard_registry_agent_status{{{AGENT}}}"
_SEEN = f"1000 * pulseguard_registry_agent_last_seen_timestamp_seconds{{{AGENT}}}"
_INFO = f"pulseguard_agent_info{{{AGENT}}}"
_SAID = "agent_version, framework, exporter_version, config_hash"

IDENTITY = table(
    "Identity",
    "Who the agents are, what they run, and what the registry thinks of each. Without version and"
    " what stands right of it, Prometheus does not reach the agent. Reads"
    " `pulseguard_registry_agent_status` and `pulseguard_agent_info`.",
    [
        Column("Agent", label="agent"),
        Column("Instance", label="instance"),
        Column("Environment", label="environment"),
        Column("Team", label="team"),
        Column("Type", label="agent_type"),
        Column(
            "Status",
            label="status",
            texts={status: (status, colour) for status, colour in STATUSES.items()},
        ),
        Column("Is", query=f"max by ({_AGENT}, status) ({_STATUS})", is_hidden=True),
        Column("Last seen", query=f"max by ({_AGENT}) ({_SEEN})", unit="dateTimeFromNow"),
        Column("Version", label="agent_version"),
        Column("Framework", label="framework"),
        Column("Exporter", label="exporter_version"),
        Column("Configuration", label="config_hash"),
        Column("Has", query=f"max by ({_AGENT}, {_SAID}) ({_INFO})", is_hidden=True),
    ],
    no_data="No such agent is registered, or the registry does not answer",
    sorted_by="Agent",
    descending=False,
    height=4,
)


def _coded(metric: str, label: str, values: Sequence[str]) -> str:
    """The place among the values of the one that holds, for each agent."""
    ones = (
        f'{place} * ({metric}{{{AGENT},{label}="{value}"}} == 1)'
        for place, value in enumerate(values)
    )
    return f"max by ({OF_EACH}) ({' or '.join(ones)})"


TIMELINES: Sequence[Panel] = [
    timeline(
        "State",
        "What the agent says that it does. Empty while Prometheus did not reach it. Reads"
        " `pulseguard_agent_state`.",
        Query(_coded("pulseguard_agent_state", "state", list(STATES)), NAME),
        list(STATES.items()),
        no_data="Prometheus did not reach it",
    ).sized(12),
    timeline(
        "Status",
        "What the registry thought of the agent, from its heartbeats. Reads"
        " `pulseguard_registry_agent_status`.",
        Query(_coded("pulseguard_registry_agent_status", "status", list(STATUSES)), NAME),
        list(STATUSES.items()),
        no_data="It was not registered, or the registry did not answer",
    ).sized(12),
]
