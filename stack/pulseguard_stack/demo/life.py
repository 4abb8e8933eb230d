"""The life of a demo agent: one task after another until a signal, whatever fails in between."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from random import Random

from openai import AsyncOpenAI, DefaultAsyncHttpxClient, OpenAIError

from pulseguard import Agent
from pulseguard.guard import OncePerMinute
from pulseguard_stack.demo.burst import Bursts
from pulseguard_stack.demo.model_calls import ModelCalls
from pulseguard_stack.demo.settings import Settings
from pulseguard_stack.demo.worker import Desk, Profile, Worker, draw_mishap

_SHORTEST_SECONDS = 2.0
_LONGEST_SECONDS = 6.0
_CALL_TIMEOUT_SECONDS = 15.0
# For the goodbye and a last scrape, so that the process has ended after two seconds.
_STOP_SECONDS = 1.5


async def live(
    kind: type[Worker], settings: Settings, environ: Mapping[str, str], run_id: str
) -> None:
    """Works until SIGTERM or SIGINT, then says goodbye; SIGUSR1 asks for a burst.

    `run_id` makes the ids of this life's calls unlike those of any other.
    """
    agent = make_agent(kind.profile, environ)
    async with make_client(settings) as client:
        desk = make_desk(kind.profile, agent, client, settings, run_id)
        bursts = Bursts(desk, kind.profile.model, settings.burst)
        _take_signals(bursts.request)
        agent.start()
        announce(agent, settings)
        try:
            with suppress(asyncio.CancelledError):
                await work(kind(desk), desk, bursts)
        finally:
            agent.stop(_STOP_SECONDS)


def make_agent(profile: Profile, environ: Mapping[str, str]) -> Agent:
    """The agent as the registry will know it; registry, key and environment are in `environ`."""
    return Agent(
        profile.name,
        version=profile.version,
        type=profile.type,
        team=profile.team,
        description=f"simulated fleet: demo agent, {profile.purpose}",
        framework="openai",
        tags=("demo", "simulated"),
        config={"model": profile.model.name, "tools": list(profile.tools)},
        # Five on one host, and the default port is for the user's own agent.
        metrics_port=None if environ.get("PULSEGUARD_METRICS_PORT") else 0,
    )


def make_client(settings: Settings) -> AsyncOpenAI:
    """The real client, pointed at the simulated server."""
    return AsyncOpenAI(
        base_url=settings.base_url,
        api_key="simulated",
        timeout=_CALL_TIMEOUT_SECONDS,
        max_retries=2,
        # A proxy that is set for the wide world cannot reach a server on this machine.
        http_client=DefaultAsyncHttpxClient(trust_env=False),
    )


def make_desk(
    profile: Profile, agent: Agent, client: AsyncOpenAI, settings: Settings, run_id: str
) -> Desk:
    """What the worker needs; seed and name decide all of its luck."""
    luck = Random(f"{settings.seed}-{profile.name}")
    mishap = partial(draw_mishap, profile.mishaps, Random(f"{settings.seed}-{profile.name}-mishap"))
    calls = ModelCalls(agent, client, f"{profile.name}-{run_id}", mishap)
    return Desk(agent, calls, luck, settings.pace)


async def work(worker: Worker, desk: Desk, bursts: Bursts) -> None:
    """Does tasks, and beside them the bursts that are asked for, until cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(do_tasks(worker, desk))
        group.create_task(bursts.serve())


async def do_tasks(worker: Worker, desk: Desk) -> None:
    """One task every two to six seconds; one that fails is measured, logged and survived."""
    journal = OncePerMinute()
    clock = asyncio.get_running_loop().time
    while True:
        next_at = clock() + desk.luck.uniform(_SHORTEST_SECONDS, _LONGEST_SECONDS) * desk.pace
        try:
            with desk.agent.task():
                await worker.do_task()
        except OpenAIError as error:
            kind = type(error).__name__
            journal.write(kind, f"a task of {desk.agent.name} failed: {kind}: {error!s:.200}")
        await asyncio.sleep(max(next_at - clock(), 0))


def announce(agent: Agent, settings: Settings) -> None:
    """Says on standard output what this is and where it is measured."""
    sys.stdout.write(
        f"simulated fleet: demo agent {agent.name}, http://{agent.metrics_address}/metrics, "
        f"model server {settings.base_url}\n"
    )
    sys.stdout.flush()


def _take_signals(burst: Callable[[], None]) -> None:
    loop, this = asyncio.get_running_loop(), asyncio.current_task()

    def stop() -> None:
        # A second cancellation could meet the task after it had dealt with the first.
        if this and not this.cancelling():
            this.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGUSR1, burst)
