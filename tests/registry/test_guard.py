"""The guard: no list gets short in a heap without a goodbye, a release, or the grace time."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pulseguard_registry.discovery.guard import Hold, Left, Served, decide, excused_of
from pulseguard_registry.discovery.targets import Target
from tests.registry.running import RunningRegistry, eventually, running_registry

GRACE = timedelta(seconds=120)
MINUTE = timedelta(seconds=60)
START = datetime(2026, 11, 23, tzinfo=UTC)
AGENTS = [f"agent-{number:02}" for number in range(24)]
STATE = "/api/v1/discovery/state"
TARGETS = "/api/v1/discovery/targets"
RELEASE = "/api/v1/discovery/release"

# What may befall the inventory, each after some seconds: agents come, vanish, say goodbye.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["come", "vanish", "goodbye", "wait"]),
        st.sets(st.sampled_from(AGENTS), min_size=1, max_size=24),
        st.sampled_from([0, 1, 20, 59, 61, 130]),
    ),
    min_size=1,
    max_size=12,
)
# Within a minute, seconds apart: how many vanish, and how many say goodbye.
LEAVING = st.lists(
    st.tuples(st.sampled_from([0, 1, 14]), st.integers(0, 5), st.integers(0, 2)),
    min_size=1,
    max_size=4,
)


def target(agent: str) -> Target:
    """A target of this agent."""
    return Target("10.0.0.7:9464", agent, "a", "i", "LLM_AGENT", "production", "", {})


def of(agents: Set[str]) -> Mapping[str, Target]:
    """The inventory of these agents."""
    return {agent: target(agent) for agent in agents}


@given(STEPS)
def test_never_a_short_list_without_a_goodbye_or_the_end_of_the_grace_time(
    steps: list[tuple[str, set[str], int]],
) -> None:
    now, inventory, said_goodbye = START, set(AGENTS), set[str]()
    served = decide(Served(), of(inventory), set(), now, GRACE)
    history = [(now, set(served.targets))]
    for what, agents, seconds in steps:
        now += timedelta(seconds=seconds)
        inventory = inventory | agents if what == "come" else inventory
        inventory = inventory - agents if what in ("vanish", "goodbye") else inventory
        said_goodbye = said_goodbye | agents if what == "goodbye" else said_goodbye - inventory
        was_held = served.hold
        served = decide(served, of(inventory), said_goodbye, now, GRACE)
        if was_held and was_held.until <= now:
            history.clear()  # whatever leaves now has waited long enough

        seen = {agent for at, agents in history if now - at < MINUTE for agent in agents}
        before = seen - said_goodbye
        lost = before - served.targets.keys()
        assert len(lost) < 5 or 2 * len(lost) <= len(before)
        assert inventory <= served.targets.keys()
        assert not served.targets.keys() & said_goodbye
        assert (served.hold is not None) == bool(served.held)
        assert served.hold is None or now < served.hold.until
        history.append((now, set(served.targets)))


def test_what_comes_back_ends_the_hold_and_what_does_not_leaves_after_the_grace_time() -> None:
    whole = decide(Served(), of(set(AGENTS)), set(), START, GRACE)
    held = decide(whole, of(set(AGENTS[:5])), set(), START, GRACE)
    later = START + GRACE

    assert held.targets == whole.targets
    assert decide(held, of(set(AGENTS)), set(), later, GRACE) == whole
    assert decide(held, of(set(AGENTS[:5])), set(), later, GRACE) == Served(of(set(AGENTS[:5])))
    assert held == decide(held, of(set(AGENTS[:5])), set(), later - MINUTE, GRACE)


@given(st.integers(5, 15), LEAVING)
def test_a_fall_within_a_minute_is_held_whole_in_whatever_order_and_less_than_one_is_not(
    size: int, leaving: list[tuple[int, int, int]]
) -> None:
    now, there, vanished, said_goodbye = START, set(AGENTS[:size]), set[str](), set[str]()
    served = decide(Served(), of(there), set(), now, GRACE)
    order = iter(AGENTS[:size])
    for seconds, vanishing, polite in leaving:
        now += timedelta(seconds=seconds)
        vanished |= set(islice(order, vanishing))
        said_goodbye |= set(islice(order, polite))
        there -= vanished | said_goodbye
        served = decide(served, of(there), said_goodbye, now, GRACE)

    is_a_fall = len(vanished) >= 5 and 2 * len(vanished) > size - len(said_goodbye)
    assert served.held == (vanished if is_a_fall else set())
    assert served.targets == of(there | served.held)
    released = replace(served, hold=Hold(START, now) if is_a_fall else None)
    assert decide(released, of(there), said_goodbye, now, GRACE).targets == of(there)


def test_neither_new_agents_nor_some_that_are_back_let_the_rest_of_a_fall_go() -> None:
    served = decide(Served(), of(set(AGENTS)), set(), START, GRACE)
    back = set(AGENTS[:5])
    for come in ({f"new-{number}" for number in range(40)}, set(AGENTS[:23]), set()):
        back |= come
        served = decide(served, of(back), set(), START, GRACE)
        assert served.targets == of(back | set(AGENTS))
        assert served.held == set(AGENTS) - back


def test_who_is_back_at_a_new_address_is_a_target_once_and_there() -> None:
    whole = decide(Served(), of(set(AGENTS)), set(), START, GRACE)
    half = decide(whole, of(set(AGENTS[12:])), set(), START, GRACE)
    moved = {AGENTS[0]: target(AGENTS[0])._replace(address="10.0.0.8:9464")}

    held = decide(half, {**of(set(AGENTS[13:])), **moved}, set(), START, GRACE)

    assert half.targets == of(set(AGENTS[12:]))
    assert held.targets == {**of(set(AGENTS)), **moved}
    assert held.held == set(AGENTS[1:13])


def test_a_goodbye_and_an_operators_word_excuse_and_many_retired_at_one_stroke_do_not() -> None:
    def retired(number: int, *, at_once: bool) -> Left:
        return Left(AGENTS[number], None, START + timedelta(seconds=0 if at_once else number))

    goodbyes = [Left(agent, START, None) for agent in AGENTS]

    assert excused_of(goodbyes) == set(AGENTS)
    assert excused_of(retired(number, at_once=False) for number in range(6)) == set(AGENTS[:6])
    assert excused_of(retired(number, at_once=True) for number in range(6)) == set()
    assert excused_of([Left(AGENTS[0], None, None)]) == set()


def etag(registry: RunningRegistry) -> str:
    """The list that is served, whichever it is, but it is served."""
    answer = registry.get(TARGETS)
    assert answer.status_code == 200
    return str(answer.headers["etag"])


def state(registry: RunningRegistry) -> dict[str, Any]:
    """What discovery says of itself."""
    return dict(registry.get(STATE, registry.key("prometheus")).json())


def with_fleet(registry: RunningRegistry) -> str:
    """Eight agents as targets; returns their ETag."""
    for number in range(8):
        registry.register(f"agent-{number}")
    eventually(lambda: state(registry)["targets"] == 8)
    return etag(registry)


def test_a_fall_is_held_back_for_all_registries_and_over_a_restart_until_it_is_released(
    database_url: str, tmp_path: Path
) -> None:
    with running_registry(database_url, tmp_path) as registry:
        whole = with_fleet(registry)
        gone = registry.rows("SELECT id::text FROM agents WHERE name > 'agent-1' ORDER BY id")
        registry.execute("DELETE FROM agents WHERE name > 'agent-4'")
        eventually(lambda: state(registry)["targets"] == 5)

    with running_registry(database_url, tmp_path) as registry:
        registry.register("agent-5")
        eventually(lambda: state(registry)["targets"] == 6)
        registry.execute("DELETE FROM agents WHERE name > 'agent-1'")
        eventually(lambda: state(registry)["held_back"])
        assert etag(registry) == whole
        page = registry.get("/metrics").text
        assert "pulseguard_registry_sd_held_back_targets 6.0" in page
        assert "pulseguard_registry_sd_holds_total 1.0" in page
        with running_registry(database_url, tmp_path) as other:
            assert etag(other) == whole
            held = state(other)["held_back"]
        assert [(agent,) for agent in held["agents"]] == gone
        registry.register("a-ninth")
        eventually(lambda: state(registry)["targets"] == 9)
        registry.execute("DELETE FROM agents WHERE name = 'agent-1'")
        eventually(lambda: state(registry)["held_back"]["targets"] == 7)

        released = registry.post(RELEASE, None, registry.key("editor"))

        assert released.json() == {"released": 7}
        eventually(lambda: state(registry)["targets"] == 2)
        assert registry.post(RELEASE, None).json() == {"released": 0}
        said = state(registry)
        assert (said["held_back"], said["holds"]) == (None, 1)
        assert (said["last_release"]["by"], said["last_release"]["targets"]) == ("editor", 7)
        assert not said["in_doubt"]


def test_the_grace_time_lets_a_fall_through_without_anybody(
    database_url: str, tmp_path: Path
) -> None:
    with running_registry(database_url, tmp_path, discovery_grace_seconds=2) as registry:
        whole = with_fleet(registry)
        registry.execute("UPDATE agents SET retired_at = now()")
        eventually(lambda: state(registry)["held_back"])
        assert etag(registry) == whole

        eventually(lambda: state(registry)["targets"] == 0, seconds=6)
        assert state(registry)["last_release"] is None


def test_goodbyes_and_retirements_by_an_operator_leave_at_once(registry: RunningRegistry) -> None:
    with_fleet(registry)
    agents = [agent["id"] for agent in registry.get("/api/v1/agents").json()["items"]]

    for agent in agents[:4]:
        registry.post(f"/api/v1/agents/{agent}/heartbeat", {"goodbye": True})
    for agent in agents[4:]:
        registry.delete(f"/api/v1/agents/{agent}")

    eventually(lambda: state(registry)["targets"] == 0, seconds=3)
    assert state(registry)["holds"] == 0


def test_a_database_put_back_to_before_is_a_fall_as_well(registry: RunningRegistry) -> None:
    whole = with_fleet(registry)

    registry.execute(
        "DELETE FROM agents; DELETE FROM served_targets;"
        " UPDATE discovery_guard SET generation = 0;"
        " UPDATE versions SET value = 0 WHERE name = 'targets'"
    )

    eventually(lambda: state(registry)["held_back"])
    assert etag(registry) == whole
    assert registry.rows("SELECT count(*) FROM served_targets") == [(8,)]
