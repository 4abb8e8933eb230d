"""Tells a registry what the Prometheus beside us scrapes, apart from keeping its targets file."""

import http.client
import json
import logging
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from pulseguard_prometheus.connection import KeptConnection
from pulseguard_prometheus.errors import ScrapesTrouble, Trouble
from pulseguard_prometheus.registry import RegistryConnection
from pulseguard_prometheus.settings import ServerAddress
from pulseguard_prometheus.settling import read_start, settling_seconds
from pulseguard_prometheus.turns import Note, Turns, unwatched

REPORT_SECONDS: Final = 15.0
ANSWER_TIMEOUT_SECONDS: Final = 10.0
TELL_TIMEOUT_SECONDS: Final = 5.0
# Ten thousand targets, with their labels before and after relabelling.
ANSWER_LIMIT_BYTES: Final = 64 * 1024 * 1024
STATES: Final = ("up", "down")

log = logging.getLogger(__name__)


class ScrapesReport:
    """One Prometheus, by its name, and the registry that is told of it; `note` is told how long
    a question to Prometheus may take."""

    def __init__(
        self,
        *,
        prometheus: ServerAddress,
        registry: RegistryConnection,
        name: str,
        read_key: Callable[[], str | None],
        note: Note = unwatched,
    ) -> None:
        self._prometheus = KeptConnection(
            prometheus, timeout_seconds=ANSWER_TIMEOUT_SECONDS, note=note
        )
        self._registry = registry
        self._report_path = f"/api/v1/sync/{quote(name, safe='')}"
        self._read_key = read_key
        self._trouble: str | None = None

    def run(self, turns: Turns) -> None:
        """Goes on for ever, and notes each turn; meant for a daemon thread of its own, since either
        may be slow."""
        while True:
            turns.note()
            started = time.monotonic()
            pause = self.run_once()
            turns.rest(max(1.0, pause - (time.monotonic() - started)))

    def run_once(self) -> float:
        """Tells once; answers the seconds until it is time to tell again.

        Of a Prometheus that has just started nothing is told until it knows again whom it scrapes:
        what was told before holds. Trouble is logged when it starts and when it ends.
        """
        try:
            scrapes = scrapes_of(self._ask("/api/v1/targets?state=active"))
            # Asked afterwards: a start that is long ago is that of the one that has told of these.
            if settling := settling_seconds(self._started_at(), datetime.now(UTC)):
                return min(settling, REPORT_SECONDS)
            self._tell(scrapes)
        except Trouble as trouble:
            self._note_trouble(trouble)
        else:
            self._note_success()
        return REPORT_SECONDS

    def _note_trouble(self, trouble: Trouble) -> None:
        if trouble.cause != self._trouble:
            log.warning("scrapes are not told to the registry: %s", trouble)
        self._trouble = trouble.cause

    def _note_success(self) -> None:
        if self._trouble is not None:
            log.info("scrapes are told to the registry again")
        self._trouble = None

    def _started_at(self) -> datetime | None:
        try:
            return read_start(self._ask("/api/v1/status/runtimeinfo"))
        except ScrapesTrouble:
            # Others that speak its language need not tell this.
            return None

    def _ask(self, path: str) -> Any:  # Any: whatever JSON holds
        mend = "check that it runs and that PULSEGUARD_PROMETHEUS_URL names it"
        headers = {"User-Agent": "pulseguard-sync"}
        try:
            response = self._prometheus.exchange(
                "GET", path, headers, limit_bytes=ANSWER_LIMIT_BYTES
            )
            if response.status == 200:
                return json.loads(response.body)
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as problem:
            raise ScrapesTrouble("Prometheus does not answer", mend) from problem
        finally:
            # Not worth to be kept for fifteen seconds.
            self._prometheus.close()
        raise ScrapesTrouble(f"Prometheus answers {response.status}", mend)

    def _tell(self, scrapes: dict[str, str]) -> None:
        self._registry.tell(self._report_path, {"scrapes": scrapes}, key=self._read_key())


def scrapes_of(answer: Any) -> dict[str, str]:
    """By agent_id `up` or `down`; who was never scraped yet is left out. Of an agent with two
    targets the better one counts. Raises ScrapesTrouble where this is no answer of Prometheus."""
    try:
        targets = answer["data"]["activeTargets"]
        told = [(target["labels"].get("agent_id"), target["health"]) for target in targets]
    except (AttributeError, KeyError, TypeError) as problem:
        raise ScrapesTrouble(
            "Prometheus answers something else than its targets",
            "check that PULSEGUARD_PROMETHEUS_URL names a Prometheus",
        ) from problem
    known = [(agent_id, state) for agent_id, state in told if _is_id(agent_id) and state in STATES]
    # Sorted so that `up` comes last, and stays.
    return dict(sorted(known, key=lambda one: one[1] == "up"))


def _is_id(text: object) -> bool:
    """Other jobs may have something else under this name, and are not ours to tell of."""
    try:
        return isinstance(text, str) and str(uuid.UUID(text)) == text
    except ValueError:
        return False
