"""Speaks to Alertmanager over its API v2, as 0.25 and everything later has it.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from pulseguard.doctor.web import Answer, NoAnswer, ask
from pulseguard_registry.errors import RegistryError

DEADLINE_SECONDS: Final = 3.0

Json = Mapping[str, Any]  # Any: JSON


class AlertmanagerUnavailable(RegistryError):
    """Alertmanager did not answer, or not as it should; the text says why, and what to look at."""


@dataclass(frozen=True)
class Clock:
    """What Alertmanager's clock says, which judges silences: not before what it really says, and
    at most a second after it, for it tells whole seconds only."""

    told: datetime
    heard_at: float

    def now(self) -> datetime:
        """The time there."""
        return self.told + timedelta(seconds=time.monotonic() - self.heard_at)


class Alertmanager:
    """One Alertmanager at its address; every method raises AlertmanagerUnavailable within 3 s where
    there is no answer."""

    def __init__(self, url: str, *, ends_at: float = math.inf) -> None:
        self.url = url
        self._ends_at = ends_at

    def hurried(self) -> Alertmanager:
        """The same, all of whose calls from now on share one deadline."""
        return Alertmanager(self.url, ends_at=time.monotonic() + DEADLINE_SECONDS)

    def receivers(self) -> list[str]:
        """The names of the receivers in its configuration."""
        return _names(self._items(self._ask("/api/v2/receivers")))

    def silences(self) -> tuple[list[Json], Clock]:
        """Every silence, those that ended within days too, and the time there.

        0.25 filters by whole matchers only: not by a label, nor by who made them.
        """
        answer = self._ask("/api/v2/silences")
        return self._items(answer), _clock(answer)

    def set_silence(self, silence: Json) -> str:
        """Make a silence, or change the one of its `id`; returns the id that it has now."""
        said = self._ask("/api/v2/silences", body=silence).fields()
        return str(said.get("silenceID", ""))

    def expire_silence(self, silence_id: str) -> None:
        """End a silence now; harmless where it is over, or Alertmanager has lost it."""
        answer = self._send(f"/api/v2/silence/{silence_id}", method="DELETE")
        if not answer.ok and answer.status != 404 and b"expired" not in answer.content:
            raise self._refused(answer)

    def routed_to(self, label: str, value: str) -> list[str]:
        """The names of the receivers to which it routes the alerts with this label; none where it
        holds no such alert."""
        found = self._items(self._ask("/api/v2/alerts", query={"filter": f'{label}="{value}"'}))
        return [name for alert in found for name in _names(alert.get("receivers"))]

    def send_alert(self, alert: Json) -> None:
        """Hand in an alert, as Prometheus does."""
        self._ask("/api/v2/alerts", body=[alert])

    def metrics(self) -> tuple[str, Clock]:
        """Its own metrics, in the text format, and the time there."""
        answer = self._ask("/metrics")
        return answer.content.decode("utf-8", "replace"), _clock(answer)

    def _items(self, answer: Answer) -> list[Json]:
        body = answer.json()
        if not isinstance(body, list):
            raise AlertmanagerUnavailable(
                f"{self.url} is no Alertmanager: it answers with no list; mend"
                " PULSEGUARD_ALERTMANAGER_URL"
            )
        return [each for each in body if isinstance(each, dict)]

    def _ask(
        self,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | Sequence[Json] | None = None,
    ) -> Answer:
        answer = self._send(path, query=query, body=body)
        if not answer.ok:
            raise self._refused(answer)
        return answer

    def _send(self, path: str, **asked: Any) -> Answer:  # Any: as `ask` takes them
        try:
            left = min(DEADLINE_SECONDS, self._ends_at - time.monotonic())
            if left <= 0:
                raise NoAnswer(f"no answer within {DEADLINE_SECONDS:g} s")
            return ask(self.url + path, seconds=left, **asked)
        except NoAnswer as error:
            raise AlertmanagerUnavailable(
                f"Alertmanager at {self.url} (PULSEGUARD_ALERTMANAGER_URL) does not answer: {error}"
            ) from None

    def _refused(self, answer: Answer) -> AlertmanagerUnavailable:
        body = answer.json()
        said = body if isinstance(body, str) else answer.detail
        return AlertmanagerUnavailable(
            f"Alertmanager at {self.url} refuses ({answer.status}): {said[:200]}"
        )


def _names(told: object) -> list[str]:
    receivers = told if isinstance(told, list) else []
    return [str(each.get("name", "")) for each in receivers if isinstance(each, dict)]


def _clock(answer: Answer) -> Clock:
    heard_at = time.monotonic()
    try:
        told = parsedate_to_datetime(answer.date).astimezone(UTC) + timedelta(seconds=1)
    except (ValueError, OverflowError):
        # Something in between took it away: then ours has to do.
        told = datetime.now(UTC)
    return Clock(told, heard_at)
