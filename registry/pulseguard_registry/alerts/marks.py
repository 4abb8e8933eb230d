"""Alerts that are not about the fleet: the dead man's switch, and tests of the way to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# It fires always, so that its silence tells that alerts do not arrive.
WATCHDOG: Final = "Watchdog"
TEST: Final = "PulseGuardTest"
# Label of a test alert: which one it is.
TEST_ID: Final = "test_id"


def is_watchdog(labels: Mapping[str, str]) -> bool:
    """Whether this is the dead man's switch: its severity is no alert's."""
    return labels.get("alertname") == WATCHDOG and labels.get("severity") == "none"


def is_test(labels: Mapping[str, str]) -> bool:
    """Whether somebody only tried out the way."""
    return labels.get("alertname") == TEST and labels.get("test") == "true"
