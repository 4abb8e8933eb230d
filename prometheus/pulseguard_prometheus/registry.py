"""Asks a registry for one of its documents and tells it, over one connection that is kept open."""

import http.client
import json
from dataclasses import dataclass

from pulseguard_prometheus.connection import KeptConnection, Response, why_unanswered
from pulseguard_prometheus.errors import RegistryTrouble
from pulseguard_prometheus.settings import ServerAddress
from pulseguard_prometheus.turns import Note, unwatched

TARGETS_PATH = "/api/v1/discovery/targets"
RULES_PATH = "/api/v1/rules/bundle"
ANSWER_TIMEOUT_SECONDS = 3.0
# Ten thousand agents are about 4 MB, two thousand rules 1 MB.
ANSWER_LIMIT_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What a registry said with status 200."""

    content_type: str
    body: bytes
    etag: str | None


class RegistryConnection:
    """One kept connection to a registry, for one document of it, opened again where it broke."""

    def __init__(
        self,
        address: ServerAddress,
        *,
        path: str = TARGETS_PATH,
        timeout_seconds: float = ANSWER_TIMEOUT_SECONDS,
        note: Note = unwatched,
    ) -> None:
        self._address = address
        self._path = path
        self._connection = KeptConnection(address, timeout_seconds=timeout_seconds, note=note)

    def ask(self, *, key: str | None, etag: str | None) -> Answer | None:
        """Answers the document, None where it still is the one with this ETag.

        Raises RegistryTrouble, at the latest when a kept connection does.
        """
        headers = {"Accept": "application/json"} | ({"If-None-Match": etag} if etag else {})
        try:
            response = self._exchange("GET", self._path, headers, key)
            return None if etag and response.status == 304 else _document(response)
        except (OSError, http.client.HTTPException) as problem:
            raise self._unanswered(problem) from problem

    def tell(self, path: str, document: object, *, key: str | None) -> None:
        """Puts a document there; raises RegistryTrouble where the registry does not take it."""
        body = json.dumps(document, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json"}
        try:
            response = self._exchange("PUT", path, headers, key, body)
        except (OSError, http.client.HTTPException) as problem:
            raise self._unanswered(problem) from problem
        if not 200 <= response.status < 300:
            raise _refusal(response.status)

    def close(self) -> None:
        """Closes the connection; the next question opens it again."""
        self._connection.close()

    def _exchange(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        key: str | None,
        body: bytes | None = None,
    ) -> Response:
        headers = headers | {"User-Agent": "pulseguard-sync"}
        headers |= {"Authorization": f"Bearer {key}"} if key else {}
        return self._connection.exchange(
            method, path, headers, body, limit_bytes=ANSWER_LIMIT_BYTES
        )

    def _unanswered(self, problem: OSError | http.client.HTTPException) -> RegistryTrouble:
        return RegistryTrouble(
            f"the registry at {self._address} does not answer ({why_unanswered(problem)})",
            "check that it runs and that PULSEGUARD_REGISTRY_URL names it",
        )


def _document(response: Response) -> Answer:
    if response.status != 200:
        raise _refusal(response.status)
    if len(response.body) > ANSWER_LIMIT_BYTES:
        raise RegistryTrouble(
            f"the registry sent more than {ANSWER_LIMIT_BYTES} bytes",
            "check that PULSEGUARD_REGISTRY_URL names a PulseGuard registry",
        )
    if response.missing_bytes:
        raise http.client.IncompleteRead(response.body, response.missing_bytes)
    return Answer(response.content_type, response.body, response.etag)


def _refusal(status: int) -> RegistryTrouble:
    if status == 401:
        mend = "give a valid key of role prometheus in a file, --key-file or PULSEGUARD_KEY_FILE"
    elif status == 403:
        mend = "the key is of another role; put one of the role prometheus into the key file"
    elif status >= 500:
        mend = "its log and its /api/v1/health/ready say why"
    else:
        mend = "check that PULSEGUARD_REGISTRY_URL names a PulseGuard registry"
    return RegistryTrouble(f"the registry answers {status}", mend)
