"""The form of a rule file, as a tree of YAML nodes that know their lines."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import yaml

from pulseguard_registry.rules.files.filed import FiledGroup, FileFault, Place
from pulseguard_registry.rules.files.nodes import lines_of, merged_fields, own_pairs
from pulseguard_registry.rules.vocabulary import Rule, RuleGroup, RuleKind

_GROUP_FIELDS: Final = ("name", "interval", "limit", "labels", "rules", "query_offset")
_RULE_FIELDS: Final = (
    "alert",
    "record",
    "expr",
    "for",
    "keep_firing_for",
    "labels",
    "annotations",
)
_STRING: Final = "tag:yaml.org,2002:str"
_INTEGER: Final = "tag:yaml.org,2002:int"
_NULL: Final = "tag:yaml.org,2002:null"
_BROKEN: Final = Rule("record", "", "")
_OFFSET: Final = (
    "Prometheus before 2.53 refuses it, and with it the whole file; write `offset` into the"
    " expressions"
)
Value = TypeVar("Value")


class Form:
    """Reads one file's tree; what does not fit is in `faults`, and the rest is read on."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.faults: list[FileFault] = []

    def groups_of(self, root: yaml.Node) -> Iterator[FiledGroup]:
        """Each group, as far as it can be read."""
        document = self._fields(root, "", ("groups",))
        if "groups" not in document:
            self._fault(root, "groups", "is missing; write a list of groups there")
        for node in self._items(document.get("groups"), "groups"):
            if (group := self._group(node)) is not None:
                broken = (number for number, rule in enumerate(group.rules) if rule is _BROKEN)
                yield FiledGroup(group, self._file, lines_of(node), frozenset(broken))

    def _group(self, node: yaml.Node) -> RuleGroup | None:
        fields = self._fields(node, "", _GROUP_FIELDS)
        if "query_offset" in fields:
            self._fault(fields["query_offset"], "query_offset", _OFFSET)
        name = self._text(fields.get("name"), "name")
        if not name:
            self._fault(node, "name", "is missing; give the group a name")
            return None
        rules = [
            self._rule(item, f"rules.{number}")
            for number, item in enumerate(self._items(fields.get("rules"), "rules"))
        ]
        return RuleGroup(
            name=name,
            rules=tuple(rules),
            interval=self._duration(fields.get("interval"), "interval"),
            limit=self._number(fields.get("limit"), "limit"),
            labels=self._texts(fields.get("labels"), "labels"),
        )

    def _rule(self, node: yaml.Node, path: str) -> Rule:
        fields = self._fields(node, path, _RULE_FIELDS)
        kinds: list[RuleKind] = [kind for kind in ("alert", "record") if kind in fields]
        if len(kinds) != 1:
            self._fault(node, path, "is neither or both of alert and record; give one of them")
            return _BROKEN
        (kind,) = kinds
        return Rule(
            kind=kind,
            name=self._text(fields[kind], f"{path}.{kind}") or "",
            expr=self._text(fields.get("expr"), f"{path}.expr") or "",
            pending=self._duration(fields.get("for"), f"{path}.for"),
            keep_firing_for=self._duration(
                fields.get("keep_firing_for"), f"{path}.keep_firing_for"
            ),
            labels=self._texts(fields.get("labels"), f"{path}.labels"),
            annotations=self._texts(fields.get("annotations"), f"{path}.annotations"),
        )

    def _fields(
        self, node: yaml.Node, path: str, known: tuple[str, ...] | None
    ) -> dict[str, yaml.Node]:
        """The fields of an object; what is not known, or there twice, is a fault."""
        if not isinstance(node, yaml.MappingNode):
            self._fault(node, path, "is no object; write fields with their values")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in own_pairs(node):
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            field = f"{path}.{name}" if path else name
            if known is not None and name not in known:
                self._fault(key, field, _unknown(name, known))
            elif name in found:
                self._fault(key, field, "is there twice; keep one of them")
            else:
                found[name] = value
        merged = merged_fields(node)
        for name in merged:
            if known is not None and name not in known:
                self._fault(node, f"{path}.{name}" if path else name, _unknown(name, known))
        return {**merged, **found}

    def _items(self, node: yaml.Node | None, path: str) -> list[yaml.Node]:
        if node is None or node.tag == _NULL:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self._fault(node, path, "is no list")
            return []
        return list(node.value)

    def _text(self, node: yaml.Node | None, path: str) -> str | None:
        """What Prometheus reads there: of `for: 5` the text 5, which is then no duration."""
        if node is None or node.tag == _NULL:
            return None
        return self._scalar(node, path, str, None)

    def _duration(self, node: yaml.Node | None, path: str) -> str | None:
        """To Prometheus 0 is one as well, of an interval none."""
        text = self._text(node, path)
        return text if text != "0" else None if path == "interval" else "0s"

    def _number(self, node: yaml.Node | None, path: str) -> int:
        if node is None or node.tag == _NULL:
            return 0
        if node.tag != _INTEGER:
            self._fault(node, path, "is no whole number")
            return 0
        return self._scalar(node, path, lambda text: int(text, 0), 0)

    def _texts(self, node: yaml.Node | None, path: str) -> dict[str, str]:
        if node is None or node.tag == _NULL:
            return {}
        fields = self._fields(node, path, None)
        return {name: self._text(value, f"{path}.{name}") or "" for name, value in fields.items()}

    def _scalar(
        self, node: yaml.Node, path: str, convert: Callable[[str], Value], nothing: Value
    ) -> Value:
        if not isinstance(node, yaml.ScalarNode):
            self._fault(node, path, "is no single value")
            return nothing
        try:
            return convert(node.value)
        except ValueError:
            self._fault(node, path, f"{node.value!r} cannot be meant")
            return nothing

    def _fault(self, node: yaml.Node, field: str, message: str) -> None:
        line = node.start_mark.line + 1
        self.faults.append(FileFault(Place(self._file, line), field, message))


def _unknown(name: str, known: tuple[str, ...]) -> str:
    like = difflib.get_close_matches(name, known, 1)
    mend = f"{like[0]} is meant?" if like else f"there are {', '.join(known)}"
    return f"is no field that Prometheus 2.42 knows; {mend}"
