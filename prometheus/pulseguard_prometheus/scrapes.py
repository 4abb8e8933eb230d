"""Tells a registry what the Prometheus beside us scrapes, apart from keeping its targets file."""

import http.client
import json
import logging
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from pulseguard_prometheus.errors import ScrapesTrouble, Trouble
from pulseguard_prometheus.settling import read_start, settling_seconds

REPORT_SECONDS: Final = 15.0
ANSWER_TIMEOUT_SECONDS: Final = 5.0
# From one turn to the next, by the deadlines of what it calls: three questions, with as much for
# connecting, asking and hearing each.
SCRAPES_TURN_SECONDS: Final = REPORT_SECONDS + 3 * 3 * ANSWER_TIMEOUT_SECONDS
# Ten thousand targets, with their labels before and after relabelling.
ANSWER_LIMIT_BYTES: Final = 64 * 1024 * 1024
STATES: Final = ("up", "down")

log = logging.getLogger(__name__)


class ScrapesReport:
    """One Prometheus, by its name, and the registry that is told of it."""

    def __init__(
        self,
        *,
        prometheus_url: str,
        registry_url: str,
        name: str,
        read_key: Callable[[], str | None],
    ) -> None:
        self._targets_url = f"{prometheus_url}/api/v1/targets?state=active"
        self._start_url = f"{prometheus_url}/api/v1/status/runtimeinfo"
        self._report_url = f"{registry_url}/api/v1/sync/{quote(name, safe='')}"
        self._read_key = read_key
        self._trouble: str | None = None

    def run(self, note: Callable[[], None]) -> None:
        """Goes on for ever, and notes each turn; meant for a daemon thread of its own, since either
        may be slow."""
        while True:
            note()
            started = time.monotonic()
            pause = self.run_once()
            time.sleep(max(1.0, pause - (time.monotonic() - started)))

    def run_once(self) -> float:
        """Tells once; answers the seconds until it is time to tell again.

        Of a Prometheus that has just started nothing is told until it knows again whom it scrapes:
        what was told before holds. Trouble is logged when it starts and when it ends.
        """
        try:
            scrapes = scrapes_of(self._ask(self._targets_url))
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
            return read_start(self._ask(self._start_url))
        except ScrapesTrouble:
            # Others that speak its language need not tell this.
            return None

    def _ask(self, url: str) -> Any:  # Any: whatever JSON holds
        mend = "check that it runs and that PULSEGUARD_PROMETHEUS_URL names it"
        return _exchange(urllib.request.Request(url), "Prometheus", mend)

    def _tell(self, scrapes: dict[str, str]) -> None:
        request = urllib.request.Request(
            self._report_url,
            json.dumps({"scrapes": scrapes}, separators=(",", ":")).encode(),
            {"Content-Type": "application/json", "User-Agent": "pulseguard-sync"},
            method="PUT",
        )
        if key := self._read_key():
            # Not followed by a redirect, as other headers are.
            request.add_unredirected_header("Authorization", f"Bearer {key}")
        _exchange(request, "the registry", "its log and its /api/v1/health/ready say why")


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


# Any: whatever JSON holds.
def _exchange(request: urllib.request.Request, whom: str, mend: str) -> Any:
    # Neither is asked through a proxy, as the registry is not for its list.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=ANSWER_TIMEOUT_SECONDS) as answer:
            return json.loads(answer.read(ANSWER_LIMIT_BYTES))
    except urllib.error.HTTPError as problem:
        with problem:
            raise ScrapesTrouble(f"{whom} answers {problem.code}", mend) from problem
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as problem:
        raise ScrapesTrouble(f"{whom} does not answer", mend) from problem
