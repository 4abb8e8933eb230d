"""docs/metrics.md, written from the catalogue."""

from collections.abc import Sequence

from pulseguard.catalog import AGENT_METRICS, REGISTRY_METRICS, Metric

_INTRODUCTION = """\
# Metrics

Generated from the catalogue by `python -m pulseguard.catalog`; a test proves it current.

Durations are in seconds, ratios from 0 to 1. Names that OpenTelemetry's GenAI conventions define
are theirs. A label value without room goes to `_OTHER`, so sums stay true; `label sets` is how many
are kept apart. `lean` is the default profile, `standard` is `detail="standard"`.
"""


def document() -> str:
    """The whole document."""
    return "\n".join(
        (
            _INTRODUCTION,
            "## Each agent's /metrics\n",
            _table(AGENT_METRICS),
            "## The registry's /metrics and /metrics/agents\n",
            _table(REGISTRY_METRICS),
        )
    )


def _table(metrics: Sequence[Metric]) -> str:
    head = (
        "| name | type | unit | labels | buckets (standard / lean) | label sets | meaning |\n"
        "|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(map(_row, metrics))


def _row(metric: Metric) -> str:
    cells = (
        f"`{metric.name}`",
        metric.type,
        metric.unit or "-",
        ", ".join(f"`{label}`" for label in metric.labels) or "-",
        _buckets(metric),
        str(metric.max_label_sets or "bounded"),
        metric.help,
    )
    return f"| {' | '.join(cells)} |\n"


def _buckets(metric: Metric) -> str:
    if metric.type != "histogram":
        return "-"
    standard, lean = (_listed(metric.bounds(detail)) for detail in ("standard", "lean"))
    return standard if standard == lean else f"{standard} / {lean}"


def _listed(bounds: tuple[float, ...]) -> str:
    return " ".join(f"{bound:g}" for bound in bounds) or "count and sum"
