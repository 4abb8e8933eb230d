"""Asks Prometheus what Grafana asks it, over the same paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import yaml

from pulseguard.doctor.web import Answer, NoAnswer, ask
from pulseguard_grafana.preview.errors import NotUnderstood, PrometheusSilent, QueryFailed
from pulseguard_grafana.preview.time_range import TimeRange, seconds_of

_SECONDS: Final = 10.0
# Grafana's own, where nobody tells how often is scraped.
_USUAL_SCRAPE_SECONDS: Final = 15.0
_NO_PROMETHEUS: Final = "what answers there is no Prometheus"


@dataclass(frozen=True)
class Series:
    """Labels, and values by Unix time; an instant query has one value."""

    labels: Mapping[str, str]
    values: Mapping[float, float]


class Prometheus:
    """One Prometheus, by its address."""

    def __init__(self, url: str) -> None:
        self._url = url

    def scrape_seconds(self) -> float:
        """How often it scrapes, by its configuration; PrometheusSilent where it does not answer."""
        try:
            answer = ask(f"{self._url}/api/v1/status/config", seconds=_SECONDS)
        except NoAnswer as error:
            raise PrometheusSilent(f"Prometheus at {self._url} does not answer: {error}") from error
        try:
            # Any: YAML of any shape.
            read: Any = yaml.safe_load(answer.fields()["data"]["yaml"])  # type: ignore[index]
            return seconds_of(str(read["global"]["scrape_interval"]))
        except (LookupError, TypeError, yaml.YAMLError, NotUnderstood):
            return _USUAL_SCRAPE_SECONDS

    def instant(self, expr: str, at: float) -> Sequence[Series]:
        """The values at this moment; QueryFailed says what is wrong."""
        data = self._data("/api/v1/query", query=expr, time=f"{at:.3f}")
        try:
            if data["resultType"] == "scalar":
                return [Series({}, _values([data["result"]]))]
            return [Series(each["metric"], _values([each["value"]])) for each in data["result"]]
        except (LookupError, TypeError, ValueError) as error:
            raise QueryFailed(_NO_PROMETHEUS) from error

    def over(self, expr: str, shown: TimeRange, step: float) -> Sequence[Series]:
        """The values over a time, at multiples of the step as Grafana asks; QueryFailed too."""
        data = self._data(
            "/api/v1/query_range",
            query=expr,
            start=f"{shown.start // step * step:.3f}",
            end=f"{shown.end // step * step:.3f}",
            step=f"{step:g}",
        )
        try:
            return [Series(each["metric"], _values(each["values"])) for each in data["result"]]
        except (LookupError, TypeError, ValueError) as error:
            raise QueryFailed(_NO_PROMETHEUS) from error

    def label_values(self, label: str, selector: str, shown: TimeRange) -> Sequence[str]:
        """The values of a label, of the series that a selector chooses, or of all without one."""
        given = {"match[]": selector} if selector else {}
        times = {"start": f"{shown.start:.3f}", "end": f"{shown.end:.3f}"}
        data = self._data(f"/api/v1/label/{quote(label, safe='')}/values", **times, **given)
        return [str(value) for value in data] if isinstance(data, list) else []

    # Any: the data of an answer is another thing on each path.
    def _data(self, path: str, **query: str) -> Any:
        try:
            answer = ask(self._url + path, query=query, seconds=_SECONDS)
        except NoAnswer as error:
            raise QueryFailed(str(error)) from error
        return _granted(answer)


# Any: see above.
def _granted(answer: Answer) -> Any:
    fields = answer.fields()
    if fields.get("status") not in ("success", "error"):
        raise QueryFailed(f"{_NO_PROMETHEUS}: status {answer.status}")
    if not answer.ok:
        raise QueryFailed(answer.detail)
    return fields.get("data")


def _values(pairs: Sequence[Sequence[float | str]]) -> dict[float, float]:
    return {float(at): float(value) for at, value in pairs}
