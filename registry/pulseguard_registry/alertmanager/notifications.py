"""What Alertmanager counts of its notifications: what was answered, and what it gave up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel

from pulseguard_registry.alertmanager.client import AlertmanagerUnavailable

# Counted after the answer; `alertmanager_notifications_total` is counted when one begins, and says
# nothing of how it ends.
_REQUESTS: Final = "alertmanager_notification_requests_total"
_REFUSED: Final = "alertmanager_notification_requests_failed_total"
# Counted when Alertmanager tries no longer.
_FAILED: Final = "alertmanager_notifications_failed_total"
_NAMES: Final = (_REQUESTS, _REFUSED, _FAILED)
# Behind a flag of newer versions (--enable-feature=receiver-name-in-metrics).
_RECEIVER: Final = "receiver_name"


class Count(BaseModel):
    """Notifications over one integration, of one receiver where Alertmanager tells them apart.

    A notification is sent in requests until one of them is taken, or Alertmanager gives it up.
    """

    receiver: str = ""
    integration: str
    requests: int = 0
    refused: int = 0
    failed: int = 0

    @property
    def taken(self) -> int:
        """How many were taken by whom they were sent to."""
        return self.requests - self.refused


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
            requests=numbers.get(_REQUESTS, 0),
            refused=numbers.get(_REFUSED, 0),
            failed=numbers.get(_FAILED, 0),
        )
        for (receiver, integration), numbers in sorted(counts.items())
    ]


def since(before: Iterable[Count], now: Iterable[Count]) -> list[Count]:
    """What was counted in between; all of it where Alertmanager began anew."""
    known = {(count.receiver, count.integration): count for count in before}
    return [_grown(known.get((count.receiver, count.integration)), count) for count in now]


def _grown(before: Count | None, now: Count) -> Count:
    if before is None:
        return now
    grown = {n: getattr(now, n) - getattr(before, n) for n in ("requests", "refused", "failed")}
    return now if min(grown.values()) < 0 else now.model_copy(update=grown)


def _samples(metrics: str) -> Iterator[tuple[str, dict[str, str], float]]:
    # Only these: the rest is long, and none of our business.
    lines = [line for line in metrics.splitlines() if line.startswith(_NAMES)]
    for family in text_string_to_metric_families("\n".join(lines) + "\n"):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value
