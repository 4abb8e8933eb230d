"""What is told of the scrapes of agents that were retired in a heap, which discovery doubts."""

from __future__ import annotations

from tests.registry.running import RunningRegistry, eventually
from tests.registry.test_guard import RELEASE, state
from tests.registry.test_scrapes import AGENTS, disagreements, register_many, tell, time_passes


def test_agents_retired_at_one_stroke_are_not_missed_and_may_be_scraped_while_they_are_held_back(
    registry: RunningRegistry,
) -> None:
    register_many(registry, range(12))
    ids = [str(agent) for (agent,) in registry.rows("SELECT id FROM agents ORDER BY name")]

    def retire(first: int, last: int) -> None:
        names = ", ".join(f"'a{number}'" for number in range(1000 + first, 1000 + last))
        registry.execute(f"UPDATE agents SET retired_at = now() WHERE name IN ({names})")

    def served() -> int:
        return len(registry.targets())

    eventually(lambda: served() == 12)
    retire(0, 5)
    eventually(lambda: served() == 7)
    tell(registry, **dict.fromkeys(ids[5:], "up"))
    time_passes(registry)
    health = registry.get(f"{AGENTS}/{ids[0]}/health").json()
    assert (health["disagreements"], health["parts"]["scraped"]["value"]) == ([], None)

    retire(5, 10)
    eventually(lambda: state(registry)["held_back"])
    time_passes(registry)
    assert disagreements(registry) == set()

    registry.post(RELEASE, {})
    eventually(lambda: served() == 2)
    # The list of targets is first, the database a moment later.
    eventually(lambda: registry.get("/api/v1/system/disagreements").json()["items"])
    assert disagreements(registry) == {("retired_but_scraped", agent) for agent in ids[5:10]}
