"""Metrics that an agent's author defines: through the same bounded door as all others."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from pulseguard.catalog import (
    LABEL_AGENT,
    LABEL_AGENT_ID,
    LABEL_AGENT_TYPE,
    LABEL_ENVIRONMENT,
    LABEL_INSTANCE,
    LABEL_TEAM,
    Metric,
    MetricType,
)
from pulseguard.errors import UnusableMetric
from pulseguard.recording.labels import clean_line
from pulseguard.recording.series import Series
from pulseguard.recording.values import number, whole

PREFIX: Final = "agent_"
MOST_METRICS: Final = 50
MOST_LABELS: Final = 5
MOST_BUCKETS: Final = 20
MOST_LABEL_SETS: Final = 200
DEFAULT_LABEL_SETS: Final = 20
# As in Prometheus' own client libraries: for durations of requests, in seconds.
DEFAULT_BUCKETS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5),
    *(0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,79}")
_LABEL_NAME: Final = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,79}")
# What the target says of the agent, what Prometheus adds, and what histograms need themselves.
_TAKEN_LABELS: Final = frozenset(
    {
        *(LABEL_AGENT_ID, LABEL_AGENT, LABEL_INSTANCE, LABEL_AGENT_TYPE),
        *(LABEL_ENVIRONMENT, LABEL_TEAM, "job", "le", "quantile"),
    }
)
# Names that a scraper makes of a metric's own: no other metric may look like that.
_ENDINGS: Final = ("_total", "_created", "_bucket", "_count", "_sum")


class Wish(NamedTuple):
    """A metric as its author asked for it, not yet checked: it comes from somebody else's code."""

    type: MetricType
    name: object
    help: object
    labels: object
    buckets: object = ()
    max_label_sets: object = DEFAULT_LABEL_SETS


def define(series: Series, wish: Wish) -> Metric:
    """The metric, on these series; the one that is there, where exactly that is defined again.

    UnusableMetric where it can be none: its name or labels, another one by that name, too many
    of them, or no room for more series. Safe from any thread.
    """
    metric = _metric(wish)
    with series.lock:
        own = {_stem(each): each for each in series.metrics if each.name.startswith(PREFIX)}
        known = own.get(_stem(metric))
        if known == metric:
            return known
        if known is not None:
            raise UnusableMetric(f"{known.name} is defined already, as something else")
        if len(own) >= MOST_METRICS:
            raise UnusableMetric(f"an agent has at most {MOST_METRICS} metrics of its own")
        if not series.add(metric):
            raise UnusableMetric(f"{metric.name} has no room: see PULSEGUARD_SERIES_LIMIT")
        return metric


def _metric(wish: Wish) -> Metric:
    labels = _labels(wish.labels)
    return Metric(
        _name(wish.type, wish.name),
        wish.type,
        _help(wish.help),
        labels,
        buckets=_buckets(wish.buckets) if wish.type == "histogram" else (),
        max_label_sets=_most(wish.max_label_sets) if labels else 0,
        optional=True,
    )


def _stem(metric: Metric) -> str:
    # OpenMetrics knows a counter by its name without _total.
    return metric.name.removesuffix("_total")


def _name(type: MetricType, given: object) -> str:
    name = _text(given)
    if not _NAME.fullmatch(name):
        raise UnusableMetric("name a metric in lower case letters, digits and _")
    if type == "counter" and not name.endswith("_total"):
        raise UnusableMetric(f"{name} is a counter: let its name end in _total")
    stem = name.removesuffix("_total") if type == "counter" else name
    ending = next((each for each in _ENDINGS if stem.endswith(each)), "")
    if ending:
        raise UnusableMetric(f"{name} is a {type}: its name cannot end in {ending}")
    return name if name.startswith(PREFIX) else PREFIX + name


def _help(text: object) -> str:
    return clean_line(_text(text)).strip() or "No help given."


def _text(value: object) -> str:
    """A string as nothing but a string, whatever its class has overridden; else an empty one."""
    return str.__str__(value) if isinstance(value, str) else ""


def _labels(labels: object) -> tuple[str, ...]:
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise UnusableMetric('give labels as names, such as ("kind",)')
    names = tuple(label for _, label in zip(range(MOST_LABELS + 1), labels, strict=False))
    if len(names) > MOST_LABELS:
        raise UnusableMetric(f"a metric has at most {MOST_LABELS} labels")
    checked = tuple(map(_label, names))
    if len(set(checked)) < len(checked):
        raise UnusableMetric("each label of a metric needs a name of its own")
    return checked


def _label(given: object) -> str:
    name = _text(given)
    if not _LABEL_NAME.fullmatch(name):
        raise UnusableMetric("name a label in letters, digits and _")
    if name in _TAKEN_LABELS:
        raise UnusableMetric(f"{name} says something else already: choose another label")
    return name


def _most(label_sets: object) -> int:
    checked = whole("max_label_sets", label_sets)
    if 1 <= checked <= MOST_LABEL_SETS:
        return checked
    raise UnusableMetric(f"give max_label_sets from 1 to {MOST_LABEL_SETS}")


def _buckets(buckets: object) -> tuple[float, ...]:
    mend = f"give 1 to {MOST_BUCKETS} buckets, each larger than the one before and than 0"
    if isinstance(buckets, str | bytes) or not isinstance(buckets, Iterable):
        raise UnusableMetric(mend)
    given = tuple(bound for _, bound in zip(range(MOST_BUCKETS + 1), buckets, strict=False))
    if not 1 <= len(given) <= MOST_BUCKETS:
        raise UnusableMetric(mend)
    bounds = tuple(number("bucket", bound) for bound in given)
    if any(low >= high for low, high in zip((0.0, *bounds), bounds, strict=False)):
        raise UnusableMetric(mend)
    return bounds
