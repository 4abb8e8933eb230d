"""Waits, where the sender of a change asks for it, until Prometheus has it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Query, Request
from pydantic import BeforeValidator, WithJsonSchema
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.concurrency import run_in_threadpool

from pulseguard_registry.database.engine import Database
from pulseguard_registry.durations import read_duration
from pulseguard_registry.rules.loading import Report, Target, read_reports, settled

LONGEST: Final = timedelta(seconds=30)
LOOK_SECONDS: Final = 0.1


def _wait(given: object) -> timedelta:
    try:
        length = read_duration(str(given))
    except OverflowError:
        length = LONGEST * 2
    if length is None or length > LONGEST:
        raise ValueError("is no duration up to 30s; give one such as 10s or 500ms")
    return length


_Waiting = Annotated[
    timedelta, BeforeValidator(_wait), WithJsonSchema({"type": "string", "examples": ["10s"]})
]
Wait = Annotated[
    _Waiting | None,
    Query(
        description="How long to wait, 30s at most, until each Prometheus that told within a minute"
        " has loaded or rejected this change.",
    ),
]


async def reports_after(
    request: Request, targets: Sequence[Target], wait: timedelta | None
) -> list[Report]:
    """What is told of each Prometheus once these have settled, or the time is over.

    The change is committed: whatever happens here takes nothing of it back.
    """
    only = targets[0].group_id if len(targets) == 1 else None
    ends_at = time.monotonic() + (wait or timedelta()).total_seconds()
    reports: list[Report] = []
    while True:
        try:
            reports = await run_in_threadpool(_read, request.app.state.database, only)
        except (DBAPIError, PoolTimeout):
            return reports
        if time.monotonic() >= ends_at or settled(targets, reports):
            return reports
        await asyncio.sleep(LOOK_SECONDS)


def _read(database: Database, only: uuid.UUID | None) -> list[Report]:
    with database.sessions() as session:
        return read_reports(session, only)
