"""`pulseguard sync` whose watchdog looks so many times as often, and loses patience as soon."""

import sys

from pulseguard.watchdog import Watchdog
from pulseguard_prometheus import command, loops, scrapes

# After which a loop is taken to hang: of the targets about the first, of the rules the second.
PATIENCE_SECONDS, RULES_PATIENCE_SECONDS = 2.1, 3.1
HASTE = 150


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
