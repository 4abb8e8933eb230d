"""Reads an expression as Prometheus 2.42 would: its tree, or why it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import promql_parser as promql

from pulseguard_registry.rules.checking import tokens
from pulseguard_registry.rules.checking.brackets import misplaced
from pulseguard_registry.rules.checking.regular_expressions import for_the_parser, is_refused_by_go

# What 2.42 calls without a feature flag, as far as Prometheus 3 still knows it.
_FUNCTIONS: Final = """
    abs absent absent_over_time acos acosh asin asinh atan atanh avg_over_time ceil changes clamp
    clamp_max clamp_min cos cosh count_over_time day_of_month day_of_week day_of_year days_in_month
    deg delta deriv exp floor histogram_count histogram_fraction histogram_quantile histogram_sum
    hour idelta increase irate label_join label_replace last_over_time ln log10 log2 max_over_time
    min_over_time minute month pi predict_linear present_over_time quantile_over_time rad rate
    resets round scalar sgn sin sinh sort sort_desc sqrt stddev_over_time stdvar_over_time
    sum_over_time tan tanh time timestamp vector year
"""
FUNCTIONS: Final = frozenset(_FUNCTIONS.split())
_AGGREGATIONS: Final = (
    "sum min max avg group stddev stdvar count count_values bottomk topk quantile"
)
AGGREGATIONS: Final = frozenset(_AGGREGATIONS.split())

# Any: a node of the tree, of one of the parser's dozen classes; None where it could not be read.
Node = Any


@dataclass(frozen=True)
class Reading:
    """`tree` is None where the text could not be parsed; then `faults` says why."""

    tree: Node
    faults: list[str]


def read(text: str) -> Reading:
    """Parse the expression of a rule; every reason for which Prometheus would not have it."""
    if len(text) > tokens.LONGEST:
        return Reading(None, [f"is longer than {tokens.LONGEST} characters"])
    listed = list(tokens.words(text))
    large = tokens.too_large(listed)
    if large is not None:
        return Reading(None, [large])
    new = tokens.too_new(listed)
    try:
        tree = promql.parse(tokens.with_strings(text, for_the_parser))
    except ValueError as error:
        where = misplaced(text)
        said = f"Prometheus does not take it: {_one_line(error)}{f' ({where})' if where else ''}"
        return Reading(None, new or [said])
    except BaseException as error:
        # A panic of the parser is an exception of its own kind, and no Exception.
        if type(error).__name__ != "PanicException":
            raise
        return Reading(None, ["cannot be read"])
    faults = [*new, *_unknown_to_old(tree), *_regular_expressions(tree)]
    kind = kind_of(tree)
    if kind not in ("vector", "scalar"):
        faults.append(
            f"is a {'range of samples' if kind == 'matrix' else kind}, and a rule needs an instant"
            " vector or a number"
        )
    return Reading(tree, faults)


def kind_of(node: Node) -> str:
    """What it evaluates to: vector, scalar, matrix or string."""
    match node:
        case promql.NumberLiteral():
            return "scalar"
        case promql.StringLiteral():
            return "string"
        case promql.MatrixSelector() | promql.SubqueryExpr():
            return "matrix"
        case promql.ParenExpr() | promql.UnaryExpr():
            return kind_of(node.expr)
        case promql.Call():
            return str(node.func.return_type).rpartition(".")[2].lower()
        case promql.BinaryExpr():
            kinds = {kind_of(node.lhs), kind_of(node.rhs)}
            return "scalar" if kinds == {"scalar"} else "vector"
    return "vector"


def children(node: Node) -> list[Node]:
    """The nodes right under this one."""
    match node:
        case promql.BinaryExpr():
            return [node.lhs, node.rhs]
        case promql.Call():
            return list(node.args)
        case promql.AggregateExpr():
            return [node.expr] if node.param is None else [node.expr, node.param]
        case promql.MatrixSelector():
            return [node.vector_selector]
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return [node.expr]
    return []


def walk(node: Node) -> Iterator[Node]:
    """The node and all under it."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        yield here
        waiting.extend(reversed(children(here)))


def operator(node: Node) -> str:
    """The operator of a BinaryExpr or AggregateExpr, as it is written."""
    return str(node.op)


def selectors(node: Node) -> Iterator[Node]:
    """Every VectorSelector, those of ranges too."""
    return (part for part in walk(node) if isinstance(part, promql.VectorSelector))


def matchers(selector: Node) -> list[tuple[str, str, str]]:
    """Each matcher of a selector as (label, =|!=|=~|!~, value), its name not among them."""
    sign = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
    return [
        (matcher.name, sign[str(matcher.op).rpartition(".")[2]], matcher.value)
        for matcher in selector.matchers.matchers
    ]


def _unknown_to_old(tree: Node) -> list[str]:
    said: dict[str, None] = {}
    for node in walk(tree):
        if isinstance(node, promql.Call) and node.func.name not in FUNCTIONS:
            said[f"the function {node.func.name} is not known to Prometheus 2.42"] = None
        if isinstance(node, promql.AggregateExpr) and operator(node) not in AGGREGATIONS:
            said[f"the aggregation {operator(node)} is not known to Prometheus 2.42"] = None
        if isinstance(node, promql.BinaryExpr) and _fills(node.modifier):
            said["`fill` is not known to Prometheus 2.42"] = None
    return list(said)


def _fills(modifier: Node) -> bool:
    if modifier is None or modifier.fill_values is None:
        return False
    return (modifier.fill_values.lhs, modifier.fill_values.rhs) != (None, None)


def _regular_expressions(tree: Node) -> list[str]:
    return [
        f"the regular expression {value} of {label} is none for Prometheus (RE2)"
        for selector in selectors(tree)
        for label, sign, value in matchers(selector)
        if sign in ("=~", "!~") and is_refused_by_go(value)
    ]


def _one_line(error: Exception) -> str:
    said = " ".join(str(error).split())
    return said if len(said) <= 200 else said[:200] + "…"
