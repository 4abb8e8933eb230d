"""The log of refused requests: each with its reason, none with a value, and no flood of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from pulseguard_registry import refusals
from pulseguard_registry.logs import TextLines, answers, request_in_hand
from pulseguard_registry.problems import Problem
from pulseguard_registry.refusals import MOST_A_SECOND, Ration, RefusalLog
from tests.registry.running import RunningRegistry, snapshot

AGENTS = "/api/v1/agents"
UNKNOWN = "00000000-0000-0000-0000-000000000000"
SECRET = "hunter2"
REFUSED = [
    ("GET", f"{AGENTS}/{SECRET}", None, f"{AGENTS}/{{agent_id}}", 422, "agent_id (uuid_parsing)"),
    ("GET", f"{AGENTS}/{UNKNOWN}", None, f"{AGENTS}/{{agent_id}}", 404, "There is no such thing"),
    ("GET", f"{AGENTS}?{SECRET}=1", None, AGENTS, 422, "… (extra_forbidden)"),
    ("GET", f"/{SECRET}", None, "_OTHER", 404, "There is no such thing"),
    ("PUT", f"{AGENTS}?a={SECRET}", {}, AGENTS, 405, "This method is not offered here"),
    ("POST", AGENTS, {"name": {"a": SECRET}}, AGENTS, 422, "name (string_type), instance (miss"),
    ("POST", AGENTS, {"labels": {f"-{SECRET}": ""}}, AGENTS, 422, ", labels.… (value_error)"),
    ("POST", AGENTS, {"a" * 2_000_000: SECRET}, "_OTHER", 413, "The body is too large"),
    (
        "POST",
        f"{AGENTS}/{UNKNOWN}/heartbeat",
        {"snapshot": snapshot(SECRET), "process": SECRET + " "},
        f"{AGENTS}/{{agent_id}}/heartbeat",
        422,
        "snapshot.taken_at (no_moment), process (string_pattern_mismatch)",
    ),
    (
        "POST",
        "/api/v1/heartbeats",
        {"heartbeats": [{"agent_id": SECRET}] * 7},
        "/api/v1/heartbeats",
        422,
        "heartbeats.4.agent_id (uuid_parsing), and 2 more",
    ),
    (
        "POST",
        f"{AGENTS}/{UNKNOWN}/ai-metrics",
        {"snapshots": [snapshot(model_errors={SECRET: 1})]},
        f"{AGENTS}/{{agent_id}}/ai-metrics",
        422,
        "snapshots.0.model_errors.… (literal_error)",
    ),
]


ANSWERS = "pulseguard.registry.answers"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """The lines of our log, at the level that it has by default, as they would be written."""
    caplog.handler.setFormatter(TextLines())
    # Without what the registry says of itself meanwhile.
    of_answers = logging.Filter(ANSWERS)
    caplog.handler.addFilter(of_answers)
    with caplog.at_level(logging.INFO, logger="pulseguard"):
        yield caplog
    caplog.handler.removeFilter(of_answers)


def test_each_refused_request_is_logged_with_its_id_and_reason_but_no_value(
    shared_registry: RunningRegistry, lines: pytest.LogCaptureFixture
) -> None:
    headers = shared_registry.bearer(None)
    for method, path, body, route, status, reason in REFUSED:
        lines.clear()
        answer = shared_registry.client.request(method, path, json=body, headers=headers)
        (line,) = lines.text.splitlines()

        assert answer.status_code == status
        assert f"INFO pulseguard.registry.answers: {method} {route} answered {status} in" in line
        assert reason in line
        assert line.endswith(f" request_id={answer.json()['request_id']}")
        assert SECRET not in line
        assert len(line) < 400


def test_who_has_no_key_is_logged_without_what_he_sent_for_one(
    shared_registry: RunningRegistry, lines: pytest.LogCaptureFixture
) -> None:
    shared_registry.get(AGENTS, key=SECRET)
    shared_registry.get(AGENTS)

    (line,) = lines.text.splitlines()
    assert f"GET {AGENTS} answered 401 in" in line
    assert "A valid key is needed" in line
    assert SECRET not in line


def test_within_any_second_there_is_room_for_so_many_and_the_others_are_counted() -> None:
    ration = Ration(3)
    moments = [0.0, 0.5, 0.9, 0.95, 1.0, 1.4, 1.5, 1.6, 1.95]

    admitted = [moment for moment in moments if ration.admits(moment)]

    assert admitted == [0.0, 0.5, 0.9, 1.0, 1.5, 1.95]
    assert (ration.take_left_out(), ration.take_left_out()) == (3, 0)


def test_a_flood_of_refused_requests_is_a_few_lines_and_one_that_counts_the_rest(
    lines: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_SECOND", 0.01)
    log = RefusalLog(clock=lambda: 0.0)

    async def flood(number: int) -> None:
        request_in_hand.set("one of them")
        for _ in range(number):
            log.tell("GET", AGENTS, 404, 0.001, Problem(404, SECRET))
        while len(lines.records) <= MOST_A_SECOND:
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(flood(1000), 10))
    log.tell_left_out()

    *few, rest = lines.records
    assert len(few) == MOST_A_SECOND
    assert rest.getMessage().startswith(f"{1000 - MOST_A_SECOND} more requests were refused")
    assert vars(rest)["fields"] == {"left_out": 1000 - MOST_A_SECOND}
    assert "one of them" not in lines.text.splitlines()[-1]
    assert SECRET not in lines.text


def test_where_each_request_is_logged_no_refused_one_is_left_out(
    lines: pytest.LogCaptureFixture,
) -> None:
    lines.set_level(logging.DEBUG, answers.name)
    log = RefusalLog(clock=lambda: 0.0)

    for _ in range(2 * MOST_A_SECOND):
        log.tell("GET", AGENTS, 404, 0.001, None)

    assert len(lines.records) == 2 * MOST_A_SECOND
