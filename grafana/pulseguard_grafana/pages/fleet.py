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
    TROUBLE,
)
from pulseguard_grafana.page import Page, Row
from pulseguard_grafana.panels import (
    Judgement,
    Query,
    stacked,
    stat,
    stat_by,
    verdict,
)
from pulseguard_grafana.panels.colours import BAD, GOOD, STATUSES, UNKNOWN, WARNING
from pulseguard_grafana.scope import FLEET
from pulseguard_grafana.simulation import simulated

TASKS = "pulseguard:agent_tasks_ended:rate5m"
EVALUATED = 'prometheus_rule_group_last_evaluation_timestamp_seconds{rule_group=~".*;fleet"}'

VERDICT = f"""
(vector(-1) unless on () (max(up{{job="registry"}}) == 1))
  or (vector(-3) unless on () (max({EVALUATED}) > time() - 60))
  or (vector(-2) and on () (sum(pulseguard_registry_agents) == 0))
  or sum({TROUBLE} >= bool 2)
""".strip()
SAID = {
    -1.0: ("The registry does not answer Prometheus: what is shown of agents is old", BAD),
    -3.0: ("Rules are not evaluated: what is shown of trouble, cost and success is old", BAD),
    -2.0: (
        "No agent is registered yet: call pulseguard.Agent(…).start() in yours, or see README",
        UNKNOWN,
    ),
    0.0: ("All is well", GOOD),
    1.0: ("1 agent is in trouble", BAD),
}

page = Page(
    name="fleet",
    title="Fleet",
    questions=__doc__ or "",
    top=[
        verdict(
            "Is everything well?",
            "One sentence for the fleet as it is now. Trouble is a firing alert that is critical or"
            " a warning, an agent that says of itself that it failed or is stuck, or one that fell"
            " silent without a goodbye; what is under maintenance is left out. Reads"
            " `pulseguard:agent_trouble:rank`.",
            VERDICT,
            texts=SAID,
            many="agents are in trouble",
            judged=Judgement([(None, BAD), (0, GOOD), (1, BAD)]),
            no_data="No agent is in this environment and team",
        ),
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
        stat(
            "Firing alerts",
            "Alerts that fire now, those about the monitor itself among them, the dead man's switch"
            " not. Reads `ALERTS`.",
            f"count({FIRING})",
            unit="none",
            no_data="None",
            judged=Judgement([(None, WARNING)]),
            decimals=0,
        ).sized(4),
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
                    "Tokens of all kinds that models processed. Reads `pulseguard_tokens_total`.",
                    Query(
                        f"sum by (team) (pulseguard:agent_tokens_processed:rate5m{{{FLEET}}})",
                        "{{team}}",
                    ),
                    unit="short",
                    no_data="No traffic",
                    many=True,
                ),
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
