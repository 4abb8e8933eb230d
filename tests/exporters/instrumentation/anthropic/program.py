"""An agent that goes through all scenarios: `program.py QUICK SLOW measured|plain` prints JSON.

A program of its own, because the tests need it with either major version of the client, and with
and without instrumentation.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import anthropic

from pulseguard import Agent
from pulseguard.instrumentation import instrument
from tests.exporters.instrumentation.anthropic.async_ways import async_scenarios
from tests.exporters.instrumentation.anthropic.seeing import Seen
from tests.exporters.instrumentation.anthropic.sync_ways import sync_scenarios
from tests.exporters.observing import samples, scrape

Scenarios = dict[str, Callable[[], Seen]]


def main(quick: str, slow: str, how: str) -> None:
    """Runs everything, in the order of the scenarios."""
    with asyncio.Runner() as runner:
        scenarios = {**sync_scenarios(quick, slow), **async_scenarios(quick, slow, runner)}
        told = measured(scenarios) if how == "measured" else plain(scenarios)
    sys.stdout.write(json.dumps({"version": anthropic.__version__, **told}))


def plain(scenarios: Scenarios) -> dict[str, Any]:
    """What the callers see without instrumentation."""
    return {"seen": {name: run() for name, run in scenarios.items()}}


def measured(scenarios: Scenarios) -> dict[str, Any]:
    """What they see with it, by how much the numbers of the agent grow, and how long it takes."""
    instrument("anthropic", strict=True)
    seen, numbers, seconds = {}, {}, {}
    with Agent("claude-user", strict=True, metrics_port=0, heartbeat_seconds=60) as agent:
        before = scrape(agent).splitlines()
        for name, run in scenarios.items():
            started = time.perf_counter()
            seen[name] = run()
            seconds[name] = time.perf_counter() - started
            now = scrape(agent).splitlines()
            numbers[name] = _growth(before, now)
            before = now
    return {"seen": seen, "numbers": numbers, "seconds": seconds}


def _growth(before: list[str], now: list[str]) -> list[Any]:
    # Of the lines that changed alone: to parse whole pages takes longer than the calls.
    changed = {*before} ^ {*now}
    told, grown = (
        samples("\n".join(line for line in page if line in changed)) for page in (before, now)
    )
    return [
        [name, dict(labels), by]
        for (name, labels), value in grown.items()
        if (by := value - told.get((name, labels), 0.0))
    ]


if __name__ == "__main__":
    # What was imported stays: the scenarios collect what they left, and need not look at it again.
    gc.freeze()
    main(*sys.argv[1:])
