"""`pulseguard`, whose registry and sync give others seconds where else they give them longer.

Usage: as `pulseguard`, for the verbs `registry` and `sync`. Nothing else is changed.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from unittest.mock import patch

from pulseguard.command import main
from pulseguard_prometheus.configuration import shipped_alertmanager_configuration
from pulseguard_prometheus.notification.routes import Times

# Who is told of alerts waits as shortly for others of the same as the tests need.
PEOPLE = Times("500ms", "500ms", "1h", "500ms", "300ms")
REGISTRY = shipped_alertmanager_configuration().replace(
    "group_interval: 10s", "group_interval: 500ms"
)
# By verb: what stands for what is waited for longer.
WAITS: dict[str, dict[str, object]] = {
    "registry": {"pulseguard_registry.scrapes.service.TIME_TO_TELL_SECONDS": 3.0},
    "sync": {
        "pulseguard_prometheus.scrapes.REPORT_SECONDS": 1.0,
        "pulseguard_prometheus.settling.SETTLING_SECONDS": 1.0,
        "pulseguard_prometheus.notification.rendering.Times": lambda: PEOPLE,
        "pulseguard_prometheus.configuration.shipped_alertmanager_configuration": lambda: REGISTRY,
    },
}


def run(waits: Mapping[str, object]) -> int:
    """As `pulseguard` does, with these in the place of what is called so."""
    with ExitStack() as patches:
        for name, value in waits.items():
            patches.enter_context(patch(name, value))
        return main()


if __name__ == "__main__":
    sys.exit(run(WAITS[sys.argv[1]]))
