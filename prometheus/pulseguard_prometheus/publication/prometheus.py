"""Asks the Prometheus beside us to reload, what rules it has, and how it reads an expression."""

import http.client
import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from pulseguard_prometheus.connection import KeptConnection, Response, why_unanswered
from pulseguard_prometheus.errors import PrometheusTrouble
from pulseguard_prometheus.settings import ServerAddress
from pulseguard_prometheus.turns import Note, unwatched

ANSWER_TIMEOUT_SECONDS: Final = 5.0
# It answers when all rules are loaded: two thousand take a second or two.
RELOAD_TIMEOUT_SECONDS: Final = 20.0
# Two thousand rules are 1 MB.
ANSWER_LIMIT_BYTES: Final = 64 * 1024 * 1024
_MEND = "check that it runs and that PULSEGUARD_PROMETHEUS_URL names it"


@dataclass(frozen=True)
class Reading:
    """How Prometheus writes an expression, or why it does not take it."""

    text: str | None
    fault: str = ""


class Prometheus:
    """One Prometheus, over connections that are kept; `note` is told of each question."""

    def __init__(self, address: ServerAddress, *, note: Note = unwatched) -> None:
        self._questions = KeptConnection(address, timeout_seconds=ANSWER_TIMEOUT_SECONDS, note=note)
        self._reloads = KeptConnection(address, timeout_seconds=RELOAD_TIMEOUT_SECONDS, note=note)

    def reload(self) -> bool:
        """Whether it now has what is on disk; False where it refuses that, and has what it had.

        Raises PrometheusTrouble where it could not be asked, or may not be.
        """
        response = self._answered(self._reloads, "POST", "/-/reload")
        if response.status in (403, 404, 405):
            raise PrometheusTrouble(
                f"Prometheus answers {response.status} when it is to reload",
                "start it with --web.enable-lifecycle",
            )
        if response.status not in (200, 500):
            raise _unexpected(response)
        return response.status == 200

    # Any: the objects of Prometheus' API, as JSON gives them.
    def groups(self) -> list[dict[str, Any]]:
        """Answers the groups of rules that it has loaded; raises PrometheusTrouble."""
        response = self._answered(self._questions, "GET", "/api/v1/rules?exclude_alerts=true")
        if response.status != 200:
            raise _unexpected(response)
        try:
            groups = json.loads(response.body)["data"]["groups"]
        except (ValueError, TypeError, KeyError, RecursionError) as problem:
            raise _unexpected(response) from problem
        if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
            raise _unexpected(response)
        return groups

    def read(self, expression: str) -> Reading:
        """Answers how it reads an expression; neither text nor fault where it does not tell."""
        body = urlencode({"query": expression}).encode()
        response = self._answered(self._questions, "POST", "/api/v1/format_query", body)
        try:
            said = json.loads(response.body)
            if response.status == 200 and isinstance(said["data"], str):
                return Reading(said["data"])
            if response.status == 400 and said["errorType"] == "bad_data":
                return Reading(None, str(said["error"]))
        except (ValueError, TypeError, KeyError, RecursionError):
            # Others that speak its language need not know this question.
            pass
        return Reading(None)

    def close(self) -> None:
        """Closes its connections; the next question opens them again."""
        self._questions.close()
        self._reloads.close()

    def _answered(
        self, connection: KeptConnection, method: str, path: str, body: bytes | None = None
    ) -> Response:
        headers = {"Accept": "application/json", "User-Agent": "pulseguard-sync"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            return connection.exchange(method, path, headers, body, limit_bytes=ANSWER_LIMIT_BYTES)
        except (OSError, http.client.HTTPException) as problem:
            raise PrometheusTrouble(
                f"Prometheus does not answer ({why_unanswered(problem)})", _MEND
            ) from problem


def _unexpected(response: Response) -> PrometheusTrouble:
    return PrometheusTrouble(
        f"Prometheus answers {response.status} with something else than was asked for", _MEND
    )
