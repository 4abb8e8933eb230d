"""What the registry is told of the rules of one Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote


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
    """Answers the whole report; a group of which neither is known is not in it."""
    return {
        "version": version,
        "groups": {
            group_id: {"loaded": state.loaded, "rejected": state.rejected, "reason": state.reason}
            for group_id, state in states.items()
            if state != GroupState()
        },
        "trouble": trouble,
    }
