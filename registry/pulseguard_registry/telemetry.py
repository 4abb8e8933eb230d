"""The registry's own metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from pulseguard import catalog

# Late ones are stored, for a day before yesterday; refused are those of the day after tomorrow, and
# those older than the retention.
SnapshotOutcome = Literal["stored", "late", "repeated", "refused"]
SNAPSHOT_OUTCOMES: tuple[SnapshotOutcome, ...] = get_args(SnapshotOutcome)


class Telemetry:
    """Counts what the registry does; one registry of metrics for each application."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # one series more for each counter, and nobody reads it
        self.registry = CollectorRegistry(auto_describe=False)
        self._heartbeats = self._counter(catalog.REGISTRY_HEARTBEATS)
        self._snapshots = self._counter(catalog.REGISTRY_SNAPSHOTS)
        self._refused = self._counter(catalog.REGISTRY_SD_REFUSED)
        self._rate_limited = self._counter(catalog.REGISTRY_RATE_LIMITED)
        self._holds = self._counter(catalog.REGISTRY_SD_HOLDS)
        self._batches = self._histogram(catalog.REGISTRY_COMMIT_BATCH)
        self._requests = self._histogram(catalog.REGISTRY_HTTP_DURATION)
        self._targets = self._gauge(catalog.REGISTRY_SD_TARGETS)
        self._held_targets = self._gauge(catalog.REGISTRY_SD_HELD)
        self._held_agents = self._gauge(catalog.REGISTRY_SILENCE_HELD)
        self._age = self._gauge(catalog.REGISTRY_SD_AGE)
        self._unsilenced = self._gauge(catalog.REGISTRY_UNSILENCED)
        self._watchdog = self._gauge(catalog.REGISTRY_WATCHDOG)
        self._database_up = self._gauge(catalog.REGISTRY_DATABASE_UP)
        for outcome in ("alive", "goodbye"):
            self._heartbeats.labels(outcome)
        for outcome in SNAPSHOT_OUTCOMES:
            self._snapshots.labels(outcome)
        self._refused.labels("unconfirmed")
        for reason in ("key", "address"):
            self._rate_limited.labels(reason)

    def count_heartbeat(self, outcome: str, number: int = 1) -> None:
        """So many heartbeats, `alive` or `goodbye`, stored durably."""
        self._heartbeats.labels(outcome).inc(number)

    def count_snapshots(self, counts: Mapping[SnapshotOutcome, int]) -> None:
        """Snapshots of one request, by what became of them."""
        for outcome, number in counts.items():
            if number:
                self._snapshots.labels(outcome).inc(number)

    def count_refused_targets(self, reason: str) -> None:
        """One discovery request answered 503."""
        self._refused.labels(reason).inc()

    def count_rate_limited(self, reason: str) -> None:
        """One request answered 429, by what sends too many: a `key` or an `address`."""
        self._rate_limited.labels(reason).inc()

    def refused_targets(self) -> dict[str, int]:
        """How many discovery requests were answered 503, by reason."""
        samples = (sample for family in self._refused.collect() for sample in family.samples)
        return {sample.labels[catalog.LABEL_REASON]: int(sample.value) for sample in samples}

    def count_hold(self) -> None:
        """One fall of the target list that this registry holds back."""
        self._holds.inc()

    def set_held(self, *, targets: int, agents: int) -> None:
        """What is held back: targets in discovery, agents that are not called OFFLINE."""
        self._held_targets.set(targets)
        self._held_agents.set(agents)

    def set_alert_path(self, *, unsilenced: int, watchdog_at: float) -> None:
        """Agents under maintenance that are not silenced, and when the dead man's switch was heard
        last, Unix time; 0 if never."""
        self._unsilenced.set(unsilenced)
        self._watchdog.set(watchdog_at)

    def observe_batch(self, size: int) -> None:
        """One group commit of so many writes."""
        self._batches.observe(size)

    def observe_request(self, method: str, route: str, code: int, seconds: float) -> None:
        """One request, by the template of its route."""
        self._requests.labels(method if method in _METHODS else "_OTHER", route, code).observe(
            seconds
        )

    def set_state(self, *, targets: int, age_seconds: float, database_up: bool) -> None:
        """What is true at the moment of a scrape."""
        self._targets.set(targets)
        self._age.set(age_seconds)
        self._database_up.set(database_up)

    def _counter(self, metric: catalog.Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self.registry)

    def _gauge(self, metric: catalog.Metric) -> Gauge:
        return Gauge(metric.name, metric.help, metric.labels, registry=self.registry)

    def _histogram(self, metric: catalog.Metric) -> Histogram:
        return Histogram(
            metric.name, metric.help, metric.labels, registry=self.registry, buckets=metric.buckets
        )


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
