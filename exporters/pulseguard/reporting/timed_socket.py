"""A connection that has to be done by a deadline: whoever sends byte by byte holds nobody up."""

import io
import socket
import time
from collections.abc import Callable


class TimedSocket:
    """What http.client needs of a socket. TimeoutError after the deadline (monotonic)."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._connected = connected
        self._deadline = deadline

    def sendall(self, content: bytes) -> None:
        self._hurry()
        self._connected.sendall(content)

    def makefile(self, mode: str) -> io.BufferedReader:
        """What is received, to be read."""
        received = self._connected.makefile("rb", buffering=0)
        return io.BufferedReader(_Received(received, self._hurry))

    def close(self) -> None:
        self._connected.close()

    def _hurry(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("it took too long")
        self._connected.settimeout(left)


class _Received(io.RawIOBase):
    def __init__(self, received: io.RawIOBase | socket.SocketIO, hurry: Callable[[], None]) -> None:
        self._received = received
        self._hurry = hurry

    def readable(self) -> bool:
        return True

    # The buffer is what BufferedReader hands in; the type for it is newer than Python 3.11.
    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]
        self._hurry()
        count: int | None = self._received.readinto(buffer)
        return count

    def close(self) -> None:
        self._received.close()
        super().close()
