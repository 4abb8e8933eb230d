"""Five hundred agents, all of them scraped, while somebody asks everything there is to ask."""

import os

from bench.soak.fleet import retire_agents
from bench.soak.load import AGENTS, observe
from bench.soak.observed import LIMIT_SECONDS, p99

from tests.containers.deployment import Deployment

SECONDS = 600 if os.environ.get("PULSEGUARD_TEST_LONG") else 90
LOOK_SECONDS = 3


def test_five_hundred_agents_are_served_and_nothing_is_late_or_grows(
    deployment: Deployment,
) -> None:
    try:
        seen = observe(deployment, SECONDS, AGENTS, LOOK_SECONDS)
    finally:
        retire_agents(deployment)

    assert list(seen.faults()) == []
    # It was a load: each was scraped every 10 s, beat every 15 s and sent a snapshot a minute.
    assert seen.ledger["scrapes"] > 0.9 * AGENTS * SECONDS / 10
    assert seen.ledger["beats"] > 0.9 * AGENTS * SECONDS / 15
    assert sum(seen.ledger["acknowledged"].values()) >= AGENTS * SECONDS // 60
    # And somebody asked for all of it.
    assert len(seen.answers) > 55
    assert p99(seen.answers["GET /api/v1/agents"].seconds) < LIMIT_SECONDS
