"""What Prometheus and Alertmanager do, as they tell of themselves.

All names are those of Prometheus 2.42 to 3.14 and Alertmanager 0.25 to 0.34. Later ones have more
labels on some, such as `alertmanager` and `reason`, so every expression sums over what it does not
name.
"""

from __future__ import annotations

from pulseguard_grafana.page import Row
from pulseguard_grafana.panels import Column, Judgement, Query, line, stat, table
from pulseguard_grafana.panels.colours import BAD, GOOD, NEUTRAL, WARNING

SILENT = "Prometheus does not scrape itself"
UNHEARD = "Alertmanager does not answer Prometheus"
CONFIGURATIONS = (
    "min by (job) (prometheus_config_last_reload_successful"
    " or alertmanager_config_last_reload_successful)"
)
WATCHDOG = "max(pulseguard_registry_watchdog_heard_timestamp_seconds)"
# Alertmanager has counters for all the integrations that it knows: only those that are used.
USED = "and on (integration) (sum by (integration) (alertmanager_notifications_total) > 0)"
DID = "prometheus_rule_group_last_duration_seconds"
INTERVAL = "prometheus_rule_group_interval_seconds"


def of_group(expression: str) -> str:
    """One row for each rule group, by its name without the file's, over all Prometheuses."""
    named = f'label_replace({expression}, "group", "$1", "rule_group", ".*;(.*)")'
    return f"max by (group) ({named})"


def sent(counter: str) -> str:
    """Alerts per second, of all Alertmanagers that Prometheus sends to."""
    return f"sum(rate({counter}[$__rate_interval]))"


JOBS = [
    Column("Job", label="job"),
    Column("Targets", query="count by (job) (up)", decimals=0),
    Column(
        "Down",
        query="sum by (job) (up == bool 0)",
        decimals=0,
        judged=Judgement([(None, NEUTRAL), (1, BAD)]),
    ),
    Column("Slowest scrape", query="max by (job) (scrape_duration_seconds)", unit="s"),
    Column(
        "Configuration",
        query=CONFIGURATIONS,
        texts={1.0: ("taken", GOOD), 0.0: ("rejected", BAD)},
    ),
]
GROUPS = [
    Column("Group", label="group"),
    Column("Rules", query=of_group("prometheus_rule_group_rules"), decimals=0, width=80),
    Column("Took", query=of_group(DID), unit="s", width=100),
    Column("Interval", query=of_group(INTERVAL), unit="s", width=100),
    Column(
        "Share of interval",
        query=of_group(f"{DID} / {INTERVAL}"),
        unit="percentunit",
        decimals=1,
        judged=Judgement([(None, NEUTRAL), (0.5, WARNING), (1, BAD)]),
        width=150,
    ),
    Column(
        "Failures",
        query=of_group(
            "sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total[$__range]))"
        ),
        decimals=0,
        judged=Judgement([(None, NEUTRAL), (0.5, WARNING)]),
        width=100,
    ),
    Column(
        "Evaluated",
        query=of_group("1000 * prometheus_rule_group_last_evaluation_timestamp_seconds > 0"),
        unit="dateTimeFromNow",
        width=150,
    ),
]
PROMETHEUS = Row(
    "Prometheus",
    [
        table(
            "Jobs",
            "What Prometheus scrapes, by job: how many targets, how many of them do not answer,"
            " which scrape took longest, and whether the configuration was taken that was loaded"
            " last. Reads `up`, `scrape_duration_seconds`,"
            " `prometheus_config_last_reload_successful` and"
            " `alertmanager_config_last_reload_successful`.",
            JOBS,
            no_data="Prometheus scrapes nothing",
            sorted_by="Down",
        ).sized(10),
        table(
            "Rule groups",
            "How long the last evaluation of each group took against its interval: at 100 %"
            " evaluations are left out. Failures are those in the time that the page shows; an"
            " alert of a rule that fails does not fire. Reads"
            f" `{DID}` and `prometheus_rule_evaluation_failures_total`.",
            GROUPS,
            no_data="Prometheus has no rules, or does not scrape itself",
            sorted_by="Share of interval",
        ).sized(14),
        line(
            "Series in the head block",
            "Series that Prometheus holds in memory; its memory grows with them. Reads"
            " `prometheus_tsdb_head_series`.",
            Query("max by (instance) (prometheus_tsdb_head_series)", "{{instance}}"),
            unit="short",
            no_data=SILENT,
        ).sized(6),
        line(
            "Samples/s",
            "Samples that Prometheus stored, of scrapes and of rules. Reads"
            " `prometheus_tsdb_head_samples_appended_total`.",
            Query(
                "sum by (instance)"
                " (rate(prometheus_tsdb_head_samples_appended_total[$__rate_interval]))",
                "{{instance}}",
            ),
            unit="short",
            no_data=SILENT,
        ).sized(6),
        line(
            "Size of blocks",
            "Room on disk that history takes, without that of the latest hours in the write-ahead"
            " log: 0 until Prometheus has written its first block. Reads"
            " `prometheus_tsdb_storage_blocks_bytes`.",
            Query("max by (instance) (prometheus_tsdb_storage_blocks_bytes)", "{{instance}}"),
            unit="bytes",
            no_data=SILENT,
        ).sized(6),
        line(
            "Alerts to Alertmanager",
            "Alerts that Prometheus sent, those whose sending failed, and those that it dropped"
            " and that nobody is told of. Reads `prometheus_notifications_sent_total`,"
            " `prometheus_notifications_errors_total` and"
            " `prometheus_notifications_dropped_total`.",
            Query(sent("prometheus_notifications_sent_total"), "sent"),
            Query(sent("prometheus_notifications_errors_total"), "failed"),
            Query(sent("prometheus_notifications_dropped_total"), "dropped"),
            unit="suffix:/s",
            no_data=SILENT,
            colours={"sent": NEUTRAL, "failed": WARNING, "dropped": BAD},
        ).sized(6),
    ],
)
ALERTMANAGER = Row(
    "Alertmanager",
    [
        stat(
            "Dead man's switch heard",
            "Time since Alertmanager last told the registry of the alert that always fires, which"
            " it does every minute: after five minutes of silence alerts do not arrive. Reads"
            " `pulseguard_registry_watchdog_heard_timestamp_seconds`.",
            f"time() - ({WATCHDOG} > 0)",
            unit="s",
            no_data="Never heard, or the registry does not answer Prometheus",
            judged=Judgement([(None, NEUTRAL), (300, BAD)]),
            decimals=0,
        ).sized(4, 8),
        line(
            "Alerts and silences",
            "Alerts that Alertmanager has: `active`; `suppressed` by a silence or another alert;"
            " `unprocessed`, which are too new; and the silences that count now. Reads"
            " `alertmanager_alerts` and `alertmanager_silences`.",
            Query(
                "max by (state) (sum by (instance, state) (alertmanager_alerts))",
                "alerts, {{state}}",
            ),
            Query('max(alertmanager_silences{state="active"})', "silences, active"),
            unit="none",
            no_data=UNHEARD,
        ).sized(10),
        line(
            "Notifications by integration",
            "Notifications that Alertmanager attempted, and of these the failed ones, by how they"
            " are sent; `webhook` is also the way to the registry. An integration that was never"
            " used has no line. Reads `alertmanager_notifications_total` and"
            " `alertmanager_notifications_failed_total`.",
            Query(
                "sum by (integration) (rate(alertmanager_notifications_total[$__rate_interval]))"
                f" {USED}",
                "{{integration}}",
            ),
            Query(
                "sum by (integration)"
                f" (rate(alertmanager_notifications_failed_total[$__rate_interval])) {USED}",
                "{{integration}}, failed",
            ),
            unit="suffix:/s",
            no_data="No notification was attempted, or Alertmanager does not answer",
            many=True,
        ).sized(10),
    ],
)
