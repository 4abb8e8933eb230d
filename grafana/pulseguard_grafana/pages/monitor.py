"""Is the monitor well?

* May the other pages be believed: do registry, PostgreSQL, sync, Prometheus and Alertmanager work?
* Does the registry keep up with what agents send, and whom does it refuse?
* Does discovery follow the fleet, and are users' rules loaded?
* Does Prometheus scrape and evaluate in time, and how much does it hold?
* Do alerts arrive?
"""

from __future__ import annotations

from pulseguard_grafana.alert_columns import alert_columns
from pulseguard_grafana.monitor.prometheus_rows import ALERTMANAGER, CONFIGURATIONS, PROMETHEUS
from pulseguard_grafana.monitor.prometheus_rows import WATCHDOG as HEARD
from pulseguard_grafana.monitor.registry_rows import DISCOVERY, REGISTRY, RULES
from pulseguard_grafana.page import Page
from pulseguard_grafana.panels import Column, Judgement, Query, table, timeline, verdict
from pulseguard_grafana.panels.colours import BAD, GOOD, UNKNOWN, WARNING
from pulseguard_grafana.scope import MONITOR

EVALUATED = 'prometheus_rule_group_last_evaluation_timestamp_seconds{rule_group=~".*;watchdog"}'
AGE = "pulseguard_registry_sd_snapshot_age_seconds"
# A kind of which the registry knows only while a sync tells it what Prometheus scrapes.
TOLD = 'pulseguard_registry_disagreements{kind="registered_not_scraped"}'
FIRING = f'ALERTS{{alertstate="firing",{MONITOR}}}'
# Severity info is for what is worth a look.
COUNTED = f'ALERTS{{alertstate="firing",severity!="info",{MONITOR}}}'
WATCHDOG = 'ALERTS{alertstate="firing",alertname="Watchdog"}'

# What ends the others comes first: without the registry nothing is known of its PostgreSQL. The
# dead man's switch fires while rules are evaluated, so there is a number where no other alert does.
VERDICT = f"""
(vector(-1) unless on () (max(up{{job="registry"}}) == 1))
  or (vector(-2) and on () (max(pulseguard_registry_database_up) == 0))
  or (vector(-3) unless on () (max({EVALUATED}) > time() - 60))
  or (vector(-4) unless on () (max(up{{job="alertmanager"}}) == 1))
  or (vector(-5) unless on () {TOLD})
  or (vector(-6) and on () ({HEARD} == 0))
  or (vector(-7) and on () (time() - {HEARD} > 300))
  or (vector(-8) and on () (min({CONFIGURATIONS}) == 0))
  or (vector(-9) and on () (max({AGE}) > 60))
  or count({WATCHDOG} or {COUNTED}) - count({WATCHDOG})
""".strip()
SAID = {
    -1.0: ("The registry does not answer Prometheus: what is shown of agents is old", BAD),
    -2.0: ("The registry's PostgreSQL does not answer: nothing that agents send is kept", BAD),
    -3.0: (
        "Rules are not evaluated, or Prometheus does not scrape itself: alerts may not fire",
        BAD,
    ),
    -4.0: ("Alertmanager does not answer Prometheus: nobody is told of any alert", BAD),
    -5.0: ("Sync does not tell the registry: targets and rules may not reach Prometheus", BAD),
    -6.0: ("The dead man's switch was never heard: no alert has reached the registry", UNKNOWN),
    -7.0: ("The dead man's switch has been silent for 5 minutes: alerts do not arrive", BAD),
    -8.0: (
        "Prometheus or Alertmanager rejects its configuration: it runs on with the last",
        WARNING,
    ),
    -9.0: ("Discovery has not been confirmed for a minute: new agents are not scraped", WARNING),
    0.0: ("The monitor is well", GOOD),
    1.0: ("1 alert about the monitor fires", BAD),
}

DATABASE = 'label_replace(pulseguard_registry_database_up, "job", "PostgreSQL of registry", "", "")'
# 0 while the registry tells of agents and is not told by sync: without the registry nobody knows.
SYNC = f'{TOLD} >= bool 0 or 0 * (max(up{{job="registry-agents"}}) == 1)'
ANSWERS = f"""
max by (job, instance) (up{{job=~"registry|prometheus|alertmanager"}} or {DATABASE})
  or label_replace(max({SYNC}), "job", "sync", "", "")
""".strip()

ALERTS = alert_columns(
    [Column("Job", label="job", width=150), Column("Instance", label="instance")],
    matchers=MONITOR,
    firing=FIRING,
)

page = Page(
    name="monitor",
    title="Monitor",
    questions=__doc__ or "",
    of_monitor=True,
    top=[
        verdict(
            "Is the monitor well?",
            "One sentence for what watches the agents as it is now, the worst first; where"
            " Prometheus itself does not answer, Grafana says so here. Alerts of severity info do"
            " not count. Reads `up`,"
            " `pulseguard_registry_database_up`,"
            " `prometheus_rule_group_last_evaluation_timestamp_seconds`,"
            " `pulseguard_registry_disagreements`,"
            " `pulseguard_registry_watchdog_heard_timestamp_seconds`,"
            " `prometheus_config_last_reload_successful`,"
            " `alertmanager_config_last_reload_successful`,"
            " `pulseguard_registry_sd_snapshot_age_seconds` and `ALERTS`.",
            VERDICT,
            texts=SAID,
            many="alerts about the monitor fire",
            judged=Judgement([(None, BAD), (0, GOOD), (1, BAD)]),
            no_data="The dead man's switch does not fire: Prometheus has no alert Watchdog",
        ),
        table(
            "Firing alerts about the monitor",
            "Alerts about registry, Prometheus and Alertmanager that fire now, the longest first;"
            " the dead man's switch is none of them. Reads `ALERTS_FOR_STATE`.",
            ALERTS,
            no_data="No alert about the monitor fires",
            is_well_empty=True,
            sorted_by="Since",
            descending=False,
            height=6,
        ),
        timeline(
            "What answered when",
            "Whether each part of the monitor answered: registry, Prometheus and Alertmanager a"
            " scrape, PostgreSQL the registry; of sync, whether it told the registry what"
            " Prometheus scrapes, which is known while the registry answers. A gap is a time of"
            " which nothing is known. Reads `up`, `pulseguard_registry_database_up` and"
            " `pulseguard_registry_disagreements`.",
            Query(ANSWERS, "{{job}} {{instance}}"),
            [("does not answer", BAD), ("answers", GOOD)],
            no_data="Prometheus scrapes nothing of the monitor",
        ),
    ],
    rows=[REGISTRY, DISCOVERY, RULES, PROMETHEUS, ALERTMANAGER],
)
