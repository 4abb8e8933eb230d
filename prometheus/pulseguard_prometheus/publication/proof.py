"""Which files Prometheus has loaded just as they are on disk."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulseguard_prometheus.errors import RuleFileFault
from pulseguard_prometheus.publication.comparison import is_loaded
from pulseguard_prometheus.publication.expressions import Expressions
from pulseguard_prometheus.publication.prometheus import Prometheus
from pulseguard_prometheus.publication.rule_file import FileGroup, read_rule_file


@dataclass(frozen=True)
class Shown:
    """Which files are loaded just as they are, and which are loaded that are no more."""

    loaded: set[str]
    gone: set[str]


class Proof:
    """Reads back from one Prometheus, and remembers what it has read of files already."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus
        self._expressions = Expressions(lambda text: prometheus.read(text).text)
        self._read: dict[bytes, FileGroup | None] = {}
        # Where Prometheus has what we keep: in a container that is somewhere else.
        self._places: set[str] = set()

    def look(self, files: Mapping[str, bytes]) -> Shown:
        """Answers which of these files it has loaded, and which others in their place; raises
        PrometheusTrouble."""
        self._read = {
            content: self._read.get(content) or _group(content) for content in files.values()
        }
        groups = self._prometheus.groups()
        shown = _by_file(groups)
        loaded = {
            name
            for name, content in files.items()
            # One file, one group: two folders with a file of this name prove nothing.
            if len(shown[name]) == 1 and self._is_loaded(content, shown[name][0])
        }
        self._places |= {_path(shown[name][0])[0] for name in loaded}
        paths = {_path(group) for group in groups}
        return Shown(
            loaded,
            {name for place, name in paths if place in self._places and name not in files},
        )

    # Any: see below.
    def _is_loaded(self, content: bytes, shown: dict[str, Any]) -> bool:
        group = self._read[content]
        return group is not None and is_loaded(group, shown, self._expressions.are_one)


def _group(content: bytes) -> FileGroup | None:
    """None where another version of sync, to which it was all right, has left it."""
    try:
        return read_rule_file(content)
    except RuleFileFault:
        return None


# Any: the objects of Prometheus' API, as JSON gives them.
def _by_file(groups: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """By its name alone, wherever Prometheus has it."""
    found = defaultdict(list)
    for group in groups:
        found[_path(group)[1]].append(group)
    return found


# Any: see above.
def _path(group: Mapping[str, Any]) -> tuple[str, str]:
    """The folder and the name of its file."""
    place, _, name = str(group.get("file")).rpartition("/")
    return place, name
