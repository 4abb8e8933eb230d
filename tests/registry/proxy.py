"""A TCP door to PostgreSQL's socket that can be shut, swallow, delay or cut what is said."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

Mode = Literal["open", "shut", "black hole", "slow", "reset"]
SLOW_SECONDS = 2.5
# SO_LINGER of no time: closing sends a reset.
_RESET = struct.pack("ii", 1, 0)


class Door:
    """Listens on a port of its own unless it is shut."""

    def __init__(self, target: Path, mode: Mode) -> None:
        self._target = target
        self._listener: socket.socket | None = None
        self._pairs: list[socket.socket] = []
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._mode: Mode = "shut"
        self.set(mode)

    def set(self, mode: Mode) -> None:
        """Change what happens to connections, those that are open too (they are cut if shut)."""
        self._mode = mode
        if mode == "shut":
            self._close()
        elif self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _close(self) -> None:
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for end in self._pairs:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.socket(socket.AF_UNIX)
                try:
                    server.connect(str(self._target))
                except OSError:  # PostgreSQL is not there, and this door is still
                    client.close()
                    server.close()
                    continue
                self._pairs += [client, server]
                for ends in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._copy, args=ends, daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        with suppress(OSError), source, sink:
            while data := source.recv(65536):
                if self._mode == "reset" and is_answer:
                    sink.sendall(data[: len(data) // 2])
                    sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    sink.shutdown(socket.SHUT_RD)  # whoever reads it would keep it open
                    return
                if self._mode == "slow" and is_answer:
                    time.sleep(SLOW_SECONDS)
                if self._mode != "black hole":
                    sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def door(target: Path, mode: Mode) -> Iterator[Door]:
    """A Door, shut at the end."""
    one = Door(target, mode)
    try:
        yield one
    finally:
        one.set("shut")
