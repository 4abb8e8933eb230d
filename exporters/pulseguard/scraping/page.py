"""The readings as text, in both formats that Prometheus asks for.

Sources: https://prometheus.io/docs/instrumenting/exposition_formats/ (text 0.0.4) and
https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md (1.0.0).
"""

import time
from collections.abc import Iterator, Sequence
from typing import Final

from pulseguard.catalog import Detail, Metric
from pulseguard.recording.series import Exemplar, HistogramReading, LabelSet, Reading, Readings

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

# Some tenths of a millisecond of work: longer nobody else in the process has to wait.
_LINES_IN_ONE_GO: Final = 200
_SECONDS_FOR_OTHERS: Final = 50e-6

_SPECIAL: Final = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}
_LABEL_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})


class Page:
    """Renders readings. What does not change from scrape to scrape is written once a series.

    Not for two threads at once.
    """

    def __init__(self, detail: Detail) -> None:
        self._detail = detail
        # A sample up to its value: one for a number; bucket by bucket, count and sum for the rest.
        self._prefixes: dict[str, dict[LabelSet, tuple[str, ...]]] = {}

    def render(
        self, metrics: Sequence[Metric], readings: Readings, content_type: str = TEXT
    ) -> bytes:
        """The page: every metric that has readings, in this order."""
        openmetrics = content_type == OPENMETRICS
        lines: list[str] = []
        go_on_to = _LINES_IN_ONE_GO
        for metric in metrics:
            found = readings.get(metric.name)
            if not found:
                continue
            if len(lines) > go_on_to:
                # Python alone would let others in after 5 ms: an event loop feels that.
                time.sleep(_SECONDS_FOR_OTHERS)
                go_on_to = len(lines) + _LINES_IN_ONE_GO
            lines.append(self._head(metric, openmetrics))
            if metric.type == "histogram":
                self._add_histograms(lines, metric, found, openmetrics)
            else:
                self._add_numbers(lines, metric, found)
        if openmetrics:
            lines.append("# EOF\n")
        return "".join(lines).encode("utf-8", "replace")

    def _head(self, metric: Metric, openmetrics: bool) -> str:
        name = metric.name.removesuffix("_total") if openmetrics else metric.name
        told = metric.help.translate(_LABEL_ESCAPES if openmetrics else _HELP_ESCAPES)
        # A histogram without bounds is count and sum alone: a summary.
        plain = metric.type == "histogram" and not metric.bounds(self._detail)
        kind = "summary" if plain else metric.type
        return f"# HELP {name} {told}\n# TYPE {name} {kind}\n"

    def _add_numbers(
        self, lines: list[str], metric: Metric, readings: Sequence[tuple[LabelSet, Reading]]
    ) -> None:
        prefixes = self._prefixes.setdefault(metric.name, {})
        for values, value in readings:
            found = prefixes.get(values)
            if found is None:
                found = prefixes[values] = (f"{metric.name}{_labels(metric.labels, values)} ",)
            written = repr(value)
            lines.append(f"{found[0]}{_SPECIAL.get(written, written)}\n")

    def _add_histograms(
        self,
        lines: list[str],
        metric: Metric,
        readings: Sequence[tuple[LabelSet, Reading]],
        openmetrics: bool,
    ) -> None:
        prefixes = self._prefixes.setdefault(metric.name, {})
        for values, reading in readings:
            assert isinstance(reading, HistogramReading)
            found = prefixes.get(values)
            if found is None:
                found = prefixes[values] = tuple(self._histogram_prefixes(metric, values))
            below = 0
            exemplars = reading.exemplars if openmetrics else None
            *buckets, count_prefix, sum_prefix = found
            for number, (prefix, count) in enumerate(zip(buckets, reading.counts, strict=False)):
                below += count
                if exemplars and number in exemplars:
                    lines.append(f"{prefix}{below}{_exemplar(exemplars[number])}\n")
                else:
                    lines.append(f"{prefix}{below}\n")
            count = below if buckets else sum(reading.counts)
            lines.append(f"{count_prefix}{count}\n{sum_prefix}{reading.total!r}\n")

    def _histogram_prefixes(self, metric: Metric, values: LabelSet) -> Iterator[str]:
        bounds = metric.bounds(self._detail)
        labels = (*metric.labels, "le")
        if bounds:
            for bound in (*bounds, float("inf")):
                written = repr(float(bound))
                le = _SPECIAL.get(written, written)
                yield f"{metric.name}_bucket{_labels(labels, (*values, le))} "
        for part in ("count", "sum"):
            yield f"{metric.name}_{part}{_labels(metric.labels, values)} "


def content_type(accept: str) -> str:
    """The format to answer in: OpenMetrics where it is asked for at least as much as text.

    As in https://www.rfc-editor.org/rfc/rfc9110#name-accept.
    """
    wanted = {TEXT: 0.0, OPENMETRICS: 0.0}
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        told = dict(_parameter(each) for each in parameters)
        weight = _weight(told.get("q", "1"))
        if kind == "application/openmetrics-text":
            if told.get("version", "1.0.0") in ("0.0.1", "1.0.0"):
                wanted[OPENMETRICS] = max(wanted[OPENMETRICS], weight)
        elif kind in ("text/plain", "text/*", "*/*"):
            wanted[TEXT] = max(wanted[TEXT], weight)
    return OPENMETRICS if 0 < wanted[OPENMETRICS] >= wanted[TEXT] else TEXT


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the client takes gzip (https://www.rfc-editor.org/rfc/rfc9110#name-accept-encoding)."""
    for part in accept_encoding.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        if coding == "gzip":
            return _weight(dict(map(_parameter, parameters)).get("q", "1")) > 0
    return False


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip()


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _labels(names: Sequence[str], values: Sequence[str]) -> str:
    if not names:
        return ""
    pairs = zip(names, values, strict=True)
    return (
        "{" + ",".join(f'{name}="{value.translate(_LABEL_ESCAPES)}"' for name, value in pairs) + "}"
    )


def _exemplar(exemplar: Exemplar) -> str:
    return f' # {{trace_id="{exemplar.trace_id}"}} {exemplar.value!r} {exemplar.at:.3f}'
