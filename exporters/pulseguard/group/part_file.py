"""The numbers of one process as a file that another process of the agent can read."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from pulseguard.catalog import AGENT_METRICS, AgentState, Metric
from pulseguard.recording.series import Exemplar, HistogramReading, LabelSet, Reading
from pulseguard.recording.whole import Part

_CATALOGUED: Final = frozenset(metric.name for metric in AGENT_METRICS)


class PartFile(NamedTuple):
    """What such a file holds: the numbers, the metrics that no catalogue describes, the processes.

    `includes` names the processes whose numbers are in it beside the writer's: those that have
    ended, where it is the sum of these.
    """

    part: Part
    own_metrics: tuple[Metric, ...] = ()
    includes: tuple[str, ...] = ()


def encode(part: Part, metrics: Iterable[Metric], includes: Sequence[str] = ()) -> bytes:
    """The file's content."""
    document = {
        "state": part.state,
        "context_tokens": part.context_tokens,
        "at": part.at,
        "includes": list(includes),
        "metrics": [metric for metric in metrics if metric.name not in _CATALOGUED],
        "readings": {
            name: [(labels, _plain(reading)) for labels, reading in readings]
            for name, readings in part.readings.items()
            if readings
        },
    }
    return json.dumps(document, separators=(",", ":")).encode()


def decode(content: bytes) -> PartFile:
    """What the content says; ValueError where it says nothing of the kind."""
    try:
        document = json.loads(content)
        part = Part(
            {name: _readings(found) for name, found in document["readings"].items()},
            cast(AgentState, document["state"]),
            document["context_tokens"],
            at=float(document["at"]),
        )
        metrics = tuple(_metric(found) for found in document["metrics"])
        return PartFile(part, metrics, tuple(document["includes"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not the numbers of a process") from error


# What JSON gives back has no type that could be written down; `decode` minds the consequences.
def _readings(found: Any) -> list[tuple[LabelSet, Reading]]:
    return [(tuple(labels), _reading(value)) for labels, value in found]


def _plain(reading: Reading) -> object:
    if not isinstance(reading, HistogramReading):
        return reading
    exemplars: Mapping[int, Exemplar] = reading.exemplars or {}
    return reading.counts, reading.total, list(exemplars.items())


def _reading(value: Any) -> Reading:
    if isinstance(value, int | float):
        return value
    counts, total, exemplars = value
    told = {bucket: Exemplar(*exemplar) for bucket, exemplar in exemplars}
    return HistogramReading(tuple(counts), total, told or None)


def _metric(found: Any) -> Metric:
    return Metric(*(_frozen(each) for each in found))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
