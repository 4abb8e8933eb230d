"""Brings a folder of rules, and the Prometheus that reads it, to what a bundle wants."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pulseguard_prometheus.errors import PrometheusTrouble
from pulseguard_prometheus.publication.changes import (
    Changes,
    changes_to,
    desired_files,
    unchecked_files,
)
from pulseguard_prometheus.publication.check import FileCheck
from pulseguard_prometheus.publication.folder import RulesFolder
from pulseguard_prometheus.publication.prometheus import Prometheus
from pulseguard_prometheus.publication.promtool import Rejection
from pulseguard_prometheus.publication.stamp import stamped_revision

# For what may come out otherwise the next time, as a check that took too long.
RETRY_SECONDS: Final = 60.0
REFUSED: Final = Rejection("Prometheus refuses to load it, although promtool accepts it")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rejected:
    """A content that is not to be loaded, why, and when it was found out."""

    content: bytes
    rejection: Rejection
    at: float


class Publisher:
    """One folder, one Prometheus, and what was accepted and rejected so far."""

    def __init__(
        self,
        folder: RulesFolder,
        check: FileCheck,
        prometheus: Prometheus,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._check = check
        self._prometheus = prometheus
        self._clock = clock
        self._is_reloaded = False
        self.rejected: dict[str, Rejected] = {}
        # What is as it was stamped, the sync before us has checked.
        self.accepted: dict[str, bytes] = {
            name: content
            for name, content in folder.files().items()
            if content is not None and stamped_revision(content) is not None
        }

    def publish(self, wanted: Mapping[str, bytes]) -> None:
        """Makes the folder hold these files, and Prometheus load them. What is bad stays out by
        itself.

        Raises Trouble. With PrometheusTrouble the files are in place, unless it refuses them too.
        """
        trouble = self._settle()
        self._forget_old(wanted)
        self._judge(unchecked_files(self._desired(wanted), self.accepted))
        changes = changes_to(self._desired(wanted), self._folder.files())
        if trouble is not None:
            self._write(changes)
            raise trouble
        self._load(changes)
        # Also what lay there already, from a step that was broken off.
        self.accepted = self._desired(wanted)
        self._folder.clear_candidates()

    def reload(self) -> None:
        """Has Prometheus load what is in place; raises PrometheusTrouble."""
        if not self._prometheus.reload():
            raise PrometheusTrouble(
                "Prometheus refuses to reload, for another reason than these rules",
                "its log says why",
            )

    def _desired(self, wanted: Mapping[str, bytes]) -> dict[str, bytes]:
        rejected = {name: each.content for name, each in self.rejected.items()}
        return desired_files(wanted=wanted, rejected=rejected, accepted=self.accepted)

    def _forget_old(self, wanted: Mapping[str, bytes]) -> None:
        """Of rejections those of other contents, and those that may come out otherwise by now."""
        again = self._clock() - RETRY_SECONDS
        self.rejected = {
            name: each
            for name, each in self.rejected.items()
            if wanted.get(name) == each.content and (each.rejection.lasting or each.at > again)
        }

    def _judge(self, files: Mapping[str, bytes]) -> None:
        if not files:
            return
        for name, rejection in self._check.rejections(files, self._folder.stage).items():
            self._reject(name, files[name], rejection)

    def _reject(self, name: str, content: bytes, rejection: Rejection) -> None:
        log.warning("rules %s are not loaded: %s", name, rejection.reason)
        self.rejected[name] = Rejected(content, rejection, self._clock())

    def _settle(self) -> PrometheusTrouble | None:
        """Has Prometheus judge what was written while it was away, or by the sync before us;
        answers the trouble where it still is away."""
        if self._folder.is_settled and self._is_reloaded:
            return None
        try:
            taken = self._prometheus.reload()
        except PrometheusTrouble as trouble:
            return trouble
        self._is_reloaded = True
        if taken:
            self._folder.settle()
        else:
            self._put_back()
        return None

    def _load(self, changes: Changes) -> None:
        """Writes and reloads; where Prometheus refuses that, by halves, so that only what is bad
        stays out."""
        if not changes:
            return
        self._write(changes)
        if self._prometheus.reload():
            self._folder.settle()
            return
        self._put_back()
        self.reload()
        halves = changes.halves()
        if halves == (changes,):
            for name, content in changes.written.items():
                self._reject(name, content, REFUSED)
            return
        for half in halves:
            self._load(half)

    def _write(self, changes: Changes) -> None:
        if not changes:
            return
        self._folder.stage(changes.written)
        self._folder.swap(changes.written, changes.removed)
        self.accepted |= changes.written
        for name in changes.removed:
            self.accepted.pop(name, None)

    def _put_back(self) -> None:
        for name, content in self._folder.put_back().items():
            self.accepted.pop(name, None)
            if content is not None:
                self.accepted[name] = content
