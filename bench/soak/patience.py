"""What is asked before and after a run of hours is asked until it is answered."""

import time
from collections.abc import Callable
from typing import Any

import psycopg

SERVED_SECONDS = 120
# A service is away, or being started again.
PASSING = (OSError, ValueError, psycopg.Error)


# Any: whatever was asked for.
def served(ask: Callable[[], Any]) -> Any:
    """What is answered, as soon as it is: an hour is not given up for a bad moment."""
    until = time.monotonic() + SERVED_SECONDS
    while True:
        try:
            return ask()
        except PASSING:
            if time.monotonic() > until:
                raise
            time.sleep(1)
