"""A TCP door to PostgreSQL's socket that can be shut, or swallow everything."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

Mode = Literal["open", "shut", "black hole"]


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
                server.connect(str(self._target))
                self._pairs += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError), source, sink:
            while data := source.recv(65536):
                if self._mode == "open":
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
