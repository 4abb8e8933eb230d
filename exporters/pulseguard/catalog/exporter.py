"""The metrics that the exporter emits about itself."""

from typing import Final

from pulseguard.catalog.metric import LABEL_EXPORTER_OPERATION, LABEL_METRIC, LABEL_OUTCOME, Metric

EXPORTER_SERIES: Final = Metric(
    "pulseguard_exporter_series", "gauge", "Series that the exporter holds."
)
EXPORTER_SERIES_LIMIT: Final = Metric(
    "pulseguard_exporter_series_limit", "gauge", "Series that the exporter may hold."
)
EXPORTER_DROPPED: Final = Metric(
    "pulseguard_exporter_dropped_label_sets_total",
    "counter",
    "Recordings whose label set had no room and went to _OTHER; or nowhere, where an optional "
    "metric came when nothing was left.",
    (LABEL_METRIC,),
)
EXPORTER_COLLECT_DURATION: Final = Metric(
    "pulseguard_exporter_collect_duration_seconds",
    "gauge",
    "Time that collecting this scrape's values took.",
    (),
    "seconds",
)
EXPORTER_FAILURES: Final = Metric(
    "pulseguard_exporter_failures_total",
    "counter",
    "Failures inside the exporter, kept from the agent; by what was attempted.",
    (LABEL_EXPORTER_OPERATION,),
    max_label_sets=60,
)
EXPORTER_REGISTRY_REQUESTS: Final = Metric(
    "pulseguard_exporter_registry_requests_total",
    "counter",
    "Requests to the registry: ok, refused (4xx), unavailable (5xx), unreachable.",
    (LABEL_OUTCOME,),
)

SELF_METRICS: Final[tuple[Metric, ...]] = (
    EXPORTER_SERIES,
    EXPORTER_SERIES_LIMIT,
    EXPORTER_DROPPED,
    EXPORTER_COLLECT_DURATION,
    EXPORTER_FAILURES,
    EXPORTER_REGISTRY_REQUESTS,
)
