"""What becomes of rules that a bundle lacks which is older than the one that was published last.

Whoever restores a registry from a backup, or points sync to one that is new, does not mean to end
what fires. So nothing goes at once, and there is time to put that right.
"""

import time
from collections.abc import Callable
from typing import Final

from pulseguard_prometheus.errors import RegistryTrouble
from pulseguard_prometheus.publication.bundle import Bundle
from pulseguard_prometheus.publication.changes import Files
from pulseguard_prometheus.publication.folder import RulesFolder

HOLD_SECONDS: Final = 15 * 60.0


class OlderBundle:
    """Since when the registry's version is lower than the one that was published last."""

    def __init__(self, folder: RulesFolder, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        # Not durable: a new sync waits anew rather than too little.
        self._since: float | None = None

    def held(self, bundle: Bundle, accepted: Files) -> dict[str, bytes]:
        """Answers which of the accepted files stay although this bundle lacks them."""
        if bundle.version >= self._folder.published_version():
            self._since = None
            return {}
        if self._since is None:
            self._since = self._clock()
        if self._clock() - self._since >= HOLD_SECONDS:
            return {}
        wanted = {group.file for group in bundle.groups}
        return {name: content for name, content in accepted.items() if name not in wanted}

    def trouble(self, bundle: Bundle, held: Files) -> RegistryTrouble:
        """Answers how it is told that these are held."""
        return RegistryTrouble(
            f"the registry has version {bundle.version} of the rules, older than version"
            f" {self._folder.published_version()} that was published last, and lacks {len(held)}"
            f" groups of that: they stay for {HOLD_SECONDS / 60:.0f} minutes",
            "check that PULSEGUARD_REGISTRY_URL names the right registry, or bring them in again",
        )
