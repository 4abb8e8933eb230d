"""A real Prometheus for tests, asked over its API."""

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pulseguard_stack.runner.plan import KEEP_EXEMPLARS
from tests.started_program import StartedProgram, eventually, free_port

__all__ = ["PrometheusServer", "Sample", "eventually", "free_port"]


@dataclass(frozen=True)
class Sample:
    """One element of an instant vector."""

    labels: dict[str, str]
    value: float


class PrometheusServer(StartedProgram):
    """Prometheus, with its data in the folder `data` beside its configuration."""

    name = "prometheus"

    @property
    def arguments(self) -> Sequence[str]:
        data = f"--storage.tsdb.path={self.folder / 'data'}"
        return [data, "--web.enable-lifecycle", KEEP_EXEMPLARS]

    # Any: the objects of Prometheus' API, as JSON gives them.
    def rule_groups(self) -> dict[str, dict[str, Any]]:
        """Answers the groups of rules that it has loaded, by name."""
        return {group["name"]: group for group in self._get("/api/v1/rules")["groups"]}

    def kill(self) -> None:
        """Ends it as a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()
        self._process = None

    def query(self, promql: str) -> list[Sample]:
        """Answers the instant vector of an expression, now."""
        found = self._get("/api/v1/query", query=promql)
        return [Sample(each["metric"], float(each["value"][1])) for each in found["result"]]

    def value(self, promql: str) -> float | None:
        """Answers the value of an expression with at most one element, None where it has none."""
        samples = self.query(promql)
        if len(samples) > 1:
            raise AssertionError(f"{promql} has {len(samples)} elements: {samples}")
        return samples[0].value if samples else None

    # Any: the objects of Prometheus' API, as JSON gives them.
    def exemplars(self, promql: str) -> list[dict[str, Any]]:
        """Answers the exemplars of all series that an expression reads, of the last hour."""
        now = time.time()
        found = self._get("/api/v1/query_exemplars", query=promql, start=now - 3600, end=now)
        return [exemplar for series in found for exemplar in series["exemplars"]]

    # Any: the objects of Prometheus' API, as JSON gives them.
    def targets(self, job: str | None = None) -> list[dict[str, Any]]:
        """Answers the active targets, of one job where it is named, as the API shows them."""
        active = self._get("/api/v1/targets", state="active")["activeTargets"]
        return [each for each in active if job in (None, each["labels"]["job"])]

    # Any: the "data" of an answer is a different thing on each path.
    def _get(self, path: str, **parameters: str | float) -> Any:
        url = f"{self.url}{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]
