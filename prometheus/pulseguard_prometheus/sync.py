"""Keeps a targets file true to what a registry says, and leaves it alone in any doubt."""

import logging
import time
from collections.abc import Callable
from typing import Protocol

from pulseguard_prometheus.errors import Trouble
from pulseguard_prometheus.registry import Answer
from pulseguard_prometheus.targets import parse_target_list
from pulseguard_prometheus.targets_file import TargetsFile

log = logging.getLogger(__name__)


class Registry(Protocol):
    """Whoever can be asked for a target list."""

    def ask(self, *, key: str | None, etag: str | None) -> Answer | None:
        """Answers the list, None where it is unchanged since this ETag; raises Trouble."""


class TargetsSync:
    """One registry, one targets file, and what was last heard of either."""

    def __init__(
        self,
        registry: Registry,
        targets_file: TargetsFile,
        *,
        read_key: Callable[[], str | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._file = targets_file
        self._read_key = read_key
        self._clock = clock
        self._etag: str | None = None
        self._size: int | None = None
        self._trouble: str | None = None
        self._trouble_since = 0.0

    def run_once(self) -> None:
        """Asks once and writes what changed; trouble is logged when it starts and when it ends."""
        try:
            self._update()
        except Trouble as trouble:
            self._note_trouble(trouble)
        else:
            self._note_success()

    def _update(self) -> None:
        # A file that somebody else changed is written anew: so ask for the list, not for a 304.
        etag = self._etag if self._file.is_ours() else None
        answer = self._registry.ask(key=self._read_key(), etag=etag)
        if answer is None:
            return
        targets = parse_target_list(answer.content_type, answer.body)
        self._file.replace_content(targets.render())
        self._etag = answer.etag
        self._note_size(targets.size)

    def _note_size(self, size: int) -> None:
        if size != self._size:
            before = "" if self._size is None else f", before {self._size}"
            log.info("%s has %d targets%s", self._file.path, size, before)
        self._size = size

    def _note_trouble(self, trouble: Trouble) -> None:
        if self._trouble is None:
            self._trouble_since = self._clock()
        if trouble.cause != self._trouble:
            log.warning("%s stays as it is: %s", self._file.path, trouble)
        self._trouble = trouble.cause

    def _note_success(self) -> None:
        if self._trouble is not None:
            seconds = self._clock() - self._trouble_since
            log.info("%s is kept again, after %.0f s", self._file.path, seconds)
        self._trouble = None
