"""YAML nodes: what an object merges, and where everything stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import yaml

_MERGE: Final = "tag:yaml.org,2002:merge"
# Of what merges something that merges something; one that merges itself has no end.
_DEEPEST: Final = 10


def own_pairs(node: yaml.MappingNode) -> list[tuple[yaml.Node, yaml.Node]]:
    """The fields of an object, without what it merges."""
    return [pair for pair in node.value if pair[0].tag != _MERGE]


def merged_fields(node: yaml.MappingNode, depth: int = 0) -> dict[str, yaml.Node]:
    """What `<<` brings from elsewhere in the file; what is nearer goes first."""
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if key.tag == _MERGE and depth < _DEEPEST:
            sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for source in sources:
                if isinstance(source, yaml.MappingNode):
                    own = {str(name.value): each for name, each in own_pairs(source)}
                    found = merged_fields(source, depth + 1) | own | found
    return found


def lines_of(node: yaml.Node) -> Mapping[str, int]:
    """The line of each field by its path. What an alias repeats is placed where it stands first."""
    found: dict[str, int] = {}
    seen: set[int] = set()
    waiting = [("", node)]
    while waiting:
        path, one = waiting.pop()
        found.setdefault(path, one.start_mark.line + 1)
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, yaml.MappingNode):
            for key, value in one.value:
                if isinstance(key, yaml.ScalarNode):
                    below = f"{path}.{key.value}" if path else key.value
                    found.setdefault(below, key.start_mark.line + 1)
                    waiting.append((below, value))
        elif isinstance(one, yaml.SequenceNode):
            waiting += [(f"{path}.{number}", item) for number, item in enumerate(one.value)]
    return found
