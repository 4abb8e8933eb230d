"""What Alertmanager counts of its notifications: how many it has tried, how many failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel

from pulseguard_registry.alertmanager.client import AlertmanagerUnavailable

_TRIED: Final = "alertmanager_notifications_total"
_FAILED: Final = "alertmanager_notifications_failed_total"
# Behind a flag of newer versions (--enable-feature=receiver-name-in-metrics).
_RECEIVER: Final = "receiver_name"


class Count(BaseModel):
    """Notifications over one integration, of one receiver where Alertmanager tells them apart."""

    receiver: str = ""
    integration: str
    tried: int = 0
    failed: int = 0

    @property
    def taken(self) -> int:
        """How many were taken by whom they were sent to."""
        return self.tried - self.failed


def read_counts(metrics: str) -> list[Count]:
    """The counts in the text of its metrics; AlertmanagerUnavailable where that is no such text."""
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    try:
        for name, labels, value in _samples(metrics):
            of = counts[labels.get(_RECEIVER, ""), labels.get("integration", "")]
            # Of newer versions, failures have a reason each.
            of[name] = of.get(name, 0) + int(value)
    except (ValueError, KeyError, OverflowError):
        raise AlertmanagerUnavailable("the metrics of Alertmanager cannot be read") from None
    return [
        Count(
            receiver=receiver,
            integration=integration,
            tried=numbers.get(_TRIED, 0),
            failed=numbers.get(_FAILED, 0),
        )
        for (receiver, integration), numbers in sorted(counts.items())
    ]


def since(before: Iterable[Count], now: Iterable[Count]) -> list[Count]:
    """What was counted in between; all of it where Alertmanager began anew."""
    known = {(count.receiver, count.integration): count for count in before}
    return [_grown(known.get((count.receiver, count.integration)), count) for count in now]


def _grown(before: Count | None, now: Count) -> Count:
    if before is None or before.tried > now.tried or before.failed > now.failed:
        return now
    grown = {"tried": now.tried - before.tried, "failed": now.failed - before.failed}
    return now.model_copy(update=grown)


def _samples(metrics: str) -> Iterator[tuple[str, dict[str, str], float]]:
    # Only these: the rest is long, and none of our business.
    lines = [line for line in metrics.splitlines() if line.startswith((_TRIED, _FAILED))]
    for family in text_string_to_metric_families("\n".join(lines) + "\n"):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value
