"""How often a key, and an address without one, may ask."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.access.rates import REMEMBERED, Limits, Rates
from pulseguard_registry.problems import Problem
from pulseguard_registry.settings import Settings
from tests.registry.conftest import new_database
from tests.registry.problems import assert_problem
from tests.registry.running import READY, RunningRegistry, eventually, running_registry

AGENTS = "/api/v1/agents"
LIMITED = "pulseguard_registry_rate_limited_total"


@pytest.fixture(scope="module")
def strict(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """A registry that takes little."""
    limits: dict[str, Any] = {
        "rate_limit_per_second": 2,
        "agent_rate_limit_per_second": 10,
        "refused_rate_limit_per_second": 3,
    }
    folder = tmp_path_factory.mktemp("strict")
    with new_database(postgres) as url, running_registry(url, folder, **limits) as registry:
        yield registry


@given(
    per_second=st.floats(1, 1000),
    pauses=st.lists(st.one_of(st.just(0.0), st.floats(0, 3)), min_size=1, max_size=200),
)
@settings(max_examples=200, deadline=None)
def test_no_more_than_the_rate_is_let_in_and_a_told_wait_is_long_enough(
    per_second: float, pauses: list[float]
) -> None:
    now = 1000.0
    rates = Rates(per_second, clock=lambda: now)
    let_in = 0
    for pause in pauses:
        now += pause
        wait = rates.take("somebody")
        let_in += wait == 0
        if wait:
            now += wait + 1e-6
            assert rates.take("somebody") == 0
            let_in += 1

    assert let_in <= per_second * (now - 1000 + 2) + 1e-3
    assert rates.take("somebody else") == 0


def test_a_caller_that_keeps_to_its_rate_is_never_refused_and_may_save_up_two_seconds() -> None:
    now = 0.0
    rates = Rates(10, clock=lambda: now)
    burst = [rates.take("burst") == 0 for _ in range(30)]
    for _ in range(1000):
        now += 0.1001
        assert rates.take("steady") == 0

    assert burst == [True] * 20 + [False] * 10


def test_however_many_callers_come_only_the_latest_are_remembered() -> None:
    rates = Rates(1)
    for number in range(3 * REMEMBERED):
        rates.take(number)
        rates.take("busy")

    assert len(rates._full_at) == REMEMBERED
    assert rates.take("busy") > 0


def test_ipv4_strangers_on_a_listener_for_both_do_not_share_what_one_of_them_has() -> None:
    limits = Limits(Settings(refused_rate_limit_per_second=1), lambda _: None)

    for _ in range(2):  # a burst is twice what is let in a second
        limits.count_stranger("::ffff:10.0.0.1")
    with pytest.raises(Problem, match=r"::ffff:10\.0\.0\.1"):
        limits.count_stranger("::ffff:10.0.0.1")

    limits.count_stranger("::ffff:10.0.0.2")


def test_one_agent_that_runs_away_with_its_own_key_is_slowed_down_alone() -> None:
    limits = Limits(Settings(), lambda _: None)

    def taken(agent_id: uuid.UUID | None) -> int:
        """How many of 200 requests at once."""
        key = Principal(uuid.uuid4(), "", "agent", "production", None, None, agent_id)
        for number in range(200):
            try:
                limits.count_request(key)
            except Problem:
                return number
        return 200

    # What an exporter has kept of an hour's outage goes in three requests.
    assert [taken(uuid.uuid4()) for _ in range(2)] == [40, 40]
    assert taken(None) == 200


def test_a_key_that_asks_too_often_is_told_when_to_come_back(strict: RunningRegistry) -> None:
    viewer = strict.key("viewer")
    answers = [strict.get(AGENTS, viewer) for _ in range(12)]

    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 4
    assert_problem(refused[-1], 429, "this key", "try again in")
    assert strict.client.get(READY).status_code == 200
    agent = strict.key("agent", environment="production")
    assert {strict.get(AGENTS, agent).status_code for _ in range(12)} == {200}
    told_seconds = int(refused[-1].headers["retry-after"])
    eventually(lambda: strict.get(AGENTS, viewer).status_code == 200, told_seconds)
    assert counted(strict, "key") >= len(refused)


def test_an_address_that_guesses_is_slowed_down_and_the_keys_behind_it_are_not(
    strict: RunningRegistry,
) -> None:
    guesses = ["", "secret", "pg_admin_" + "0" * 38, strict.admin[:-8] + "00000000"]
    viewer = strict.key("viewer")
    assert strict.get(AGENTS, viewer).status_code == 200
    answers: list[Any] = [strict.get(AGENTS, guess) for guess in guesses * 10]

    assert answers[0].status_code == 401
    # Not the last one, where the machine is slow: what it may guess grows with time.
    slowed = [answer for answer in answers if answer.status_code == 429]
    assert_problem(slowed[0], 429, "testclient", "without a valid key")
    assert strict.get(AGENTS, viewer).status_code == 200
    assert counted(strict, "address") > 0


def counted(strict: RunningRegistry, reason: str) -> float:
    """How many requests were refused for this reason, as Prometheus sees it."""
    page = strict.get("/metrics").text
    (line,) = [
        line for line in page.splitlines() if line.startswith(f'{LIMITED}{{reason="{reason}')
    ]
    return float(line.rpartition(" ")[2])
