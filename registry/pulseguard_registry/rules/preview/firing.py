"""When an alert would have fired, from the moments at which its expression held. Pure.

As Prometheus does it (rules/alerting.go): pending from the first evaluation that has the series,
firing once it has been there for `for`, and on for `keep_firing_for` after it is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Waits:
    """The times of a rule and of the looks at it, in seconds."""

    step: float
    pending: float = 0.0
    keep_firing: float = 0.0


@dataclass(frozen=True)
class Episode:
    """A time of firing, in seconds since 1970; `ended` is None where it still fires.

    `value` is the last one that the expression had in it, as Prometheus writes it.
    """

    began: float
    ended: float | None
    value: str


def episodes_of(samples: Sequence[tuple[float, str]], waits: Waits, until: float) -> list[Episode]:
    """The times of firing of one series: `samples` are moments and values, in order; looked at
    every `step` until `until`."""
    fires = list(_held(samples, waits))
    joined: list[Episode] = []
    for began, last, value in fires:
        over = last + waits.keep_firing
        ended = None if over >= until - waits.step / 2 else over + waits.step
        if joined and _goes_on(joined[-1], began):
            joined[-1] = Episode(joined[-1].began, ended, value)
        else:
            joined.append(Episode(began, ended, value))
    return joined


def pending_since(samples: Sequence[tuple[float, str]], waits: Waits, until: float) -> float | None:
    """Since when the series holds at `until`, whether for long enough or not; None where not."""
    runs = list(_runs(samples, waits.step))
    if not runs or runs[-1][-1][0] < until - waits.step / 2:
        return None
    return runs[-1][0][0]


def _goes_on(before: Episode, began: float) -> bool:
    """Whether it fired on until then, for having been kept firing."""
    return before.ended is None or began < before.ended


def _held(samples: Sequence[tuple[float, str]], waits: Waits) -> Iterator[tuple[float, float, str]]:
    """When it fired first, the last moment that it held, and the value then, of each run."""
    for run in _runs(samples, waits.step):
        first, (last, value) = run[0][0], run[-1]
        if last - first >= waits.pending:
            yield first + waits.pending, last, value


def _runs(
    samples: Sequence[tuple[float, str]], step: float
) -> Iterator[Sequence[tuple[float, str]]]:
    """The samples that follow one another without a look between at which there was none."""
    begin = 0
    for index in range(1, len(samples) + 1):
        if index == len(samples) or samples[index][0] - samples[index - 1][0] > 1.5 * step:
            if begin < index:
                yield samples[begin:index]
            begin = index
