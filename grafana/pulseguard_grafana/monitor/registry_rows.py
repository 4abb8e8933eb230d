"""What the registry does, whether PostgreSQL, discovery and sync go along, and users' rules."""

from __future__ import annotations

from pulseguard_grafana.page import Row
from pulseguard_grafana.panels import Judgement, Query, line, quantile_lines, stat, stat_by
from pulseguard_grafana.panels.colours import BAD, NEUTRAL, UNKNOWN, WARNING

REQUESTS = "pulseguard_registry_http_request_duration_seconds"
PER_SECOND = "suffix:/s"
SILENT = "The registry does not answer Prometheus"
# What /metrics/agents tells is read from PostgreSQL at each scrape.
UNTOLD = "The registry does not answer Prometheus, or its PostgreSQL does not answer"
# Those of the alerts RegistryDiscoveryStale and RegistryRulesNotLoaded.
STALE = Judgement([(None, NEUTRAL), (60, WARNING)])
LATE_RULES = Judgement([(None, NEUTRAL), (120, WARNING)])


def rate_by(label: str, counter: str, matchers: str = "") -> str:
    """How much a counter rises per second, by one of its labels, over all registries."""
    return f"sum by ({label}) (rate({counter}{matchers}[$__rate_interval]))"


REGISTRY = Row(
    "Registry",
    [
        line(
            "Requests by route",
            "Requests that the registry answered, also those that it refused, by the template of"
            f" their route; `_OTHER` is a path that has none. Reads `{REQUESTS}`.",
            Query(rate_by("route", f"{REQUESTS}_count"), "{{route}}"),
            unit="reqps",
            no_data=SILENT,
            many=True,
        ),
        line(
            "Latency by route, p95",
            "Within which time 95 % of the requests of a route were answered, estimated from the"
            f" histogram's buckets; a route has no line while nobody asks. Reads `{REQUESTS}`.",
            Query(
                f"histogram_quantile(0.95, {rate_by('le, route', f'{REQUESTS}_bucket')}) >= 0",
                "{{route}}",
            ),
            unit="s",
            no_data="No request was answered",
            many=True,
        ),
        line(
            "Requests refused",
            "Requests that the registry answered with a status code of 4xx or 5xx; of those"
            " answered 429, whether too many came with one key or from one address without a valid"
            f" key. Reads `{REQUESTS}` and `pulseguard_registry_rate_limited_total`.",
            Query(rate_by("code", f"{REQUESTS}_count", '{code=~"[45]..",code!="429"}'), "{{code}}"),
            Query(rate_by("reason", "pulseguard_registry_rate_limited_total"), "429, {{reason}}"),
            unit="reqps",
            no_data=SILENT,
        ),
        line(
            "Heartbeats by outcome",
            "Heartbeats that were stored: `alive`, or `goodbye` of an agent that ends. Reads"
            " `pulseguard_registry_heartbeats_total`.",
            Query(rate_by("outcome", "pulseguard_registry_heartbeats_total"), "{{outcome}}"),
            unit=PER_SECOND,
            no_data=SILENT,
        ),
        line(
            "Snapshots by outcome",
            "AI-metrics snapshots that agents sent: `stored`; `late`, stored for a day before"
            " yesterday; `repeated`, known already; `refused`, of a day that is not taken. Reads"
            " `pulseguard_registry_snapshots_total`.",
            Query(rate_by("outcome", "pulseguard_registry_snapshots_total"), "{{outcome}}"),
            unit=PER_SECOND,
            no_data=SILENT,
        ),
        quantile_lines(
            "Heartbeats in a commit",
            "How many heartbeats the registry commits in one transaction: more where they come"
            " faster than PostgreSQL commits. Reads `pulseguard_registry_commit_batch_size`.",
            "pulseguard_registry_commit_batch_size",
            "",
            unit="none",
            no_data="No heartbeat was committed",
        ),
    ],
)
DISCOVERY = Row(
    "PostgreSQL and discovery",
    [
        stat(
            "Late snapshots kept",
            "AI-metrics snapshots that PostgreSQL keeps outside of the partitions by day, because"
            " they came late. Reads `pulseguard_registry_late_snapshots`.",
            "max(pulseguard_registry_late_snapshots)",
            unit="none",
            no_data=UNTOLD,
            decimals=0,
        ).sized(5),
        stat(
            "Targets",
            "Targets in the discovery document, which Prometheus is to scrape as job `agents`."
            " Reads `pulseguard_registry_sd_targets`.",
            "max(pulseguard_registry_sd_targets)",
            unit="none",
            no_data=SILENT,
            decimals=0,
        ).sized(5),
        stat(
            "Age of the discovery document",
            "Time since PostgreSQL last confirmed the discovery document, of the registry where it"
            " is longest: after a minute new agents are not scraped. Reads"
            " `pulseguard_registry_sd_snapshot_age_seconds`.",
            "max(pulseguard_registry_sd_snapshot_age_seconds)",
            unit="s",
            no_data=SILENT,
            judged=STALE,
            decimals=1,
        ).sized(5),
        stat(
            "Targets held back",
            "Targets that left the inventory at once, too many to be believed: they are scraped on"
            " until somebody releases them or the grace time ends. Reads"
            " `pulseguard_registry_sd_held_back_targets`.",
            "max(pulseguard_registry_sd_held_back_targets)",
            unit="none",
            no_data=SILENT,
            judged=Judgement([(None, NEUTRAL), (1, WARNING)]),
            decimals=0,
        ).sized(5),
        stat(
            "Discovery refused",
            "Discovery requests that were answered 503 rather than with a doubtful list, in the"
            " time that the page shows. Reads `pulseguard_registry_sd_refused_total`.",
            "sum(increase(pulseguard_registry_sd_refused_total[$__range]))",
            unit="none",
            no_data=SILENT,
            # What Prometheus answers for one is a little more or less than 1.
            judged=Judgement([(None, NEUTRAL), (0.5, WARNING)]),
            decimals=0,
        ).sized(4),
    ],
)
RULE_GROUPS = "max by (state) (pulseguard_registry_rule_groups"
RULES = Row(
    "Sync and users' rules",
    [
        stat_by(
            "Users' rule groups by state",
            "Groups of users' rules by how far they are over all Prometheuses that sync tells of:"
            " `loaded`, and `pending` and `rejected` where any are. `pulseguard rules list` names"
            " them. Reads `pulseguard_registry_rule_groups`.",
            f'{RULE_GROUPS}{{state="loaded"}}) or {RULE_GROUPS}) > 0',
            "{{state}}",
            unit="none",
            no_data=UNTOLD,
            colours={"loaded": NEUTRAL, "pending": UNKNOWN, "rejected": BAD},
        ).sized(12),
        stat(
            "Users' rules pending for",
            "How long the group that has been pending for longest is so: a change is loaded within"
            " seconds where sync works. 0 where none is. Reads"
            " `pulseguard_registry_rules_pending_seconds`.",
            "max(pulseguard_registry_rules_pending_seconds)",
            unit="s",
            no_data=UNTOLD,
            judged=LATE_RULES,
            decimals=0,
        ).sized(12),
    ],
)
