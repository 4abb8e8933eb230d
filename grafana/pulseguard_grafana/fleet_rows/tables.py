"""Its agents, what fires, and of whom there are different opinions."""

from __future__ import annotations

from pulseguard_grafana.alert_columns import alert_columns
from pulseguard_grafana.panels import Column, Judgement, Panel, table
from pulseguard_grafana.panels.colours import BAD, GOOD, NEUTRAL, STATUSES, UNKNOWN, WARNING
from pulseguard_grafana.scope import FLEET, agent_link

STATUS = f"pulseguard_registry_agent_status{{{FLEET}}}"
TROUBLE = f"pulseguard:agent_trouble:rank{{{FLEET}}}"
# Alerts about the monitor itself have neither environment nor team.
ALERTING = 'alertname!="Watchdog",environment=~"$environment|",team=~"$team|"'
FIRING = f'ALERTS{{alertstate="firing",{ALERTING}}}'
# Below 95 % of tasks is worth a look, below 80 % is bad.
SUCCESS = Judgement([(None, BAD), (0.8, WARNING), (0.95, NEUTRAL)])
_LABELS = "agent_id, agent, instance, environment, team"


def _of_each(expression: str, *besides: str) -> str:
    """One row for each agent, with the same labels as all other columns."""
    return f"max by ({', '.join((_LABELS, *besides))}) ({expression})"


# What was spent under an earlier name of the team is the agent's as well; what is not registered
# any more has no row.
COST_TODAY = (
    f"sum by (agent_id) (increase(pulseguard:agent_cost_usd:sum{{{FLEET}}}[$__range]))"
    f" * on (agent_id) group_left (agent, instance, environment, team) {_of_each(STATUS)}"
)
_METRICS = agent_link()
_AGENTS = [
    Column("Agent", label="agent", links=[_METRICS]),
    Column("Instance", label="instance", links=[_METRICS]),
    Column(
        "Page",
        query=_of_each(f"0 * {STATUS}"),
        texts={0.0: ("Metrics", GOOD)},
        links=[_METRICS],
        width=80,
    ),
    Column("Environment", label="environment"),
    Column("Team", label="team"),
    Column(
        "Status",
        label="status",
        texts={status: (status, colour) for status, colour in STATUSES.items()},
        width=130,
    ),
    Column("Is", query=_of_each(STATUS, "status"), is_hidden=True),
    Column("Version", label="agent_version", width=100),
    Column(
        "Has",
        query=_of_each(f"pulseguard_agent_info{{{FLEET}}}", "agent_version"),
        is_hidden=True,
    ),
    Column(
        "Trouble",
        query=_of_each(TROUBLE),
        texts={
            0.0: ("none", NEUTRAL),
            1.0: ("never heard", UNKNOWN),
            2.0: ("yes", WARNING),
            3.0: ("critical", BAD),
        },
        width=100,
    ),
    Column(
        "Success",
        query=_of_each(f"pulseguard:agent_task_success:ratio5m{{{FLEET}}}"),
        unit="percentunit",
        decimals=0,
        judged=SUCCESS,
        width=90,
    ),
    Column(
        "p95",
        query=_of_each(f"pulseguard:agent_model_inference_time_ms:p95_5m{{{FLEET}}}"),
        unit="ms",
        width=90,
    ),
    Column(
        "Tokens/s",
        query=_of_each(f"pulseguard:agent_tokens_processed:rate5m{{{FLEET}}}"),
        unit="short",
        decimals=1,
        width=90,
    ),
    Column(
        "Cost today",
        query=COST_TODAY,
        unit="currencyUSD",
        decimals=2,
        width=100,
    ),
    Column(
        "Context",
        query=_of_each(f"pulseguard:agent_context_length:max{{{FLEET}}}"),
        unit="short",
        width=90,
    ),
    Column(
        "Last seen",
        query=_of_each(f"1000 * pulseguard_registry_agent_last_seen_timestamp_seconds{{{FLEET}}}"),
        unit="dateTimeFromNow",
        width=150,
    ),
]
_ALERTS = alert_columns(
    [
        Column("Agent", label="agent"),
        Column("Instance", label="instance"),
        Column("Environment", label="environment"),
    ],
    matchers=ALERTING,
    firing=FIRING,
)
_COUNTS = "pulseguard_registry_disagreements"
# A kind of which the registry knows only while a sync tells it what Prometheus scrapes.
_TOLD = f'{_COUNTS}{{kind="registered_not_scraped"}}'
# That nobody tells is a row of its own: no row means that all agree.
DISAGREE = f"""
label_replace(
    vector(-1) unless on () {_COUNTS},
    "kind", "any: the registry does not tell", "", ""
  )
  or label_replace(
    vector(-1) and on () {_COUNTS} unless on () {_TOLD},
    "kind", "of scrapes: sync does not tell", "", ""
  )
  or max by (kind) ({_COUNTS}) > 0
""".strip()
_DISAGREEMENTS = [
    Column("Of which kind", label="kind"),
    Column(
        "Agents",
        query=DISAGREE,
        unit="none",
        decimals=0,
        texts={-1.0: ("not known", UNKNOWN)},
        width=100,
    ),
]

AGENTS: Panel = table(
    "Agents",
    "Every registered agent, those in trouble first; **Metrics** opens its page."
    " Success, p95 and tokens are of 5 minutes, cost is since midnight, context is"
    " that of the latest call. Success and p95 are empty where nothing ended in that time, cost"
    " where nothing has a price; who has been idle has 0 tokens and 0 cost, and who never made a"
    " call or is not reached by Prometheus has neither. Reads"
    " `pulseguard_registry_agent_status` and the recorded `pulseguard:agent_*`.",
    _AGENTS,
    no_data="No agent is registered here, or the registry does not answer",
    sorted_by="Trouble",
    height=12,
).of_today()

ALERTS: Panel = table(
    "Which alerts fire",
    "Alerts that fire now, the longest first; the monitor's own have no agent."
    " Reads `ALERTS_FOR_STATE`.",
    _ALERTS,
    no_data="No alert fires",
    is_well_empty=True,
    sorted_by="Since",
    descending=False,
).sized(16)

DISAGREEMENTS: Panel = table(
    "Disagreements",
    "Agents of all environments of whom inventory, heartbeats and scrapes tell different things:"
    " registered but not scraped, scraped but not registered, two processes of one"
    " identity. `pulseguard status` names them. Reads"
    " `pulseguard_registry_disagreements`.",
    _DISAGREEMENTS,
    no_data="All views agree",
    is_well_empty=True,
    sorted_by="Agents",
).sized(8)
