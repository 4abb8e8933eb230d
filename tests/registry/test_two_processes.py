"""Two processes that beat as one agent: told from restarts, shown, and over when one is silent."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.registry.events import change, events, heartbeat
from tests.registry.problems import assert_problem
from tests.registry.running import RunningRegistry, eventually
from tests.registry.test_metrics import scrape

AGENTS = "/api/v1/agents"
SERIES = "pulseguard_registry_agent_two_processes"
_names = (f"agent-{number}" for number in itertools.count())


@pytest.fixture
def registry(watchful_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these: each has agents of its own."""
    return watchful_registry


@pytest.fixture
def agent_id(registry: RunningRegistry) -> Iterator[str]:
    """An agent of which nothing is left to the next test."""
    agent_id = str(registry.register(next(_names))["id"])
    yield agent_id
    heartbeat(registry, agent_id, goodbye=True)


def beat_in_turn(registry: RunningRegistry, agent_id: str, processes: str) -> None:
    """Each letter is a process that beats, each small one says goodbye and the agent registers
    again; a dot is one that does not say which it is; what is in brackets comes in one request."""
    batch: list[dict[str, object]] | None = None
    for letter in processes:
        if letter == "[":
            batch = []
        elif letter == "]":
            assert registry.post("/api/v1/heartbeats", {"heartbeats": batch}).status_code == 200
            batch = None
        else:
            process = {} if letter == "." else {"process": f"web-1:{letter.upper()}:0123"}
            if batch is not None:
                batch.append({"agent_id": agent_id, **process})
            else:
                heartbeat(registry, agent_id, goodbye=letter.islower(), **process)
            if letter.islower():
                agent = registry.get(f"{AGENTS}/{agent_id}").json()
                registry.register(agent["name"])


def two_of(registry: RunningRegistry, agent_id: str) -> set[str]:
    """The letters of the processes that beat as this agent, where there are two."""
    health = registry.get(f"{AGENTS}/{agent_id}/health").json()
    assert ("two_processes" in health["disagreements"]) == bool(health["processes"])
    return {name.split(":")[1] for name in health["processes"]}


@pytest.mark.parametrize(
    ("processes", "two"),
    [
        ("AAAA", ""),
        ("AAABBB", ""),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", ""),
        ("ABA", "AB"),
        ("AABBA", "AB"),
        ("ABCABC", "BC"),
        ("ABCDEFGHABCDEFGH", "GH"),
        ("A.A.", ""),
        ("....", ""),
        ("A.B.A", "AB"),
        ("ABBBaBBB", ""),
        ("ABAaBBB", ""),
        ("ABAaBAB", "AB"),
        ("[AB][AB][AB]", "AB"),
        ("[AAB][BB][B]", ""),
        ("[.A][A.]", ""),
        # What was looked out for has ended long ago.
        ("ABCDEFG" + "YZ" * 16, "YZ"),
    ],
)
def test_processes_that_come_back_are_two_and_new_ones_are_restarts(
    registry: RunningRegistry, agent_id: str, processes: str, two: str
) -> None:
    beat_in_turn(registry, agent_id, processes)

    assert two_of(registry, agent_id) == set(two)


def test_two_processes_are_shown_everywhere_until_one_is_silent_for_a_period(
    registry: RunningRegistry, agent_id: str
) -> None:
    def shown() -> list[dict[str, object]]:
        items = registry.get("/api/v1/system/disagreements").json()["items"]
        return [item for item in items if item["kind"] == "two_processes"]

    def told() -> list[object]:
        kinds = {"kind": ["two_processes_began", "two_processes_ended"]}
        return [event["detail"] for event in events(registry, agent_id, **kinds)]

    def measured() -> list[object]:
        samples = scrape(registry, "/metrics/agents").items()
        return [(dict(labels)["agent_id"], v) for (name, labels), v in samples if name == SERIES]

    beat_in_turn(registry, agent_id, "ABA")
    both = ["web-1:A:0123", "web-1:B:0123"]
    began = {"processes": both}
    (item,) = shown()
    assert (item["agent_id"], item["status"], item["processes"]) == (agent_id, "ONLINE", both)
    assert measured() == [(agent_id, 1)]
    eventually(lambda: told() == [began])

    # Planned work explains it.
    registry.execute(
        f"UPDATE agents SET maintenance_until = now() + interval '1 h' WHERE id = '{agent_id}'"
    )
    assert (shown(), measured(), two_of(registry, agent_id)) == ([], [], set())
    eventually(lambda: told() == [began, {}])
    change(registry, "DELETE", f"{agent_id}/maintenance")
    eventually(lambda: told() == [began, {}, began])

    registry.execute("UPDATE agent_processes SET returned_at = now() - interval '46 s'")
    assert (shown(), measured(), two_of(registry, agent_id)) == ([], [], set())
    eventually(lambda: told() == [began, {}, began, {}])
    # It was seen all the time: since when its status is so has not changed with that.
    statuses = registry.rows(
        "SELECT at FROM agent_events WHERE kind = 'status_changed' AND became = 'ONLINE'"
        f" AND agent_id = '{agent_id}' ORDER BY id DESC LIMIT 1"
    )
    assert (
        registry.rows(f"SELECT told_at FROM agent_told WHERE agent_id = '{agent_id}'") == statuses
    )


@pytest.mark.parametrize(
    ("requests", "is_stopped"),
    [
        ("A a", True),
        ("A ,", True),
        ("A B a", False),
        ("A B a b", True),
        ("A B a ,", True),
        ("Aa", True),
        ("A aB", False),
        ("A Ba", False),
        ("A B aB", False),
        ("A B Ba", False),
        ("A B ab", True),
        ("A B ba", True),
        ("A bA", False),
        ("A Bb", True),
        ("A BAb", False),
        ("A Bab", True),
        ("A bb", False),
        # What a relay has held back of A, which is dead.
        ("A B AB b", True),
        ("A B BA b", True),
        ("A B C CB c", True),
    ],
)
def test_the_goodbye_of_a_process_that_another_has_followed_stops_nobody(
    registry: RunningRegistry, agent_id: str, requests: str, is_stopped: bool
) -> None:
    """Each word is a request; letters as above, and a comma is a goodbye that does not say whose
    it is."""
    for letters in requests.split():
        beats = [
            {
                "agent_id": agent_id,
                **({} if letter == "," else {"process": f"web-1:{letter.upper()}:0123"}),
                **({} if letter.isupper() else {"goodbye": True, "state": "draining"}),
            }
            for letter in letters
        ]
        assert registry.post("/api/v1/heartbeats", {"heartbeats": beats}).status_code == 200

    agent = registry.get(f"{AGENTS}/{agent_id}").json()
    assert (agent["stopped_at"] is not None) == is_stopped
    assert agent["state"] == ("draining" if is_stopped else "idle")


@pytest.mark.parametrize("order", [("old", "new"), ("new", "old")])
@pytest.mark.parametrize("heard", [("old",), ("old", "new")])
def test_of_two_processes_in_one_request_the_newest_counts_whatever_their_order(
    registry: RunningRegistry, agent_id: str, heard: tuple[str, ...], order: tuple[str, ...]
) -> None:
    states = {"old": "failed", "new": "working"}
    for process in heard:
        heartbeat(registry, agent_id, process=process)

    beats = [{"agent_id": agent_id, "process": one, "state": states[one]} for one in order]
    assert registry.post("/api/v1/heartbeats", {"heartbeats": beats}).status_code == 200

    assert registry.get(f"{AGENTS}/{agent_id}").json()["state"] == "working"


@pytest.mark.parametrize("process", ["", "a b", "\x00", "ü", "x" * 121, 7])
def test_a_process_is_named_in_one_word(
    registry: RunningRegistry, agent_id: str, process: object
) -> None:
    answer = registry.post(f"{AGENTS}/{agent_id}/heartbeat", {"process": process})

    assert_problem(answer, 422, "process")
