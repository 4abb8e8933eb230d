"""What an expression reads and which labels its result has, without a Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import promql_parser as promql

from pulseguard_registry.rules.checking.expressions import kind_of, matchers, operator

# Any: a node of the parser's tree.
Node = Any
# The labels that series of a name have; None where there are none of that name.
Labels = Callable[[str], frozenset[str] | None]
NONE: frozenset[str] = frozenset()
# These say nothing of single series, whatever they are asked about.
WITHOUT_LABELS = {"vector", "scalar", "time", "pi"}


@dataclass
class Result:
    """`labels` are those that the result may have, `series` the names that were read. `faults` are
    names that do not exist, labels that are not there, and sides that can never match."""

    labels: frozenset[str] = NONE
    series: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, tree: Node, known: Labels) -> Result:
        result = cls()
        result.labels = _Walk(result, known).labels(tree)
        # Of what is not there, nothing else is known either.
        strangers = [name for name in sorted(result.series) if known(name) is None]
        if strangers:
            result.faults = [f"there is no series {name}" for name in strangers]
        return result


@dataclass
class _Walk:
    result: Result
    known: Labels

    def labels(self, node: Node) -> frozenset[str]:
        match node:
            case promql.VectorSelector():
                return self._selected(node)
            case promql.MatrixSelector():
                return self._selected(node.vector_selector)
            case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
                return self.labels(node.expr)
            case promql.Call():
                return self._called(node.func.name, node.args)
            case promql.AggregateExpr():
                return self._aggregated(node)
            case promql.BinaryExpr():
                return self._joined(node)
        return NONE

    def _selected(self, selector: Node) -> frozenset[str]:
        names = [selector.name] if selector.name else []
        for label, _, value in matchers(selector):
            names += value.split("|") if label == "__name__" else []
        found: frozenset[str] = NONE
        for name in names:
            self.result.series.add(name)
            labels = self.known(name)
            found |= labels or NONE
        asked = {label for label, _, _ in matchers(selector)} - {"__name__"}
        self._require(asked, found, f"{'|'.join(names)}")
        return found

    def _called(self, function: str, arguments: Sequence[Node]) -> frozenset[str]:
        given = [self.labels(each) for each in arguments]
        labels = NONE.union(*given)
        if function in WITHOUT_LABELS:
            return NONE
        if function == "histogram_quantile":
            self._require({"le"}, labels, "histogram_quantile")
            return labels - {"le"}
        if function in ("label_replace", "label_join"):
            read = arguments[3:4] if function == "label_replace" else arguments[3:]
            self._require({each.val for each in read} - {""}, labels, function)
            return labels | {arguments[1].val}
        return labels

    def _aggregated(self, node: Node) -> frozenset[str]:
        labels = self.labels(node.expr)
        of = operator(node)
        if node.modifier is None:
            kept = labels if of in ("topk", "bottomk") else NONE
        else:
            named = frozenset(node.modifier.labels)
            self._require(named, labels, f"what {of} aggregates")
            is_by = node.modifier.type == promql.AggModifierType.By
            kept = named if is_by else labels - named
            kept = labels if of in ("topk", "bottomk") else kept
        return kept | {node.param.val} if of == "count_values" else kept

    def _joined(self, node: Node) -> frozenset[str]:
        left, right = self.labels(node.lhs), self.labels(node.rhs)
        if "scalar" in (kind_of(node.lhs), kind_of(node.rhs)):
            return left | right
        matched = self._matched(node, left, right)
        match operator(node):
            case "or":
                return left | right
            case "and" | "unless":
                return left
        added = frozenset(node.modifier.group_labels or ()) if node.modifier else NONE
        kind = str(node.modifier.card).rpartition(".")[2] if node.modifier else "OneToOne"
        one = {"ManyToOne": right, "OneToMany": left}.get(kind, added)
        self._require(added, one, "the one side of a match")
        return {"ManyToOne": left | added, "OneToMany": right | added}.get(kind, matched)

    def _matched(self, node: Node, left: frozenset[str], right: frozenset[str]) -> frozenset[str]:
        """The labels that both sides must agree on; a side that lacks one can never match."""
        matching = node.modifier.matching if node.modifier else None
        if matching is None:
            on = left | right
        elif str(matching.type).endswith("Include"):
            on = frozenset(matching.labels)
        else:
            on = (left | right) - frozenset(matching.labels)
            self._require(matching.labels, left | right, "a match")
        if operator(node) != "or":
            self._require(on, left, f"the left of {operator(node)}")
            self._require(on, right, f"the right of {operator(node)}")
        return on

    def _require(self, labels: Iterable[str], there: frozenset[str], where: str) -> None:
        missing = sorted(set(labels) - there)
        self.result.faults += [f"{where} has no label {label}" for label in missing]
