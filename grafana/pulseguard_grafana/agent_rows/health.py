"""Does it get on: what fires about it, its progress, the work in its hands, and today's."""

from __future__ import annotations

from collections.abc import Sequence

from pulseguard_grafana.panels import Judgement, Panel, stat, stat_by
from pulseguard_grafana.panels.colours import STATES, WARNING
from pulseguard_grafana.scope import AGENT

_MOVED = (
    f"pulseguard_last_progress_timestamp_seconds{{{AGENT}}}"
    f" or pulseguard_last_activity_timestamp_seconds{{{AGENT}}}"
)
_SINCE_PROGRESS = (
    f'max by (state) ((pulseguard_agent_state{{{AGENT},state=~"working|stuck"}} == 1)'
    f" * on (agent_id) group_left () (time() - max by (agent_id) ({_MOVED})))"
)

HEALTH: Sequence[Panel] = [
    stat(
        "Alerts",
        "Alerts about it that fire now. Reads `ALERTS`.",
        f'count(ALERTS{{alertstate="firing",{AGENT}}})',
        unit="none",
        no_data="None",
        judged=Judgement([(None, WARNING)]),
        decimals=0,
    ).well_empty(),
    stat_by(
        "Last progress",
        "Since when no task, call or tool has ended well, of the agents at work the longest; where"
        " none has yet, since one began. Only `stuck` is too long, by the agent's own word: one"
        " that has just begun to work may have been idle before. Reads `pulseguard_agent_state`,"
        " `pulseguard_last_progress_timestamp_seconds` and"
        " `pulseguard_last_activity_timestamp_seconds`.",
        _SINCE_PROGRESS,
        "{{state}}",
        unit="s",
        no_data="None at work, or not reached",
        colours={state: STATES[state] for state in ("working", "stuck")},
    ).sized(3),
    stat(
        "Calls in progress",
        "Model calls that have begun and not ended. Reads `pulseguard_calls_in_progress`.",
        f"sum(pulseguard_calls_in_progress{{{AGENT}}})",
        unit="none",
        no_data="Not reached",
        decimals=0,
    ),
    stat(
        "Tasks in progress",
        "Tasks that have begun and not ended. Reads `pulseguard_tasks_in_progress`.",
        f"sum(pulseguard_tasks_in_progress{{{AGENT}}})",
        unit="none",
        no_data="Not reached",
        decimals=0,
    ),
    stat(
        "Tasks waiting",
        "Tasks in the agents' queues. Reads `pulseguard_tasks_pending`.",
        f"sum(pulseguard_tasks_pending{{{AGENT}}})",
        unit="none",
        no_data="Not told",
        decimals=0,
    ),
    stat(
        "Oldest waiting",
        "How long the oldest task in a queue has been waiting. Reads"
        " `pulseguard_oldest_pending_task_age_seconds`.",
        f"max(pulseguard_oldest_pending_task_age_seconds{{{AGENT}}})",
        unit="s",
        no_data="None waits, or not told",
        decimals=0,
    ).well_empty(),
    stat(
        "Spend today",
        "Cost of tokens at list prices since midnight, by the clock of this browser, to the minute."
        " Reads `pulseguard:agent_cost_usd:sum`.",
        f"sum(increase(pulseguard:agent_cost_usd:sum{{{AGENT}}}[$__range]))",
        unit="currencyUSD",
        no_data="Nothing priced, or not reached",
        decimals=2,
    ).of_today(),
    stat(
        "Tasks today",
        "Tasks that ended since midnight, by the clock of this browser. Reads"
        " `pulseguard_tasks_total`.",
        f"sum(increase(pulseguard_tasks_total{{{AGENT}}}[$__range]))",
        unit="none",
        no_data="None ended, or not reached",
        decimals=0,
    ).of_today(),
]
