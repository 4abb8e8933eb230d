"""Whether what Prometheus has loaded is what was written."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from pulseguard_prometheus.publication.rule_file import FileGroup, FileRule

# Whether what was written (first) is what Prometheus prints so (second).
SameExpression = Callable[[str, str], bool]


# Any: the objects of Prometheus' API, as JSON gives them; other shapes are other rules.
def is_loaded(written: FileGroup, loaded: Mapping[str, Any], same: SameExpression) -> bool:
    """Whether this loaded group is the written one, rule by rule, in every field that is shown."""
    rules = loaded.get("rules")
    return (
        loaded.get("name") == written.name
        and _is_or_unsaid(loaded, "interval", written.interval_seconds)
        and _is_or_unsaid(loaded, "limit", written.limit)
        and isinstance(rules, list)
        and len(rules) == len(written.rules)
        and all(
            isinstance(shown, dict) and _is_rule(rule, shown, same)
            for rule, shown in zip(written.rules, rules, strict=True)
        )
    )


def _is_rule(written: FileRule, loaded: Mapping[str, Any], same: SameExpression) -> bool:
    query = loaded.get("query")
    return (
        loaded.get("type") == written.kind
        and loaded.get("name") == written.name
        and _texts(loaded.get("labels")) == _texts(written.labels)
        and (written.kind == "recording" or _is_alert(written, loaded))
        and isinstance(query, str)
        and same(written.expr, query)
    )


def _is_alert(written: FileRule, loaded: Mapping[str, Any]) -> bool:
    return (
        _is_number(loaded.get("duration"), written.pending_seconds)
        and _is_or_unsaid(loaded, "keepFiringFor", written.keep_firing_seconds)
        and _texts(loaded.get("annotations")) == _texts(written.annotations)
    )


def _is_or_unsaid(loaded: Mapping[str, Any], name: str, written: float | None) -> bool:
    """Not every version shows this, nor does every file say it."""
    return written is None or name not in loaded or _is_number(loaded[name], written)


def _is_number(shown: Any, written: float) -> bool:
    is_number = isinstance(shown, int | float) and not isinstance(shown, bool)
    return is_number and math.isclose(shown, written, abs_tol=0.0005)


def _texts(shown: Any) -> Any:
    """To Prometheus an empty value is none, and none at all is often not shown."""
    if not isinstance(shown, dict):
        return shown or {}
    return {name: value for name, value in shown.items() if value}
