"""One sentence for the whole fleet, and when there is none: the page is not to be believed then."""

from __future__ import annotations

from pulseguard_grafana.fleet_rows.tables import TROUBLE
from pulseguard_grafana.panels import Judgement, Panel, verdict
from pulseguard_grafana.panels.colours import BAD, GOOD, UNKNOWN

# What is shipped as prometheus/rules/<name>.yml, one group of the same name in each. A user's group
# may have such a name too; its file is named otherwise.
SHIPPED_GROUPS = (
    *("agent", "alerting", "availability", "cost", "errors", "fleet", "latency", "models"),
    *("monitoring", "quality", "registry", "saturation", "tasks", "trouble", "watchdog"),
)
_SHIPPED = f'rule_group=~"(.*/)?({"|".join(SHIPPED_GROUPS)})[.]yml;.*"'
_EVALUATED = f"prometheus_rule_group_last_evaluation_timestamp_seconds{{{_SHIPPED}}}"
_INTERVAL = f"prometheus_rule_group_interval_seconds{{{_SHIPPED}}}"
_STARTED = 'max(process_start_time_seconds{job="prometheus"})'
# A minute for a group of every 10 s. Where Prometheus has just been started, one of every minute
# has its first turn within that minute.
_LATELY = (
    f"{_EVALUATED} > time() - 40 - 2 * {_INTERVAL}"
    f" or {_EVALUATED} == 0 and on () {_STARTED} > time() - 90"
)

# What ends the others comes first. The registry tells of agents what PostgreSQL has, at an address
# of its own: while PostgreSQL is away, only its own metrics are answered.
VERDICT = f"""
(vector(-4) and on () (max(pulseguard_registry_database_up) == 0))
  or (vector(-1) unless on () (
    max(up{{job="registry"}}) == 1 and on () max(up{{job="registry-agents"}}) == 1
  ))
  or (vector(-3) unless on () (
    count(count by (rule_group) ({_LATELY})) == {len(SHIPPED_GROUPS)}
  ))
  or (vector(-2) and on () (sum(pulseguard_registry_agents) == 0))
  or sum({TROUBLE} >= bool 2)
""".strip()
SAID = {
    -4.0: ("The registry's PostgreSQL does not answer: statuses of agents are not known", BAD),
    -1.0: ("The registry does not answer Prometheus: what is shown of agents is old", BAD),
    -3.0: (
        "Rules are not evaluated, all or some: trouble, cost and success may be old or missing",
        BAD,
    ),
    -2.0: (
        "No agent is registered yet: call pulseguard.Agent(…).start() in yours, or see README",
        UNKNOWN,
    ),
    0.0: ("All is well", GOOD),
    1.0: ("1 agent is in trouble", BAD),
}

IS_WELL: Panel = verdict(
    "Is everything well?",
    "One sentence for the fleet as it is now. Trouble is a firing alert that is critical or"
    " a warning, an agent that says of itself that it failed or is stuck, or one that fell"
    " silent without a goodbye; what is under maintenance is left out. It is said only while the"
    " registry and its PostgreSQL answer and all rules that are shipped are evaluated. Reads"
    " `pulseguard:agent_trouble:rank`, `up`, `pulseguard_registry_database_up`,"
    " `pulseguard_registry_agents` and"
    " `prometheus_rule_group_last_evaluation_timestamp_seconds`.",
    VERDICT,
    texts=SAID,
    many="agents are in trouble",
    judged=Judgement([(None, BAD), (0, GOOD), (1, BAD)]),
    no_data="No agent is in this environment and team",
)
