"""Keeps an Alertmanager true to the settings of its receivers, and as it is in any doubt."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pulseguard_prometheus.errors import NotificationTrouble
from pulseguard_prometheus.notification import amtool
from pulseguard_prometheus.notification.alertmanager import Alertmanager, ReloadRefused, hash_of
from pulseguard_prometheus.notification.files import ConfigurationFiles
from pulseguard_prometheus.notification.receivers import Receivers, read_receivers
from pulseguard_prometheus.notification.rendering import Rendered, render
from pulseguard_prometheus.notification.routes import Times
from pulseguard_prometheus.notification.settings import AlertmanagerPlace, NotificationSettings
from pulseguard_prometheus.turns import Note, Turns, unwatched

LOOK_SECONDS: Final = 1.0
# How often it is asked whether it still runs with what it has taken.
PROOF_SECONDS: Final = 15.0
# After which Alertmanager is asked again for what it has refused: its reason may have passed.
RETRY_SECONDS: Final = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Refused:
    """What amtool (for good) or Alertmanager (for now) has said no to, and when."""

    rendered: Rendered
    trouble: NotificationTrouble
    at: float

    def holds(self, rendered: Rendered, now: float) -> bool:
        """Whether it is of no use to ask for this again."""
        is_lasting = isinstance(self.trouble, amtool.Refused)
        return self.rendered == rendered and (is_lasting or now - self.at < RETRY_SECONDS)


class AlertmanagerSync:
    """One Alertmanager, its configuration, and what was last heard of it; `note` is told of each
    of its longer steps."""

    def __init__(
        self,
        settings: NotificationSettings,
        place: AlertmanagerPlace,
        files: ConfigurationFiles,
        *,
        times: Times | None = None,
        note: Note = unwatched,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._amtool = place.amtool
        self._alertmanager = Alertmanager(place.url, note=note)
        self._note = note
        self._files = files
        self._times = times
        self._clock = clock
        self._checked: Rendered | None = None
        self._refused: _Refused | None = None
        self._proven_at: float | None = None
        self._told: str | None = None
        self._trouble: str | None = None

    def run(self, turns: Turns) -> None:
        """Goes on for ever, and notes each turn; meant for a daemon thread of its own: nobody waits
        for it."""
        while True:
            turns.note()
            started, least_pause = time.monotonic(), 0.1
            try:
                self.run_once()
            except Exception:
                # Else the thread would end, and with it what it is for, unnoticed.
                log.exception("receivers of alerts are not kept, by a fault of sync's own")
                least_pause = PROOF_SECONDS
            turns.rest(max(least_pause, LOOK_SECONDS - (time.monotonic() - started)))

    def run_once(self) -> None:
        """Looks once; trouble is logged when it starts and when it ends."""
        try:
            receivers = read_receivers(self._settings)
            self._keep(render(self._settings, receivers, self._times))
        except NotificationTrouble as trouble:
            if trouble.cause != self._trouble:
                log.warning("receivers of alerts stay as they are: %s", trouble)
            self._trouble = trouble.cause
        else:
            self._note_success(receivers)

    def _keep(self, wanted: Rendered) -> None:
        present = self._files.content()
        if present == wanted and self._is_proven():
            return
        self._proven_at = None
        if self._refused and self._refused.holds(wanted, self._clock()):
            self._restore()
            raise self._refused.trouble
        if present != wanted:
            self._check(wanted)
        self._install(wanted, present)
        self._files.note_proven(wanted)
        self._proven_at = self._clock()

    def _is_proven(self) -> bool:
        return self._proven_at is not None and self._clock() - self._proven_at < PROOF_SECONDS

    def _check(self, wanted: Rendered) -> None:
        if self._checked == wanted:
            return
        self._note(amtool.CHECK_TIMEOUT_SECONDS)
        try:
            amtool.check(self._amtool, wanted)
        except amtool.Refused as refusal:
            self._refused = _Refused(wanted, refusal, self._clock())
            raise
        finally:
            self._note()
        self._checked = wanted

    def _install(self, wanted: Rendered, present: Rendered | None) -> None:
        """Returns where Alertmanager runs with it."""
        loaded = self._loaded_hash(wanted)
        if present is not None and loaded == _hash(present):
            self._files.note_proven(present)
        if present == wanted and loaded == _hash(wanted):
            return
        self._put(wanted)
        try:
            self._alertmanager.reload()
        except ReloadRefused as refusal:
            self._take_back(wanted, refusal)
            raise
        if self._alertmanager.loaded_hash() != _hash(wanted):
            raise NotificationTrouble(
                f"Alertmanager was reloaded and runs with something else than {self._files.path}",
                "check that its --config.file names this file",
            )

    def _loaded_hash(self, wanted: Rendered) -> float:
        try:
            return self._alertmanager.loaded_hash()
        except NotificationTrouble:
            # It may not start with what it never took, and then nobody would hear of anything.
            if not self._restore():
                self._put(wanted)
            raise

    def _take_back(self, wanted: Rendered, refusal: NotificationTrouble) -> None:
        """It would not start with what it does not take."""
        self._refused = _Refused(wanted, refusal, self._clock())
        if self._restore():
            with suppress(NotificationTrouble):
                self._alertmanager.reload()

    def _restore(self) -> bool:
        """Has what was proven last lie there, where anything was."""
        proven = self._files.proven()
        if proven is not None:
            self._put(proven)
        return proven is not None

    def _put(self, rendered: Rendered) -> None:
        if self._files.content() != rendered:
            self._files.replace(rendered)

    def _note_success(self, receivers: Receivers) -> None:
        told = ", ".join(each.name for each in receivers.people) or "nobody but the registry"
        if self._trouble is not None or told != self._told:
            log.info("alerts reach %s", told)
        self._trouble, self._told = None, told


def _hash(rendered: Rendered) -> float:
    """What Alertmanager shows while it runs with this."""
    return hash_of(rendered.configuration.encode("utf-8", errors="surrogateescape"))
