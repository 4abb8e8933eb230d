"""Keeps the rules of one Prometheus true to what a registry says, and tells it what is loaded."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from pulseguard_prometheus.errors import PrometheusTrouble, Trouble
from pulseguard_prometheus.publication.bundle import Bundle, parse_bundle
from pulseguard_prometheus.publication.folder import ENDING, RulesFolder
from pulseguard_prometheus.publication.older_bundle import OlderBundle
from pulseguard_prometheus.publication.proof import Proof, Shown
from pulseguard_prometheus.publication.publisher import Publisher
from pulseguard_prometheus.publication.report import GroupState, report, report_path
from pulseguard_prometheus.publication.stamp import stamped, stamped_revision
from pulseguard_prometheus.registry import RegistryConnection
from pulseguard_prometheus.troubles import Troubles
from pulseguard_prometheus.turns import Turns

# As often all is read back and told, changed or not.
PROOF_SECONDS: Final = 15.0

log = logging.getLogger(__name__)


class RulesSync:
    """One registry, one folder of rules, one Prometheus, and what was last heard of each."""

    def __init__(
        self,
        registry: RegistryConnection,
        folder: RulesFolder,
        publisher: Publisher,
        proof: Proof,
        *,
        prometheus_name: str,
        read_key: Callable[[], str | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._folder = folder
        self._publisher = publisher
        self._older = OlderBundle(folder, clock=clock)
        self._proof = proof
        self._report_path = report_path(prometheus_name)
        self._read_key = read_key
        self._clock = clock
        self._etag: str | None = None
        self._bundle: Bundle | None = None
        self._wanted: dict[str, bytes] = {}
        self._version = 0
        # Of which bundle and folder the last publication was, and when another one is due anyway.
        self._tried: object = None
        self._due_at = 0.0
        self._pause = 0.0
        self._held: dict[str, bytes] = {}
        self._proven: dict[str, int] = {}
        self._told: tuple[dict[str, Any], float] | None = None
        self._asking = Troubles(starts="rules stay as they are", ends="rules are asked for again")
        self._keeping = Troubles(starts="rules are not proven", ends="rules are proven again")
        self._holding = Troubles(
            starts="rules stay that the registry lacks", ends="the registry lacks no rules any more"
        )
        self._telling = Troubles(
            starts="rules are not told to the registry", ends="rules are told to the registry again"
        )

    def run(self, interval_seconds: float, turns: Turns) -> None:
        """Goes on for ever, and notes each turn; meant for a daemon thread of its own, since all of
        them may be slow."""
        while True:
            turns.note()
            started, least_pause = self._clock(), 0.0
            try:
                self.run_once()
            except Exception:
                # Else the thread would end, and with it what it is for, unnoticed.
                log.exception("rules are not kept, by a fault of sync's own")
                least_pause = PROOF_SECONDS
            turns.rest(max(least_pause, interval_seconds - (self._clock() - started)))

    def run_once(self) -> None:
        """Asks, publishes what changed, reads back and tells; without a bundle it does nothing."""
        with self._asking.noted():
            self._ask()
        if self._bundle is None:
            return
        if self._is_due():
            with self._keeping.noted():
                self._keep(self._bundle)
        with self._telling.noted():
            self._tell(self._bundle)

    def _ask(self) -> None:
        answer = self._registry.ask(key=self._read_key(), etag=self._etag)
        if answer is None:
            return
        bundle = parse_bundle(answer.content_type, answer.body)
        self._bundle, self._etag = bundle, answer.etag
        self._wanted = {group.file: stamped(group) for group in bundle.groups}

    def _is_due(self) -> bool:
        """Whether bundle or folder are others than they were, or enough time has passed."""
        try:
            # Taken before anything is read, so that no change in between is missed.
            found = self._bundle, self._folder.signatures()
        except Trouble:
            # It will be met again, and told.
            found = self._bundle, {}
        is_due = found != self._tried or self._clock() >= self._due_at
        self._tried = found
        return is_due

    def _keep(self, bundle: Bundle) -> None:
        # In trouble it is tried again soon, then less often.
        self._pause = min(max(2 * self._pause, 1.0), PROOF_SECONDS)
        self._due_at = self._clock() + self._pause
        self._held = self._older.held(bundle, self._publisher.accepted)
        with self._holding.noted():
            if self._held:
                raise self._older.trouble(bundle, self._held)
        self._publisher.publish(self._wanted | self._held)
        self._prove()
        self._note(bundle)
        if not self._held:
            self._folder.note_published(bundle.version)
        self._pause = 0.0
        self._due_at = self._clock() + PROOF_SECONDS

    def _note(self, bundle: Bundle) -> None:
        if bundle.version != self._version:
            count, rejected = len(self._proven), len(self._publisher.rejected)
            log.info(
                "Prometheus has %d groups of rules of version %d, %d are rejected",
                count,
                bundle.version,
                rejected,
            )
        self._version = bundle.version

    def _prove(self) -> None:
        accepted = self._publisher.accepted
        shown = self._proof.look(accepted)
        if shown != Shown(set(accepted), set()):
            self._publisher.reload()
            shown = self._proof.look(accepted)
        self._proven = {name: stamped_revision(accepted[name]) or 0 for name in shown.loaded}
        if missing := accepted.keys() - shown.loaded:
            raise PrometheusTrouble(
                f"Prometheus shows other rules than are on disk in {len(missing)} of"
                f" {len(accepted)} files, such as {min(missing)}",
                "check that its rule_files name the folder of --rules-dir",
            )
        if shown.gone:
            raise PrometheusTrouble(
                f"Prometheus still has {len(shown.gone)} files of rules that are no more, such as"
                f" {min(shown.gone)}",
                "check that its rule_files name the folder of --rules-dir",
            )

    def _tell(self, bundle: Bundle) -> None:
        trouble = self._keeping.cause or self._holding.cause or ""
        document = report(self._version, self._states(bundle), trouble)
        if self._told is not None:
            before, at = self._told
            if document == before and self._clock() - at < PROOF_SECONDS:
                return
        self._registry.tell(self._report_path, document, key=self._read_key())
        self._told = document, self._clock()

    def _states(self, bundle: Bundle) -> dict[str, GroupState]:
        rejected = self._publisher.rejected
        held = {
            name.removesuffix(ENDING): GroupState(loaded=self._proven.get(name))
            for name in self._held
        }
        return held | {
            group.id: GroupState(
                loaded=self._proven.get(group.file),
                rejected=group.revision if group.file in rejected else None,
                reason=rejected[group.file].rejection.reason if group.file in rejected else "",
            )
            for group in bundle.groups
        }
