"""Whether the registry answers at all, asked at its own address as a client would."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from typing import Final

import uvicorn

from pulseguard.watchdog import Watchdog, Watched
from pulseguard_registry import API_PREFIX

LIVENESS: Final = f"{API_PREFIX}/health"
LOOK_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 5.0
# Half a minute in which nobody else was answered either.
LOOKS: Final = 6


def answer_watchdog(server: uvicorn.Server, listener: socket.socket) -> Watchdog:
    """What ends this process where its server answers no more; not started yet."""
    answer = OwnAnswer(listener, is_ending=lambda: server.should_exit)
    watched = Watched(f"{answer.url} has not answered", answer.goes_on, looks=LOOKS)
    return Watchdog([watched], period_seconds=LOOK_SECONDS)


class OwnAnswer:
    """What a server that listens here answers; once it was asked to end it need not any more."""

    def __init__(self, listener: socket.socket, *, is_ending: Callable[[], bool]) -> None:
        self._host, self._port = _reachable(listener)
        self._is_ending = is_ending
        self._has_answered = False
        host = f"[{self._host}]" if ":" in self._host else self._host
        self.url = f"http://{host}:{self._port}{LIVENESS}"

    def goes_on(self) -> bool:
        """Whether it answers, or is not to be expected to: before its first answer it starts."""
        return self._is_turning() or not self._has_answered or self._is_ending()

    def _is_turning(self) -> bool:
        # From the same address: where the network took it away, that is what fails, and at once.
        connection = http.client.HTTPConnection(
            self._host, self._port, timeout=ANSWER_SECONDS, source_address=(self._host, 0)
        )
        try:
            connection.request("GET", LIVENESS, headers={"User-Agent": "pulseguard-watchdog"})
            connection.getresponse()
            self._has_answered = True
        except (TimeoutError, ConnectionRefusedError):
            return False
        except (OSError, http.client.HTTPException):
            # Cut off, or no descriptor left to ask with: too much is to be done, and it is done.
            return True
        finally:
            connection.close()
        return True


def _reachable(listener: socket.socket) -> tuple[str, int]:
    host, port = listener.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port
