"""Asks both sources at once, and remembers what the registry said last."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

from pulseguard.doctor.web import DEADLINE_SECONDS, NoAnswer
from pulseguard_stack.status.alertmanager import read_receivers
from pulseguard_stack.status.fleet import (
    Alert,
    Disagreements,
    Fleet,
    Heard,
    Registered,
    Source,
    join,
)
from pulseguard_stack.status.prometheus import read_samples, read_start, read_trends
from pulseguard_stack.status.queries import QUERIES, Question
from pulseguard_stack.status.readings import Reading, Sample, Series, read_answers
from pulseguard_stack.status.registry import (
    KeyRefused,
    read_alerts,
    read_disagreements,
    read_inventory,
    read_retired,
)
from pulseguard_stack.status.restarts import read_restarts
from pulseguard_stack.status.settings import Endpoints

# A list of several pages is several requests, each with a deadline of its own.
_LONGEST_WAIT_SECONDS: Final = 2 * DEADLINE_SECONDS
_NOT_NAMED: Final = "nobody named its address"
_READ: Final = {
    "agents": read_inventory,
    "alerts": read_alerts,
    "disagreements": read_disagreements,
}


class Sources:
    """The registry and Prometheus, asked together as often as wished."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._known: tuple[Sequence[Registered], datetime] | None = None

    def look(self) -> Fleet:
        """The fleet now, after at most a few seconds, whoever answers."""
        taken_at = datetime.now(UTC)
        asked = self._ask(taken_at.timestamp())
        _wait_for_all(asked.values())
        registry, inventory = self._inventory(asked["agents"], taken_at)
        alerts, alerts_fault = _alerts(asked["alerts"])
        prometheus, readings = self._readings(asked, taken_at)
        if registry.fault is None:
            inventory = [*(inventory or ()), *self._retired(inventory or (), readings or {})]
        log = self._endpoints.runner_log
        restarts = read_restarts(log, taken_at) if log else None
        heard = Heard(
            registry,
            prometheus,
            inventory,
            alerts,
            readings,
            alerts_fault,
            restarts,
            *_disagreements(asked["disagreements"]),
            _start(asked),
            _receivers(asked),
        )
        return join(heard, taken_at)

    def _ask(self, now: float) -> dict[str, Asked]:
        urls = self._endpoints
        questions: dict[str, Callable[[], object]] = dict.fromkeys(_READ, _unnamed)
        if urls.registry_url:
            for name, read in _READ.items():
                questions[name] = partial(self._read, read, urls.registry_url)
        if urls.prometheus_url:
            questions["start"] = partial(read_start, urls.prometheus_url)
            questions["trends"] = partial(read_trends, urls.prometheus_url, now)
            for name, promql in QUERIES.items():
                questions[name] = partial(read_samples, urls.prometheus_url, promql)
        if urls.alertmanager_url:
            questions["receivers"] = partial(read_receivers, urls.alertmanager_url)
        return {name: Asked(question) for name, question in questions.items()}

    def _read(self, read: Callable[[str, str | None], object], url: str) -> object:
        try:
            return read(url, self._endpoints.key)
        except KeyRefused as error:
            origin = self._endpoints.key_origin
            raise NoAnswer(f"it answers {error.status} to {origin}: {error.said}") from error

    def _inventory(
        self, asked: Asked, taken_at: datetime
    ) -> tuple[Source, Sequence[Registered] | None]:
        url = self._endpoints.registry_url
        if isinstance(asked.answer, list):
            self._known = asked.answer, taken_at
            return Source("registry", url, None, taken_at), asked.answer
        inventory, as_of = self._known or (None, None)
        return Source("registry", url, asked.fault, as_of), inventory

    def _retired(
        self, inventory: Sequence[Registered], readings: Mapping[str, Reading]
    ) -> Sequence[Registered]:
        """Those that Prometheus has and the inventory leaves out, for they were retired."""
        known = {one.agent_id for one in inventory}
        strangers = [agent_id for agent_id in readings if agent_id not in known]
        url = self._endpoints.registry_url
        if url is None or not strangers:
            return ()
        asked = Asked(partial(read_retired, url, self._endpoints.key, strangers))
        _wait_for_all([asked])
        return asked.answer if isinstance(asked.answer, list) else ()

    def _readings(
        self, asked: Mapping[str, Asked], taken_at: datetime
    ) -> tuple[Source, Mapping[str, Reading] | None]:
        url = self._endpoints.prometheus_url
        if url is None:
            return Source("Prometheus", None, _NOT_NAMED), None
        answers: dict[Question, Sequence[Sample]] = {}
        for name in QUERIES:
            answer = asked[name].answer
            if not isinstance(answer, list):
                return Source("Prometheus", url, asked[name].fault), None
            answers[name] = answer
        trends = asked["trends"].answer
        drawn: list[Series] = trends if isinstance(trends, list) else []
        readings = read_answers(answers, drawn, taken_at.timestamp())
        return Source("Prometheus", url, None, taken_at), readings


class Asked:
    """A question under way, in a thread that keeps nobody from ending."""

    def __init__(self, question: Callable[[], object]) -> None:
        self.answer: object = None
        self.fault: str | None = f"no answer within {_LONGEST_WAIT_SECONDS:g} s"
        self._question = question
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Until it is answered, at most so long."""
        self._thread.join(max(seconds, 0))

    def _run(self) -> None:
        try:
            self.answer = self._question()
            self.fault = None
        except NoAnswer as error:
            self.fault = str(error)


def _wait_for_all(asked: Iterable[Asked]) -> None:
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    for one in asked:
        one.wait(deadline - time.monotonic())


def _alerts(asked: Asked) -> tuple[Sequence[Alert] | None, str | None]:
    return (asked.answer, None) if isinstance(asked.answer, list) else (None, asked.fault)


def _disagreements(asked: Asked) -> tuple[Disagreements | None, str | None]:
    return (asked.answer, None) if isinstance(asked.answer, Disagreements) else (None, asked.fault)


def _start(asked: Mapping[str, Asked]) -> datetime | None:
    start = asked["start"].answer if "start" in asked else None
    return start if isinstance(start, datetime) else None


def _receivers(asked: Mapping[str, Asked]) -> Sequence[str] | None:
    receivers = asked["receivers"].answer if "receivers" in asked else None
    return receivers if isinstance(receivers, list) else None


def _unnamed() -> object:
    raise NoAnswer(_NOT_NAMED)
