"""Threads that fork at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from pulseguard import forking
from pulseguard.forking import IMPORTING, _before, _in_parent
from tests.exporters.conftest import MakeAgent


def test_two_threads_that_fork_at_once_leave_nothing_locked(
    make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forking, "_LONGEST_WAIT_SECONDS", 0.5)
    agent = make_agent(instance="one")
    agent.start()
    membership = agent._exporter._membership
    assert membership is not None
    group = membership._group
    with ThreadPoolExecutor(1) as slow, ThreadPoolExecutor(1) as quick:
        # The hooks of os.fork, in the order that two threads of a loaded machine give them.
        slow.submit(_before).result(10)
        quick.submit(_before).result(10)
        quick.submit(_in_parent).result(10)
        slow.submit(_in_parent).result(10)

        is_free = quick.submit(group.pause, 1.0).result(10)
        # Where it is not, the agent could not be stopped.
        (quick if is_free else slow).submit(group.go_on).result(10)
    assert is_free
    assert not IMPORTING.locked()
