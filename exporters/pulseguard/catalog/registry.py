"""The metrics that the registry emits: about itself, and four words about each agent."""

from typing import Final

from pulseguard.catalog.metric import (
    LABEL_AGENT,
    LABEL_AGENT_ID,
    LABEL_AGENT_TYPE,
    LABEL_CODE,
    LABEL_ENVIRONMENT,
    LABEL_INSTANCE,
    LABEL_KIND,
    LABEL_METHOD,
    LABEL_OUTCOME,
    LABEL_REASON,
    LABEL_ROUTE,
    LABEL_STATE,
    LABEL_STATUS,
    LABEL_TEAM,
    Metric,
)

_AGENT_LABELS = (
    LABEL_AGENT_ID,
    LABEL_AGENT,
    LABEL_INSTANCE,
    LABEL_AGENT_TYPE,
    LABEL_ENVIRONMENT,
    LABEL_TEAM,
)
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_HTTP_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

REGISTRY_AGENTS: Final = Metric(
    "pulseguard_registry_agents", "gauge", "Agents in the inventory, by status.", (LABEL_STATUS,)
)
REGISTRY_SD_TARGETS: Final = Metric(
    "pulseguard_registry_sd_targets", "gauge", "Targets in the discovery document."
)
REGISTRY_SD_AGE: Final = Metric(
    "pulseguard_registry_sd_snapshot_age_seconds",
    "gauge",
    "Time since the database last confirmed the discovery document.",
    (),
    "seconds",
)
REGISTRY_SD_REFUSED: Final = Metric(
    "pulseguard_registry_sd_refused_total",
    "counter",
    "Discovery requests answered 503 rather than with a doubtful list.",
    (LABEL_REASON,),
)
REGISTRY_SD_HELD: Final = Metric(
    "pulseguard_registry_sd_held_back_targets",
    "gauge",
    "Targets in the discovery document that too many would have left at once.",
)
REGISTRY_SD_HOLDS: Final = Metric(
    "pulseguard_registry_sd_holds_total",
    "counter",
    "Falls of the number of targets that were held back.",
)
REGISTRY_SILENCE_HELD: Final = Metric(
    "pulseguard_registry_silence_held_back_agents",
    "gauge",
    "Agents that are not called OFFLINE yet, because too many fell silent at once.",
)
REGISTRY_UNSILENCED: Final = Metric(
    "pulseguard_registry_unsilenced_agents",
    "gauge",
    "Agents under maintenance whose alerts Alertmanager does not silence.",
)
REGISTRY_WATCHDOG: Final = Metric(
    "pulseguard_registry_watchdog_heard_timestamp_seconds",
    "gauge",
    "When the dead man's switch, an alert that always fires, was told last, Unix time; 0 if never.",
    (),
    "seconds",
)
REGISTRY_HEARTBEATS: Final = Metric(
    "pulseguard_registry_heartbeats_total",
    "counter",
    "Heartbeats received, by outcome.",
    (LABEL_OUTCOME,),
)
REGISTRY_SNAPSHOTS: Final = Metric(
    "pulseguard_registry_snapshots_total",
    "counter",
    "AI-metrics snapshots received: stored; late, which are stored for a day before yesterday;"
    " repeated; refused, more than a day ahead or older than the retention.",
    (LABEL_OUTCOME,),
)
REGISTRY_LATE_SNAPSHOTS: Final = Metric(
    "pulseguard_registry_late_snapshots",
    "gauge",
    "AI-metrics snapshots that are kept outside of the partitions by day, because they came late.",
)
REGISTRY_DISAGREEMENTS: Final = Metric(
    "pulseguard_registry_disagreements",
    "gauge",
    "Agents of whom inventory, heartbeats and scrapes tell different things, by kind; while no sync"
    " tells, of retired_but_heard and two_processes only.",
    (LABEL_KIND,),
)
REGISTRY_RULE_GROUPS: Final = Metric(
    "pulseguard_registry_rule_groups",
    "gauge",
    "Groups of users' rules, by how far they are over all Prometheuses that sync tells of: pending,"
    " loaded, or rejected.",
    (LABEL_STATE,),
)
REGISTRY_RULES_PENDING: Final = Metric(
    "pulseguard_registry_rules_pending_seconds",
    "gauge",
    "Since when the rule group that has been pending for longest is; 0 where none is.",
    (),
    "seconds",
)
REGISTRY_COMMIT_BATCH: Final = Metric(
    "pulseguard_registry_commit_batch_size",
    "histogram",
    "Heartbeats committed in one transaction.",
    buckets=_BATCHES,
)
REGISTRY_RATE_LIMITED: Final = Metric(
    "pulseguard_registry_rate_limited_total",
    "counter",
    "Requests answered 429, by what sends too many: a key, or an address without a valid one.",
    (LABEL_REASON,),
)
REGISTRY_DATABASE_UP: Final = Metric(
    "pulseguard_registry_database_up", "gauge", "1 while the database answers, else 0."
)
REGISTRY_HTTP_DURATION: Final = Metric(
    "pulseguard_registry_http_request_duration_seconds",
    "histogram",
    "Duration of requests to the registry.",
    (LABEL_METHOD, LABEL_ROUTE, LABEL_CODE),
    "seconds",
    _HTTP_SECONDS,
)
AGENT_STATUS: Final = Metric(
    "pulseguard_registry_agent_status",
    "gauge",
    "Always 1; the status of an agent.",
    (*_AGENT_LABELS, LABEL_STATUS),
)
AGENT_LAST_SEEN: Final = Metric(
    "pulseguard_registry_agent_last_seen_timestamp_seconds",
    "gauge",
    "When an agent last gave a sign of life, Unix time.",
    _AGENT_LABELS,
    "seconds",
)
AGENT_SCRAPED: Final = Metric(
    "pulseguard_registry_agent_scraped",
    "gauge",
    "1 while a Prometheus scrapes an agent, else 0; absent where no sync tells, or it is too new.",
    _AGENT_LABELS,
)
AGENT_TWO_PROCESSES: Final = Metric(
    "pulseguard_registry_agent_two_processes",
    "gauge",
    "Always 1: two processes beat as this one agent; absent for all others.",
    _AGENT_LABELS,
)

REGISTRY_METRICS: Final[tuple[Metric, ...]] = (
    REGISTRY_AGENTS,
    REGISTRY_SD_TARGETS,
    REGISTRY_SD_AGE,
    REGISTRY_SD_REFUSED,
    REGISTRY_SD_HELD,
    REGISTRY_SD_HOLDS,
    REGISTRY_SILENCE_HELD,
    REGISTRY_UNSILENCED,
    REGISTRY_WATCHDOG,
    REGISTRY_HEARTBEATS,
    REGISTRY_SNAPSHOTS,
    REGISTRY_LATE_SNAPSHOTS,
    REGISTRY_DISAGREEMENTS,
    REGISTRY_RULE_GROUPS,
    REGISTRY_RULES_PENDING,
    REGISTRY_COMMIT_BATCH,
    REGISTRY_RATE_LIMITED,
    REGISTRY_DATABASE_UP,
    REGISTRY_HTTP_DURATION,
    AGENT_STATUS,
    AGENT_LAST_SEEN,
    AGENT_SCRAPED,
    AGENT_TWO_PROCESSES,
)
