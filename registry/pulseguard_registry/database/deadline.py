"""A deadline on our side for statements: a frozen PostgreSQL answers no server-side time-out."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection, Connection

Result = TypeVar("Result")


@contextmanager
def deadline(seconds: float, connection: AsyncConnection[Any]) -> Iterator[None]:
    """Break the connection where what is awaited inside takes longer; TimeoutError then.

    For work that nobody cancels, else see `within`, which costs a task.
    """
    timer = asyncio.get_running_loop().call_later(seconds, shut_down, connection)
    try:
        yield
    except (psycopg.Error, OSError) as error:
        if timer.when() <= asyncio.get_running_loop().time():
            raise TimeoutError(f"no answer from PostgreSQL within {seconds:g} s") from error
        raise
    finally:
        timer.cancel()


async def within(
    seconds: float, connection: AsyncConnection[Any], work: Coroutine[Any, Any, Result]
) -> Result:
    """Run `work` on the connection; TimeoutError after so many seconds, the connection broken.

    Cancelling is not enough: psycopg would then ask the frozen server to cancel, and wait. The
    socket is shut down instead, which ends the statement with an error at once.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        await _break_off(connection, task)
        raise
    if done:
        return task.result()
    await _break_off(connection, task)
    raise TimeoutError(f"no answer from PostgreSQL within {seconds:g} s")


async def _break_off(connection: AsyncConnection[Any], task: asyncio.Future[Any]) -> None:
    shut_down(connection)
    # Not the statement's own error: the caller is told of the deadline.
    with suppress(psycopg.Error, OSError, TimeoutError):
        await asyncio.wait_for(task, 1)


def shut_down(connection: AsyncConnection[Any] | Connection[Any]) -> None:
    """Break the connection's socket, whoever waits on it."""
    with (
        suppress(psycopg.Error, OSError),
        socket.socket(fileno=os.dup(connection.fileno())) as handle,
    ):
        handle.shutdown(socket.SHUT_RDWR)
