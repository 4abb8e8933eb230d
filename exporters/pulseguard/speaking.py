"""What is said of an agent: /metrics, registration and heartbeat, and what has been told so far."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pulseguard.agent_info import agent_info
from pulseguard.description import Description
from pulseguard.ending import Ending
from pulseguard.guard import Guard, OncePerMinute
from pulseguard.identity import Heard
from pulseguard.presence import Presence, metrics_address
from pulseguard.pricing.cost import Pricing
from pulseguard.pricing.prices import Model, read_models
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.whole import Whole
from pulseguard.reporting.snapshots import Timeline, Waiting, utc_now
from pulseguard.reporting.totals import read_totals, whole_totals
from pulseguard.scraping.collection import Collection
from pulseguard.settings import Settings

if TYPE_CHECKING:
    from pulseguard.group.membership import Membership


class Speaking:
    """Speaks for the agent, from the beginning or where another process has left off."""

    def __init__(
        self,
        description: Description,
        settings: Settings,
        recorder: Recorder,
        guard: Guard,
        journal: OncePerMinute,
    ) -> None:
        self._description = description
        self._settings = settings
        self._recorder = recorder
        self._guard = guard
        self._journal = journal
        self.instance = settings.instance or ""
        path, none = settings.prices_file, dict[str, Model]()
        self._models = guard.attempt("read the prices", none, read_models, path) if path else none
        self._begin_anew()

    @property
    def agent_id(self) -> str | None:
        """The registry's id of this agent, once this process has registered it."""
        return self._presence.agent_id if self._presence else None

    @property
    def metrics_address(self) -> str | None:
        """host:port of /metrics as others reach it; None while nothing listens."""
        return metrics_address(self._settings, self._port)

    @property
    def _port(self) -> int | None:
        known = self._presence or self._membership
        return known.port if known else None

    @property
    def _last_heard(self) -> Heard | None:
        heard = self._presence.heard if self._presence else None
        return heard or self._heard

    def take_over(self) -> None:
        """Speak for the group: who did so has gone."""
        self._speak(self._take_on(), starting=False)

    def account(self) -> tuple[int | None, Timeline, Waiting, Heard | None]:
        """The port, what the registry has been told, and as whom it has heard the agent last."""
        return self._port, self._timeline, self._waiting, self._last_heard

    def _begin_anew(self) -> None:
        recorder, settings = self._recorder, self._settings
        self._whole = Whole(recorder)
        self._waiting = Waiting()
        # Of the speaker before.
        self._heard: Heard | None = None
        self._timeline = Timeline(read_totals(recorder), utc_now(), time.monotonic())
        info, pricing = agent_info(self._description), Pricing(self._models)
        self._collection = Collection(
            self._whole, self._guard, settings.series_limit, info, pricing
        )
        self._presence: Presence | None = None
        self._membership: Membership | None = None

    def _speak(self, port: int | None, starting: bool) -> None:
        self._presence = presence = self._new_presence()
        open_it = presence.open_metrics
        self._guard.attempt("open /metrics", None, open_it, port, starting, self._is_ending)
        self._guard.attempt("start reporting", None, presence.start_reporting, *self._told())

    def _is_ending(self) -> bool:
        return self._membership is not None and self._membership.is_ending

    def _told(self) -> tuple[Timeline, Waiting, Callable[[], None]]:
        return self._timeline, self._waiting, self._remember

    def _remember(self) -> None:
        if self._membership is not None:
            self._membership.remember()

    def _speak_last(self, port: int | None, ending: Ending, goodbye: bool) -> None:
        # No further process: the goodbye is of those who have spoken so far.
        heard = self._last_heard
        self._presence = presence = self._new_presence()
        presence.port = port
        presence.start_reporting(*self._told(), heard)
        presence.finish(ending, goodbye)

    def _has_more_to_tell(self) -> bool:
        """Whether the registry has not been told of all that the group has done."""
        if self._settings.registry_url is None:
            return False
        return not self._timeline.is_up_to(whole_totals(self._whole))

    def _take_on(self) -> int | None:
        """What the speaker before has told is told; the port that it had."""
        assert self._membership is not None
        ledger = self._guard.attempt("read the ledger", None, self._membership.ledger)
        if ledger is None:
            # Nobody wrote it down: of what the ended have done rather too little than twice.
            self._timeline.leave_out(self._membership.ended_totals())
            return None
        self._timeline, self._heard = ledger.timeline, ledger.heard
        self._waiting.take_over(ledger.waiting)
        return ledger.port

    def _new_presence(self) -> Presence:
        return Presence(
            self._description,
            self._settings,
            self.instance,
            self._recorder,
            self._whole,
            self._collection,
            self._guard,
            self._journal,
        )
