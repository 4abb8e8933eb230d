"""Whether an alert's expression leaves anything out, or fires for whatever there is."""

from __future__ import annotations

from typing import Final

import promql_parser as promql

from pulseguard_registry.rules.checking.expressions import Node, children, kind_of, operator

_COMPARISONS: Final = frozenset(("==", "!=", ">", "<", ">=", "<="))
_SAY_WHAT_IS_NOT_THERE: Final = frozenset(("absent", "absent_over_time"))
# A series is there while an alert is, and only then.
_THERE_WHILE_TRUE: Final = frozenset(("ALERTS",))


def fires_always(tree: Node) -> str | None:
    """Why an alert of this expression fires for every series at any time, if it does."""
    if _filters(tree):
        return None
    if _compares_with_bool(tree):
        return (
            "fires always: a comparison with `bool` gives 0 or 1 and leaves nothing out;"
            " take `bool` away"
        )
    return "fires for every series that it finds: compare it with a threshold"


def _filters(node: Node) -> bool:
    """Whether what it evaluates to is empty while all is well."""
    match node:
        case promql.BinaryExpr():
            return _pair_filters(node)
        case promql.Call() if node.func.name in _SAY_WHAT_IS_NOT_THERE:
            return True
        case promql.Call() if node.func.name == "vector":
            return False
        case promql.VectorSelector():
            return node.name in _THERE_WHILE_TRUE
        case promql.AggregateExpr():
            return _filters(node.expr)
    return any(_filters(child) for child in children(node))


def _pair_filters(node: Node) -> bool:
    sign = operator(node)
    if sign in _COMPARISONS:
        both = kind_of(node) == "scalar"
        if not both and not (node.modifier is not None and node.modifier.return_bool):
            return True
    if sign == "unless":
        return True
    if sign == "or":
        return _filters(node.lhs) and _filters(node.rhs)
    return _filters(node.lhs) or _filters(node.rhs)


def _compares_with_bool(node: Node) -> bool:
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    if not isinstance(node, promql.BinaryExpr):
        return False
    with_bool = node.modifier is not None and node.modifier.return_bool
    return with_bool or _compares_with_bool(node.lhs) or _compares_with_bool(node.rhs)
