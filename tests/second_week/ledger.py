"""What of a deployment has to be there for ever, or until its time is over."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.second_week.facts import (
    QUEUE_LONG,
    Told,
    events,
    history,
    ids,
    pages,
    records,
    taken_on,
)
from tests.second_week.month import AGENTS, Month
from tests.started_program import eventually

PATIENCE_SECONDS = 60


class Ledger:
    """Of one deployment, from its first day on."""

    def __init__(self, month: Month) -> None:
        self._month = month
        self.ids = ids(month)
        self._told: list[Told] = []
        self._records: list[int] = []
        # Any: JSON.
        self._events: dict[str, list[Any]] = {name: [] for name in AGENTS}
        self._snapshots: dict[int, dict[str, set[str]]] = {}

    def have_told(self, agent: str, status: str) -> None:
        """Make the queue of an agent long, or let it be over, until that was told to all."""
        self._month.agents[agent].ask("200" if status == "firing" else "0")
        self._told.append((QUEUE_LONG, agent, status))
        for told in (pages, history):
            eventually(partial(self._is_told, told), timeout_seconds=PATIENCE_SECONDS)

    def note(self, day: int) -> None:
        """What there is more by now."""
        self._records = records(self._month)
        self._events = {name: events(self._month, id_) for name, id_ in self.ids.items()}
        self._snapshots[day] = self._taken_on(day)
        assert all(len(taken) > 3 for taken in self._snapshots[day].values())

    def is_kept(self) -> None:
        """All agents are who they were, and everything that was told is there once, and no more.

        Nobody has ever been called silent.
        """
        assert ids(self._month) == self.ids
        assert pages(self._month) == self._told
        assert history(self._month) == self._told
        assert records(self._month)[: len(self._records)] == self._records
        for name, known in self._events.items():
            now = events(self._month, self.ids[name])
            assert now[: len(known)] == known
            assert "silent" not in str(now)

    def has_snapshots_of(self, *days: int) -> None:
        """All that were known of these days, and none of those before."""
        for day, known in self._snapshots.items():
            if day in days:
                assert all(taken <= self._taken_on(day)[name] for name, taken in known.items())
            else:
                assert self._taken_on(day) == {name: set() for name in AGENTS}

    def _is_told(self, told: Callable[[Month], list[Told]]) -> bool:
        return len(told(self._month)) >= len(self._told)

    def _taken_on(self, day: int) -> dict[str, set[str]]:
        return {name: taken_on(self._month, id_, day) for name, id_ in self.ids.items()}
