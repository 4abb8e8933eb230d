"""Checks files of rules before they lie where Prometheus reads them."""

from collections.abc import Callable, Mapping
from typing import Protocol

from pulseguard_prometheus.errors import PrometheusTrouble, RuleFileFault
from pulseguard_prometheus.publication.prometheus import Reading
from pulseguard_prometheus.publication.promtool import Promtool, Rejection
from pulseguard_prometheus.publication.rule_file import FileGroup, read_rule_file
from pulseguard_prometheus.publication.stamp import stamped_revision


class Reader(Protocol):
    """Whoever knows how a Prometheus reads an expression."""

    def read(self, expression: str) -> Reading:
        """Answers how it reads an expression; raises PrometheusTrouble."""


class FileCheck:
    """By three judges: our own reading, promtool, and the parser of the very Prometheus that is to
    load them, as long as it answers; promtool may be of another version."""

    def __init__(self, promtool: Promtool, prometheus: Reader) -> None:
        self._promtool = promtool
        self._prometheus = prometheus

    def rejections(
        self, files: Mapping[str, bytes], stage: Callable[[Mapping[str, bytes]], None]
    ) -> dict[str, Rejection]:
        """Answers which of these files are not to be loaded, and why; `stage` writes those that
        promtool is to check. Raises Trouble where promtool cannot be run."""
        groups, rejected = _read(files)
        stage({name: files[name] for name in groups})
        rejected |= self._promtool.check(sorted(groups))
        return rejected | self._refused_by_prometheus(
            {name: group for name, group in groups.items() if name not in rejected}
        )

    def _refused_by_prometheus(self, groups: Mapping[str, FileGroup]) -> dict[str, Rejection]:
        refused = {}
        try:
            for name, group in groups.items():
                for rule in group.rules:
                    if fault := self._prometheus.read(rule.expr).fault:
                        reason = f"{rule.name}: Prometheus does not take its expression: {fault}"
                        refused[name] = Rejection(reason[:1000])
        except PrometheusTrouble:
            # It is told when it is to reload, and then has the last word.
            pass
        return refused


def _read(files: Mapping[str, bytes]) -> tuple[dict[str, FileGroup], dict[str, Rejection]]:
    groups, rejected = {}, {}
    for name, content in files.items():
        try:
            groups[name] = read_rule_file(content)
            if stamped_revision(content) is None:
                raise RuleFileFault("it does not end with a line end")
        except RuleFileFault as fault:
            rejected[name] = Rejection(str(fault))
    return groups, rejected
