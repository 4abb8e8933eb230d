"""How long a Prometheus that has just started need not know again whom it scrapes."""

from datetime import datetime
from typing import Any, Final

# It reads its targets file, hands a changed list to its scrapes every 5 s, and scrapes every 10 s
# at most. With `make up` on data of before it has the addresses of the last run for some 10 s, for
# the agents start after it; where it scrapes every 5 s, that fits in as well.
SETTLING_SECONDS: Final = 25.0


def read_start(answer: Any) -> datetime | None:  # Any: whatever JSON holds
    """When it started, by its /api/v1/status/runtimeinfo; None where that does not tell."""
    try:
        return datetime.fromisoformat(answer["data"]["startTime"]).astimezone()
    except (LookupError, TypeError, ValueError, OverflowError):
        return None


def settling_seconds(started: datetime | None, now: datetime) -> float:
    """How long it still is before it knows them: 0 where it does, or where nothing is known."""
    if started is None:
        return 0.0
    # Its clock may be ahead of ours.
    return max(SETTLING_SECONDS - abs((now - started).total_seconds()), 0.0)
