"""Asks a registry for its target list, over one connection that is kept open."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from pulseguard_prometheus.errors import RegistryTrouble
from pulseguard_prometheus.settings import RegistryAddress

TARGETS_PATH = "/api/v1/discovery/targets"
ANSWER_TIMEOUT_SECONDS = 3.0
# Ten thousand agents are about 4 MB.
ANSWER_LIMIT_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What a registry said with status 200."""

    content_type: str
    body: bytes
    etag: str | None


class RegistryConnection:
    """One kept connection to a registry, opened again where it broke."""

    def __init__(
        self, address: RegistryAddress, *, timeout_seconds: float = ANSWER_TIMEOUT_SECONDS
    ) -> None:
        self._address = address
        self._timeout_seconds = timeout_seconds
        kind = (
            http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        )
        self._connection = kind(address.host, address.port, timeout=timeout_seconds)

    def ask(self, *, key: str | None, etag: str | None) -> Answer | None:
        """Answers the target list, None where it still is the one with this ETag.

        Raises RegistryTrouble after at most the time-out for connecting and as much again.
        """
        headers = {"Accept": "application/json", "User-Agent": "pulseguard-sync"}
        headers |= {"Authorization": f"Bearer {key}"} if key else {}
        headers |= {"If-None-Match": etag} if etag else {}
        try:
            return self._exchange(headers)
        except (OSError, http.client.HTTPException) as problem:
            raise RegistryTrouble(
                f"the registry at {self._address} does not answer ({_reason(problem)})",
                "check that it runs and that PULSEGUARD_REGISTRY_URL names it",
            ) from problem

    def close(self) -> None:
        """Closes the connection; the next question opens it again."""
        self._connection.close()

    def _exchange(self, headers: dict[str, str]) -> Answer | None:
        kept = self._connection.sock is not None
        try:
            return self._exchange_once(headers)
        except (ConnectionError, http.client.BadStatusLine):
            # A server may close a kept connection at any moment; that says nothing about it yet.
            if not kept:
                raise
            return self._exchange_once(headers)

    def _exchange_once(self, headers: dict[str, str]) -> Answer | None:
        unread = True
        try:
            if self._connection.sock is None:
                self._connection.connect()
            with self._deadline():
                self._connection.request("GET", self._address.path + TARGETS_PATH, headers=headers)
                answer = _read(self._connection.getresponse(), asked_with=headers)
            unread = False
            return answer
        finally:
            if unread:
                self._connection.close()

    @contextmanager
    def _deadline(self) -> Iterator[None]:
        """Ends an exchange that drips: a socket's own time-out starts anew with each byte."""
        passed = threading.Event()

        def end(connected: socket.socket) -> None:
            passed.set()
            # Not SSLSocket.shutdown, which forgets its session under the reader's feet.
            with suppress(OSError):
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

        timer = threading.Timer(self._timeout_seconds, end, [self._connection.sock])
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, http.client.HTTPException) as problem:
            if passed.is_set():
                raise TimeoutError from problem
            raise
        finally:
            timer.cancel()
        # A body without a length ends where the connection does, however it came to end.
        if passed.is_set():
            raise TimeoutError


def _read(response: http.client.HTTPResponse, *, asked_with: dict[str, str]) -> Answer | None:
    body = response.read(ANSWER_LIMIT_BYTES + 1)
    if response.status == 304 and "If-None-Match" in asked_with:
        return None
    if response.status != 200:
        raise _refusal(response.status)
    if len(body) > ANSWER_LIMIT_BYTES:
        raise RegistryTrouble(
            f"the registry sent more than {ANSWER_LIMIT_BYTES} bytes",
            "check that PULSEGUARD_REGISTRY_URL names a PulseGuard registry",
        )
    # http.client reports a body that ended early only to those who ask for all of it at once.
    if response.length:
        raise http.client.IncompleteRead(body, response.length)
    return Answer(response.getheader("Content-Type", ""), body, response.getheader("ETag"))


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


def _reason(problem: OSError | http.client.HTTPException) -> str:
    if isinstance(problem, TimeoutError):
        return "timed out"
    if isinstance(problem, http.client.RemoteDisconnected):
        return "closed the connection"
    if isinstance(problem, http.client.HTTPException):
        return "not HTTP, or cut short"
    return problem.strerror or type(problem).__name__
