"""Texts within an expression that Prometheus looks at only when it evaluates, and fails then."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

import promql_parser as promql

from pulseguard_registry.rules.checking.expressions import Node, operator, read, walk

_LABEL: Final = re.compile(r"[a-zA-Z_]\w*", re.ASCII)


def never_evaluated(tree: Node) -> list[str]:
    """Why every evaluation of an expression fails, which is taken all the same: an alert of it
    never fires."""
    return list(dict.fromkeys(sentence for node in walk(tree) for sentence in _faults(node)))


def _faults(node: Node) -> Iterator[str]:
    if isinstance(node, promql.AggregateExpr) and operator(node) == "count_values":
        yield from _no_labels("count_values", [node.param])
    elif isinstance(node, promql.Call) and node.func.name == "label_join":
        yield from _no_labels("label_join", [node.args[1], *node.args[3:]])
    elif isinstance(node, promql.Call) and node.func.name == "label_replace":
        yield from _no_labels("label_replace", [node.args[1]])
        pattern = _text(node.args[4])
        if pattern is not None and read(f"up{{job=~{json.dumps(pattern)}}}").faults:
            yield (
                f"the regular expression {pattern} of label_replace is none for Prometheus (RE2),"
                " and every evaluation fails"
            )


def _no_labels(function: str, names: list[Node]) -> Iterator[str]:
    for name in map(_text, names):
        if name is not None and not _LABEL.fullmatch(name):
            yield (
                f"{name!r} is no name of a label for {function}, and every evaluation fails; use"
                " letters, digits and _"
            )


def _text(node: Node) -> str | None:
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    return str(node.val) if isinstance(node, promql.StringLiteral) else None
