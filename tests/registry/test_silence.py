"""Who is OFFLINE by silence: never because nobody listened, and not all at once."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from pulseguard_registry import upkeep
from pulseguard_registry.agents.silence import Count, Watch, end_of_hold, judge
from tests.registry.process import registry_process
from tests.registry.running import RunningRegistry, eventually, running_registry

PERIOD = timedelta(seconds=45)
BEAT = timedelta(seconds=15)
TICK = timedelta(seconds=1)
START = datetime(2026, 11, 23, tzinfo=UTC)
LONG = os.environ.get("PULSEGUARD_TEST_LONG") == "1"
FLEET = 500 if LONG else 40
# A registry in a process of its own looks every 3 s at what it has to tell of.
PERIOD_SECONDS = 6 if LONG else 1.5


class Fleet:
    """Agents that beat every 15 s, each at its own second, while somebody listens."""

    def __init__(self, size: int) -> None:
        self.now = START
        self.heard = dict.fromkeys(range(size), START)
        self.dead: set[int] = set()
        self.watch = Watch(START, START, START - 10 * PERIOD, None, 0)

    def listen(self, seconds: int) -> Iterable[set[int]]:
        """The silent at each tick of a registry that is up for so long."""
        for _ in range(seconds):
            self.now += TICK
            for agent in self.heard.keys() - self.dead:
                if (self.now - START) % BEAT == timedelta(seconds=agent % 15):
                    self.heard[agent] = self.now
            self.watch = judge(self.watch, self.count(), self.now, PERIOD)
            yield self.silent()

    def count(self) -> Count:
        """As the database counts."""
        live = [at for at in self.heard.values() if at >= self.watch.silent_before]
        late, due = self.now - PERIOD * 2 / 3, self.now - PERIOD
        return Count(len(live), sum(at < late for at in live), sum(at < due for at in live))

    def silent(self) -> set[int]:
        """As the status says."""
        before = min(self.watch.silent_before, self.now - PERIOD)
        return {agent for agent, at in self.heard.items() if at < before}


@pytest.mark.parametrize(
    ("gone", "pause", "sentence"),
    [
        (20, TICK, "20 of 23 agents, which fell silent at once, did not come back: called"),
        (0, TICK, "the silence of many agents is over: they send heartbeats again"),
        (1, TICK, "heartbeats again, but for 1, called OFFLINE from now on"),
        (20, 4 * TICK, "judged anew: nobody was listening meanwhile"),
    ],
    ids=["gone", "back", "all but one", "nobody listened"],
)
def test_it_is_told_whether_a_silence_that_was_held_is_over_or_believed(
    gone: int, pause: timedelta, sentence: str
) -> None:
    now, until = START + PERIOD, START + PERIOD + TICK
    known = Watch(now, START - PERIOD, START - PERIOD, until, 20)
    count = Count(live=23, late=gone, due=gone)

    judged = judge(known, count, now + pause, PERIOD)

    assert judged.held_until is None
    assert sentence in end_of_hold(known, judged, count)


@given(
    st.integers(1, 40),
    st.lists(
        st.tuples(st.integers(1, 100), st.integers(0, 400), st.sets(st.integers(0, 39))), max_size=4
    ),
)
def test_only_the_dead_are_ever_silent_and_all_of_them_in_the_end(
    size: int, times: list[tuple[int, int, set[int]]]
) -> None:
    fleet = Fleet(size)
    for up, down, dying in times:
        for silent in fleet.listen(up):
            assert silent <= fleet.dead
        fleet.dead |= dying & fleet.heard.keys()
        fleet.now += down * TICK

    for silent in fleet.listen(5 * 45):
        assert silent <= fleet.dead
    assert silent == fleet.dead


@given(st.integers(5, 40))
def test_many_that_fall_silent_at_once_wait_for_two_periods_more(size: int) -> None:
    fleet = Fleet(size)
    for _ in fleet.listen(100):
        pass
    fleet.dead = set(range(max(5, size // 6 + 1)))

    waited = next(second for second, silent in enumerate(fleet.listen(300)) if silent)

    assert waited >= 3 * 45 - 15
    assert fleet.silent() == fleet.dead


def agents_of(registry: RunningRegistry, size: int) -> list[uuid.UUID]:
    """So many agents, put into the inventory at one stroke."""
    registry.execute(
        "INSERT INTO agents (id, name, instance, environment, type, deployment_type)"
        " SELECT gen_random_uuid(), 'bot-' || n, '0', 'production', 'LLM_AGENT', 'LOCAL'"
        f" FROM generate_series(1, {size}) AS n"
    )
    return [agent for (agent,) in registry.rows("SELECT id FROM agents ORDER BY id")]


def beat(registry: RunningRegistry, agents: list[uuid.UUID], key: str) -> None:
    """A heartbeat of each of them, in one request."""
    beats = [{"agent_id": str(agent), "state": "working"} for agent in agents]
    answer = registry.post("/api/v1/heartbeats", {"heartbeats": beats}, key)
    assert answer.status_code == 200, answer.text
    assert {each["status"] for each in answer.json()["results"]} == {"ONLINE"}


def offline(registry: RunningRegistry) -> int:
    """How many are OFFLINE, as Prometheus reads it."""
    page = registry.get("/metrics/agents").text
    (line,) = (each for each in page.splitlines() if each.startswith(OFFLINE))
    return int(float(line.split()[-1]))


OFFLINE = 'pulseguard_registry_agents{status="OFFLINE"}'


def went_offline(registry: RunningRegistry) -> list[uuid.UUID]:
    """Of whom an event says so, once for each event."""
    query = "SELECT agent_id FROM agent_events WHERE kind = 'status_changed' AND became = 'OFFLINE'"
    return [agent for (agent,) in registry.rows(query)]


def beating(
    registry: RunningRegistry, agents: list[uuid.UUID], holds: Callable[[], object]
) -> None:
    """Let them beat, several times a period, until it holds."""
    key = registry.key("agent", environment="production")

    def beat_and_look() -> object:
        beat(registry, agents, key)
        return holds()

    eventually(beat_and_look)


def silence(registry: RunningRegistry) -> dict[str, Any]:
    """What the registry says of its judging."""
    return dict(registry.get("/api/v1/discovery/state").json()["silence"])


@contextmanager
def serving(database_url: str, folder: Path) -> Iterator[RunningRegistry]:
    """A registry that soon finds who is silent: in the long run one that is asked over HTTP."""
    if not LONG:
        with running_registry(
            database_url,
            folder,
            offline_after_seconds=PERIOD_SECONDS,
            rate_limit_per_second=100_000,
        ) as one:
            yield one
        return
    settings = {"offline_after_seconds": str(PERIOD_SECONDS), "rate_limit_per_second": "100000"}
    with (
        registry_process(folder, database_url, **settings) as process,
        httpx2.Client(base_url=process.url) as client,
    ):
        eventually(process.is_ready)
        secrets = process.data_dir / "secrets"
        # Its application is out of reach.
        yield RunningRegistry(FastAPI(), cast(TestClient, client), database_url, secrets)


def test_an_outage_of_the_registry_makes_nobody_offline_and_the_gone_are_found_afterwards(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "STATUS_SECONDS", 0.1)
    with serving(database_url, tmp_path) as registry:
        agents = agents_of(registry, FLEET)
        beating(registry, agents, lambda: registry.rows(TOLD_ONLINE) == [(FLEET,)])
        before = silence(registry)["judged_from"]
        assert offline(registry) == 0
    down_since = time.monotonic()
    eventually(lambda: time.monotonic() - down_since > 3 * PERIOD_SECONDS)

    with serving(database_url, tmp_path) as registry:
        back_since = time.monotonic()
        seen = [offline(registry)]
        assert silence(registry)["judged_from"] > before
        # They come back as late as they may.
        while time.monotonic() - back_since < 0.6 * PERIOD_SECONDS:
            seen.append(offline(registry))

        def are_the_gone_found() -> bool:
            seen.append(offline(registry))
            return seen[-1] == 2 and len(went_offline(registry)) >= 2

        beating(registry, agents[2:], are_the_gone_found)
        gone = registry.get("/api/v1/agents", params={"status": "OFFLINE"}).json()["items"]
        told = went_offline(registry)

    assert set(seen) == {0, 2}
    assert {agent["id"] for agent in gone} == {str(agent) for agent in agents[:2]}
    assert sorted(told) == sorted(agents[:2])


TOLD_ONLINE = "SELECT count(*) FROM agent_told WHERE status = 'ONLINE'"


def test_a_fleet_that_falls_silent_at_once_is_not_offline_for_two_periods_more(
    database_url: str, tmp_path: Path
) -> None:
    with running_registry(database_url, tmp_path, offline_after_seconds=1) as registry:
        agents = agents_of(registry, 8)
        judged = time.monotonic()
        beating(registry, agents, lambda: time.monotonic() - judged > 2)

        eventually(lambda: offline(registry) or silence(registry)["held_until"])
        held_since = time.monotonic()
        page = registry.get("/metrics").text
        assert "pulseguard_registry_silence_held_back_agents 8.0" in page
        eventually(lambda: offline(registry))

        assert 1.5 < time.monotonic() - held_since < 6
        assert offline(registry) == 8
        assert silence(registry)["held_until"] is None


def test_replicas_recreated_cleanly_are_the_same_agents_and_the_same_list(
    registry: RunningRegistry,
) -> None:
    names = [f"replica-{number}" for number in range(20)]
    agents = [registry.register(name)["id"] for name in names]
    eventually(lambda: len(registry.targets()) == 20)
    whole = registry.targets()

    for _ in range(3):
        for name, agent in zip(names, agents, strict=True):
            registry.post(f"/api/v1/agents/{agent}/heartbeat", {"goodbye": True})
            assert registry.register(name)["id"] == agent
            assert len(registry.targets()) >= 19

    eventually(lambda: registry.targets() == whole)
    items = registry.get("/api/v1/agents").json()["items"]
    assert {agent["id"] for agent in items} == set(agents)
    assert "silent" not in {agent["status_reason"] for agent in items}
    assert registry.get("/api/v1/discovery/state").json()["holds"] == 0
