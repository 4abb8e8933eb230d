"""Keeps an Alertmanager true to the settings of its receivers, and as it is in any doubt."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from pulseguard_prometheus.errors import NotificationTrouble
from pulseguard_prometheus.notification import alertmanager, amtool
from pulseguard_prometheus.notification.files import ConfigurationFiles
from pulseguard_prometheus.notification.receivers import Receivers, read_receivers
from pulseguard_prometheus.notification.rendering import Rendered, render
from pulseguard_prometheus.notification.routes import Times
from pulseguard_prometheus.notification.settings import AlertmanagerPlace, NotificationSettings

LOOK_SECONDS: Final = 1.0
# How often it is asked whether it still runs with what it has taken.
PROOF_SECONDS: Final = 15.0

log = logging.getLogger(__name__)


class AlertmanagerSync:
    """One Alertmanager, its configuration, and what was last heard of it."""

    def __init__(
        self,
        settings: NotificationSettings,
        place: AlertmanagerPlace,
        files: ConfigurationFiles,
        *,
        times: Times | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._place = place
        self._files = files
        self._times = times
        self._clock = clock
        # What amtool or Alertmanager has said no to: it is not asked again.
        self._refused: tuple[Rendered, NotificationTrouble] | None = None
        self._proven_at: float | None = None
        self._told: str | None = None
        self._trouble: str | None = None

    def run(self) -> None:
        """Goes on for ever; meant for a daemon thread of its own: nobody waits for it."""
        while True:
            started = time.monotonic()
            self.run_once()
            time.sleep(max(0.1, LOOK_SECONDS - (time.monotonic() - started)))

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
        before = self._files.content()
        if before != wanted:
            self._proven_at = None
            if self._refused and self._refused[0] == wanted:
                raise self._refused[1]
            self._check(wanted)
            self._files.replace(wanted)
        if self._proven_at is None or self._clock() - self._proven_at >= PROOF_SECONDS:
            self._prove(wanted, before)
            self._proven_at = self._clock()

    def _check(self, wanted: Rendered) -> None:
        try:
            amtool.check(self._place.amtool, wanted)
        except amtool.Refused as refusal:
            self._refused = wanted, refusal
            raise

    def _prove(self, wanted: Rendered, before: Rendered | None) -> None:
        """Returns where Alertmanager runs with it."""
        expected = alertmanager.hash_of(wanted.configuration.encode())
        if alertmanager.loaded_hash(self._place.url) == expected:
            return
        try:
            alertmanager.reload(self._place.url)
        except alertmanager.ReloadRefused as refusal:
            if before is not None and before != wanted:
                self._take_back(wanted, before, refusal)
            raise
        if alertmanager.loaded_hash(self._place.url) != expected:
            raise NotificationTrouble(
                f"Alertmanager was reloaded and runs with something else than {self._files.path}",
                "check that its --config.file names this file",
            )

    def _take_back(self, wanted: Rendered, before: Rendered, refusal: NotificationTrouble) -> None:
        """It would not start with what it does not take."""
        self._refused = wanted, refusal
        self._files.replace(before)
        with suppress(NotificationTrouble):
            alertmanager.reload(self._place.url)

    def _note_success(self, receivers: Receivers) -> None:
        told = ", ".join(each.name for each in receivers.people) or "nobody but the registry"
        if self._trouble is not None or told != self._told:
            log.info("alerts reach %s", told)
        self._trouble, self._told = None, told
