"""What an expression does with metrics that can hardly be meant: warnings, each a sentence."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

import promql_parser as promql

from pulseguard_registry.rules.checking.expressions import (
    Node,
    children,
    matchers,
    operator,
    selectors,
    walk,
)
from pulseguard_registry.rules.checking.known_names import KnownNames, LikeNames

_FOR_COUNTERS: Final = frozenset(("rate", "irate", "increase"))
_FOR_GAUGES: Final = frozenset(("delta", "idelta", "deriv", "predict_linear"))
# Below these a counter's own value is not what is looked at.
_TAKING_COUNTERS: Final = """
    rate irate increase resets changes timestamp absent absent_over_time present_over_time
    count_over_time last_over_time delta idelta deriv predict_linear histogram_quantile
"""
_TAKE_COUNTERS: Final = frozenset(_TAKING_COUNTERS.split())
_COUNTING: Final = frozenset(("count", "group", "count_values"))
_EVERYTHING: Final = frozenset((("=~", ".*"), ("=~", ".+"), ("!=", ""), ("!~", ""), ("=~", "")))
_SEVERAL_NAMES: Final = re.compile(r"[a-zA-Z0-9_:]+(\|[a-zA-Z0-9_:]+)*")
_NAME: Final = "__name__"
# To look for what is meant takes a millisecond or more for each.
_MOST_MEANT: Final = 5


def questionable(tree: Node, known: KnownNames, besides: KnownNames) -> list[str]:
    """Everything in an expression that is most likely a mistake; `besides` is what the rule's own
    group adds to what is known."""
    said = dict.fromkeys(
        [
            *_unknown_metrics(tree, known, besides.types),
            *_unknown_labels(tree, known, besides.labels),
            *_selects_everything(tree),
            *_wrong_function(tree, known),
            *_raw_counters(tree, known, True),
            *_quantiles_without_buckets(tree, known),
        ]
    )
    return list(said)


def names_of(selector: Node) -> list[str]:
    """The metric names that a selector spells; none where it is by a real regular expression."""
    if selector.name is not None:
        return [str(selector.name)]
    for label, sign, value in matchers(selector):
        if label == _NAME and (sign == "=" or (sign == "=~" and _SEVERAL_NAMES.fullmatch(value))):
            return value.split("|")
    return []


def _unknown_metrics(tree: Node, known: KnownNames, recorded: Collection[str]) -> Iterator[str]:
    used = dict.fromkeys(name for selector in selectors(tree) for name in names_of(selector))
    unknown = [name for name in used if name not in known.types and name not in recorded]
    for count, name in enumerate(unknown):
        meant = _meant(name, known.like_metrics) if count < _MOST_MEANT else ""
        yield f"no metric {name} is known {_where(known)}{meant}"


def _unknown_labels(tree: Node, known: KnownNames, besides: frozenset[str]) -> Iterator[str]:
    there = known.labels | besides | set(_labels_made(tree))
    unknown = set(_labels_used(tree)) - there
    for count, name in enumerate(sorted(unknown)):
        meant = _meant(name, known.like_labels) if count < _MOST_MEANT else ""
        yield f"no label {name} is known {_where(known)}{meant}"


def _where(known: KnownNames) -> str:
    if known.asked_prometheus:
        return "to Prometheus or the catalogue"
    return "to the catalogue (what Prometheus has is not known now)"


def _meant(name: str, names: LikeNames) -> str:
    like = names.nearest(name)
    return "" if like is None else f"; is {like} meant?"


def _labels_used(tree: Node) -> Iterator[str]:
    for node in walk(tree):
        match node:
            case promql.VectorSelector():
                yield from (label for label, _, _ in matchers(node))
            case promql.AggregateExpr() if node.modifier is not None:
                yield from node.modifier.labels
            case promql.BinaryExpr() if node.modifier is not None:
                if node.modifier.matching is not None:
                    yield from node.modifier.matching.labels
                yield from node.modifier.group_labels or ()


def _labels_made(tree: Node) -> Iterator[str]:
    for node in walk(tree):
        match node:
            case promql.Call() if node.func.name in ("label_replace", "label_join"):
                yield from (arg.val for arg in node.args[1:2] if hasattr(arg, "val"))
            case promql.AggregateExpr() if operator(node) == "count_values":
                yield str(getattr(node.param, "val", ""))


def _selects_everything(tree: Node) -> Iterator[str]:
    for selector in selectors(tree):
        given = [(sign, value) for _, sign, value in matchers(selector)]
        if selector.name is None and all(pair in _EVERYTHING for pair in given):
            yield f"{selector} selects every series that Prometheus has; name a metric"


def _wrong_function(tree: Node, known: KnownNames) -> Iterator[str]:
    for node in walk(tree):
        if not isinstance(node, promql.Call) or node.func.name not in _FOR_COUNTERS | _FOR_GAUGES:
            continue
        function = node.func.name
        wrong = "gauge" if function in _FOR_COUNTERS else "counter"
        for name in _ranged_names(node.args[0]):
            if _type(name, known) == wrong:
                mend = "delta, deriv or avg_over_time" if wrong == "gauge" else "rate or increase"
                yield f"{function} is not for a {wrong}, which {name} is; use {mend}"


def _ranged_names(node: Node) -> list[str]:
    """The names of the samples that a range holds as they were scraped or recorded."""
    while isinstance(node, promql.ParenExpr | promql.SubqueryExpr):
        node = node.expr
    if isinstance(node, promql.MatrixSelector):
        node = node.vector_selector
    return names_of(node) if isinstance(node, promql.VectorSelector) else []


def _raw_counters(node: Node, known: KnownNames, is_value: bool) -> Iterator[str]:
    """Counters whose value since their start decides; `is_value`: whether this node's does."""
    if isinstance(node, promql.Call) and node.func.name in _TAKE_COUNTERS:
        return
    if isinstance(node, promql.AggregateExpr) and operator(node) in _COUNTING:
        return
    if isinstance(node, promql.BinaryExpr):
        yield from _raw_counters(node.lhs, known, is_value)
        is_there = operator(node) in ("and", "unless")
        yield from _raw_counters(node.rhs, known, is_value and not is_there)
        return
    if isinstance(node, promql.VectorSelector) and is_value:
        for name in names_of(node):
            if _type(name, known) == "counter":
                yield (
                    f"{name} is a counter, which only rises, and from 0 after each restart:"
                    " use rate or increase"
                )
    for child in children(node):
        yield from _raw_counters(child, known, is_value)


def _quantiles_without_buckets(tree: Node, known: KnownNames) -> Iterator[str]:
    for node in walk(tree):
        if isinstance(node, promql.Call) and node.func.name == "histogram_quantile":
            lost = _loses_buckets(node.args[1], known)
            if lost is not None:
                yield f"histogram_quantile needs the label le: {lost}"


def _loses_buckets(node: Node, known: KnownNames) -> str | None:
    match node:
        case promql.AggregateExpr():
            if not _keeps_le(node):
                return f"{operator(node)} takes it away; add `by (le, …)`"
            return _loses_buckets(node.expr, known)
        case promql.VectorSelector():
            for name in names_of(node):
                if name in known.types and not name.endswith("_bucket"):
                    return f"{name} has none; use a series that ends in _bucket"
        case promql.Call() if node.args:
            return _loses_buckets(node.args[-1 if "quantile" in node.func.name else 0], known)
        case promql.BinaryExpr():
            return _loses_buckets(node.lhs, known)
        case promql.ParenExpr() | promql.MatrixSelector() | promql.SubqueryExpr():
            return _loses_buckets(children(node)[0], known)
    return None


def _keeps_le(node: Node) -> bool:
    if operator(node) in ("topk", "bottomk"):
        return True
    if node.modifier is None:
        return False
    listed = "le" in node.modifier.labels
    return listed if str(node.modifier.type).endswith("By") else not listed


def _type(name: str, known: KnownNames) -> str:
    if name in known.types:
        kind = known.types[name]
        if kind != "unknown":
            return kind
    return "counter" if name.endswith("_total") else "unknown"
