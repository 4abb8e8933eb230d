"""`pulseguard sync` whose watchdog looks so many times as often, and loses patience as soon."""

import sys

from pulseguard.watchdog import Watchdog
from pulseguard_prometheus import command, loops, scrapes
from pulseguard_prometheus.loops import UNTIMED_SECONDS
from pulseguard_prometheus.publication.promtool import TIMEOUT_SECONDS
from pulseguard_prometheus.turns import LOOK_SECONDS

HASTE = 10
# After which a loop is taken to hang: where it has told nothing, and while it waits for promtool.
PATIENCE_SECONDS = (UNTIMED_SECONDS + 2 * LOOK_SECONDS) / HASTE
PROMTOOL_PATIENCE_SECONDS = PATIENCE_SECONDS + 2 * TIMEOUT_SECONDS / HASTE


class HastyWatchdog(Watchdog):
    """One that looks as often as it takes for tests."""

    # Any: its own arguments, handed on as they are.
    def __init__(self, *arguments, period_seconds, **more):
        super().__init__(*arguments, period_seconds=period_seconds / HASTE, **more)


def main() -> None:
    """As the one of sync; scrapes are told about once a second, not every fifteen."""
    loops.Watchdog = HastyWatchdog  # type: ignore[attr-defined]
    scrapes.REPORT_SECONDS = 0.0  # type: ignore[misc]
    sys.exit(command.main(sys.argv[1:]))
