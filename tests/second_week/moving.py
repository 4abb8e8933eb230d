"""Moves the clocks of programs that run, as an operator sets that of a host."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import psutil

from tests.second_week.vdso import move_clock
from tests.started_program import eventually


def move_clocks(processes: Iterable[psutil.Process], seconds: int) -> None:
    """Have all go so many seconds ahead of the machine's, before any of them goes on."""
    stopped: list[psutil.Process] = []
    try:
        for process in processes:
            stopped.append(process)
            process.suspend()
            if eventually(partial(_how_it_stands, process)) == psutil.STATUS_STOPPED:
                with _as_its_user(process):
                    move_clock(process.pid, seconds)
    finally:
        for process in stopped:
            process.resume()


def _how_it_stands(process: psutil.Process) -> str:
    """Empty while it goes on: a signal takes its time."""
    status = process.status()
    return status if status in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE) else ""


@contextmanager
def _as_its_user(process: psutil.Process) -> Iterator[None]:
    """In a container root may not look into another user's program."""
    user, group = os.geteuid(), os.getegid()
    if process.uids().real == user:
        yield
        return
    os.setegid(process.gids().real)
    os.seteuid(process.uids().real)
    try:
        yield
    finally:
        os.seteuid(user)
        os.setegid(group)
