"""Is everything well, and where is it not?

* May this page be believed: does the registry answer, are rules evaluated?
* How many agents are in trouble, which ones, and what fires?
* What does the fleet do and spend: tasks, tokens, cost?
* Of which agents do inventory, heartbeats and scrapes tell different things?
"""

from __future__ import annotations

from pulseguard_grafana.fleet_rows.tables import (
    AGENTS,
    ALERTS,
    DISAGREEMENTS,
    FIRING,
    STATUS,
    SUCCESS,
)
from pulseguard_grafana.fleet_rows.verdict import IS_WELL
from pulseguard_grafana.page import Page, Row
from pulseguard_grafana.panels import Query, stacked, stat, stat_by
from pulseguard_grafana.panels.colours import BAD, STATUSES, WARNING
from pulseguard_grafana.scope import FLEET
from pulseguard_grafana.simulation import simulated

TASKS = "pulseguard:agent_tasks_ended:rate5m"
page = Page(
    name="fleet",
    title="Fleet",
    questions=__doc__ or "",
    top=[
        IS_WELL,
        stat_by(
            "Agents by status",
            "Registered agents, by what the registry thinks of each. Reads"
            " `pulseguard_registry_agent_status`.",
            f"count by (status) ({STATUS})",
            "{{status}}",
            unit="none",
            no_data="No agent is registered here, or the registry does not answer",
            colours=STATUSES,
        ),
        simulated(FLEET),
        stat(
            "Task success",
            "Tasks that were completed, of those that were completed, failed or timed out, over"
            " 5 minutes. Reads `pulseguard_tasks_total`.",
            f'sum({TASKS}{{{FLEET},outcome="completed"}})'
            f' / (sum({TASKS}{{{FLEET},outcome!="cancelled"}}) > 0)',
            unit="percentunit",
            no_data="No task ended",
            decimals=1,
            judged=SUCCESS,
        ),
        stat(
            "Spend today",
            "Cost of tokens at list prices since midnight, by the clock of this browser, to the"
            " minute. Reads `pulseguard:agent_cost_usd:sum`.",
            f"sum(increase(pulseguard:agent_cost_usd:sum{{{FLEET}}}[$__range]))",
            unit="currencyUSD",
            no_data="Nothing priced today",
            decimals=2,
        ).of_today(),
        stat(
            "Tokens/s",
            "Tokens of all kinds, input and output, that models processed, over 5 minutes. Reads"
            " `pulseguard_tokens_total`.",
            f"sum(pulseguard:agent_tokens_processed:rate5m{{{FLEET}}})",
            unit="short",
            no_data="No traffic",
            decimals=1,
        ),
        stat_by(
            "Firing alerts",
            "Alerts that fire now, by how bad they are, those about the monitor itself among them,"
            " the dead man's switch not; one of severity info is only worth a look. Reads"
            " `ALERTS`.",
            f"count by (severity) ({FIRING})",
            "{{severity}}",
            unit="none",
            no_data="None",
            colours={"critical": BAD, "warning": WARNING},
        )
        .sized(4)
        .well_empty(),
    ],
    rows=[
        Row(
            "Agents",
            [AGENTS],
        ),
        Row(
            "What fires, and what does not fit together",
            [ALERTS, DISAGREEMENTS],
        ),
        Row(
            "Over time",
            [
                stacked(
                    "Statuses over time",
                    "How many agents had which status. Reads `pulseguard_registry_agent_status`.",
                    Query(f"count by (status) ({STATUS})", "{{status}}"),
                    unit="none",
                    no_data="No agent was registered here, or the registry did not answer",
                    colours=STATUSES,
                ),
                stacked(
                    "Tokens/s by team",
                    "Tokens of all kinds that models processed, over 5 minutes. Reads"
                    " `pulseguard:model_tokens:rate5m`.",
                    Query(f"sum by (team) (pulseguard:model_tokens:rate5m{{{FLEET}}})", "{{team}}"),
                    unit="short",
                    no_data="No traffic",
                    many=True,
                ).recorded_every("30s"),
                stacked(
                    "Spend per hour by team",
                    "Cost of tokens at list prices, a mean over 15 minutes. Reads"
                    " `pulseguard:model_cost_usd_per_hour:mean15m`.",
                    Query(
                        f"sum by (team) (pulseguard:model_cost_usd_per_hour:mean15m{{{FLEET}}})",
                        "{{team}}",
                    ),
                    unit="currencyUSD",
                    no_data="Nothing priced",
                    many=True,
                ).recorded_every("1m"),
            ],
        ),
    ],
)
