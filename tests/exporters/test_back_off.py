"""A registry in trouble is asked less and less often, and not by the whole fleet at once."""

import time
from itertools import pairwise

import pytest

from pulseguard.reporting.reporter import pause_after
from tests.exporters.conftest import MakeAgent
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import wait_until


def test_each_failure_in_a_row_doubles_the_pause_up_to_a_heartbeat() -> None:
    pauses = [pause_after(failures, 15.0, share=1.0) for failures in range(8)]

    assert pauses == [15.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]
    assert pause_after(10_000, 15.0, share=1.0) == 15.0


def test_agents_that_failed_together_come_again_at_different_times() -> None:
    assert [pause_after(3, 15.0, share) for share in (0.0, 0.5, 1.0)] == [1.0, 1.5, 2.0]


def test_a_registry_in_trouble_is_left_alone_longer_each_time(
    registry: FakeRegistry, make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pulseguard.reporting.reporter._FIRST_RETRY_SECONDS", 0.02)
    monkeypatch.setattr("random.random", lambda: 1.0)
    asked: list[float] = []

    def refuse(path: str) -> str:
        asked.append(time.monotonic())
        return "503"

    registry.fault = refuse
    make_agent(registry_url=registry.url, heartbeat_seconds=60, strict=False).start()
    wait_until(lambda: len(asked) > 5)

    least = (0.02, 0.04, 0.08, 0.16, 0.32)
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert [gap for gap, pause in zip(gaps, least, strict=False) if gap < pause] == []
