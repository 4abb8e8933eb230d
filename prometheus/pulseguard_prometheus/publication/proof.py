"""Which files Prometheus has loaded just as they are on disk."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from pulseguard_prometheus.errors import RuleFileFault
from pulseguard_prometheus.publication.comparison import is_loaded
from pulseguard_prometheus.publication.expressions import Expressions
from pulseguard_prometheus.publication.prometheus import Prometheus
from pulseguard_prometheus.publication.rule_file import FileGroup, read_rule_file


class Proof:
    """Reads back from one Prometheus, and remembers what it has read of files already."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus
        self._expressions = Expressions(lambda text: prometheus.read(text).text)
        self._read: dict[bytes, FileGroup | None] = {}

    def loaded(self, files: Mapping[str, bytes]) -> set[str]:
        """Answers those of these files that it has loaded; raises PrometheusTrouble."""
        self._read = {
            content: self._read.get(content) or _group(content) for content in files.values()
        }
        shown = _by_file(self._prometheus.groups())
        return {
            name
            for name, content in files.items()
            # One file, one group: two folders with a file of this name prove nothing.
            if len(shown[name]) == 1 and self._is_loaded(content, shown[name][0])
        }

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
    """By its name alone: in a container Prometheus has the folder somewhere else."""
    found = defaultdict(list)
    for group in groups:
        found[str(group.get("file")).rpartition("/")[2]].append(group)
    return found
