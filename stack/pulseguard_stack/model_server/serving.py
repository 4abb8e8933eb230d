"""Runs the application in uvicorn until a signal, and then stops within a second."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from pulseguard_stack.model_server.application import NAME
from pulseguard_stack.model_server.connection import Connections, HangUpProtocol


def serve(application: Starlette, connections: Connections, listener: socket.socket) -> None:
    """Serves on a listening socket until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http=HangUpProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        headers=[("Server", NAME)],
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
    )
    _Server(config, connections).run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self._connections = connections

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own would wait for stalled requests, and then die of the signal again.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        self.should_exit = True
        self._connections.stop()
