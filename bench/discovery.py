"""The target list of 10,000 agents: served, and rebuilt after a change."""

import asyncio
import time
from collections.abc import Iterator

import psycopg

from bench.fleet import AGENTS, Request, fleet_database, serving
from bench.rounds import Amount, Result, scaled
from pulseguard_registry.database.connecting import connect
from pulseguard_registry.discovery.follower import TargetFollower

TARGETS = Request("GET", "/api/v1/discovery/targets")
ROUNDS = 40
BEAT_SECONDS = 0.001
CHANGE = "UPDATE agents SET version = version || '.', team = %s WHERE instance = 'web-1'"


def run() -> Iterator[Result]:
    """Each by itself: what is promised are milliseconds."""
    with fleet_database() as url:
        built, rebuilt, blocked = asyncio.run(_rebuilt(url))
        yield Amount("target list of 10,000 agents built from nothing", "ms", [built * 1e3])
        yield Amount("target list of 10,000 agents rebuilt", "ms", scaled(rebuilt, 1e3), 50)
        yield Amount("event loop held up meanwhile", "ms", scaled(blocked, 1e3), 10)
        with serving(url) as registry:
            served = [registry.seconds(TARGETS) for _ in range(ROUNDS)]
        yield Amount("target list of 10,000 agents served", "ms", scaled(served, 1e3), 2.0)


async def _rebuilt(url: str) -> tuple[float, list[float], list[float]]:
    """Seconds of the first build, of each rebuild after one agent has changed, and the longest
    pause of the loop."""
    follower = TargetFollower((), 900)
    connection = await connect(url)
    seconds, pauses = [], []
    async with connection:
        began = time.perf_counter()
        await _reload(follower, connection)
        first = time.perf_counter() - began
        for number in range(ROUNDS):
            await connection.execute(CHANGE, [f"team-{number}"])
            longest = [0.0]
            beating = asyncio.create_task(_beat(longest))
            began = time.perf_counter()
            await _reload(follower, connection)
            seconds.append(time.perf_counter() - began)
            beating.cancel()
            pauses.append(longest[0])
    assert follower.current is not None
    assert follower.current.count == AGENTS
    return first, seconds, pauses


async def _reload(follower: TargetFollower, connection: psycopg.AsyncConnection) -> None:
    async with connection.transaction():
        await follower.reload(connection)


async def _beat(longest: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(BEAT_SECONDS)
        longest[0] = max(longest[0], time.perf_counter() - began - BEAT_SECONDS)
