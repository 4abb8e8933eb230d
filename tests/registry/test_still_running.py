"""Which retired agents were heard of: for a minute, and so many at most."""

from __future__ import annotations

import uuid

from pulseguard_registry.agents.still_running import REMEMBERED, StillRunning


def test_who_was_heard_is_forgotten_after_a_minute_and_never_kept_without_bound() -> None:
    now = 0.0
    running = StillRunning(clock=lambda: now)
    early, late = uuid.UUID(int=REMEMBERED + 1), uuid.UUID(int=REMEMBERED + 2)
    running.note(late)
    running.note(early)
    now = 59.0
    running.note(late)
    assert running.heard() == [early, late]
    now = 61.0
    assert running.heard() == [late]
    assert not running.was_heard(early)

    for number in range(REMEMBERED):
        running.note(uuid.UUID(int=number))
    assert len(running.heard()) == REMEMBERED
    assert not running.was_heard(late)
