"""What the registry is told of the rules of one Prometheus."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

# Of all reasons together, as JSON: the registry takes 1 MiB, and 5,000 groups need half of it.
REASONS_LIMIT_BYTES: Final = 256 * 1024


@dataclass(frozen=True)
class GroupState:
    """Which revision is loaded, and which one was rejected and why; None for neither."""

    loaded: int | None = None
    rejected: int | None = None
    reason: str = ""


def report_path(prometheus_name: str) -> str:
    """Answers where a Prometheus of this name is told of."""
    return f"/api/v1/sync/{quote(prometheus_name, safe='')}/rules"


# Any: a JSON document.
def report(version: int, states: Mapping[str, GroupState], trouble: str) -> dict[str, Any]:
    """Answers the whole report; a group of which neither is known is not in it, and reasons are cut
    where they are too many."""
    reasons = sum(bool(state.reason) for state in states.values())
    most = REASONS_LIMIT_BYTES // max(reasons, 1)
    return {
        "version": version,
        "groups": {
            group_id: {
                "loaded": state.loaded,
                "rejected": state.rejected,
                "reason": _cut(state.reason, most),
            }
            for group_id, state in states.items()
            if state != GroupState()
        },
        "trouble": trouble,
    }


def _cut(reason: str, most: int) -> str:
    """As much of it as is no longer than this as JSON."""
    while (size := len(json.dumps(reason))) > most:
        reason = reason[: len(reason) * most // size]
    return reason
