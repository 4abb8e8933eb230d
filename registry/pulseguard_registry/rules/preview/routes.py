"""/alert-rules/preview: what a rule would do, before it is stored."""

from __future__ import annotations

import threading
import time
from typing import Annotated, Final

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.problems import Problem, unavailable
from pulseguard_registry.rules.preview.preview import preview_rule
from pulseguard_registry.rules.preview.schemas import Preview
from pulseguard_registry.rules.schemas import RULE_EXAMPLE, RuleFields
from pulseguard_registry.strict_json import StrictRoute

# Each waits for Prometheus in a thread of the pool that serves everybody.
AT_ONCE: Final = 4
LONGEST_HOURS: Final = 24 * 31

router = APIRouter(prefix=f"{API_PREFIX}/alert-rules", tags=["rules"], route_class=StrictRoute)
People = Annotated[Principal, requires(*PEOPLE)]

_room = threading.BoundedSemaphore(AT_ONCE)


class PreviewSent(RuleFields):
    """A rule, and how far back to look."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [RULE_EXAMPLE | {"hours": 24}]}
    )

    hours: float = Field(24, gt=0, le=LONGEST_HOURS, allow_inf_nan=False)


@router.post("/preview")
def preview_alert_rule(said: PreviewSent, reader: People, request: Request) -> Preview:
    """What the rule has now, by Prometheus, and how often its alert would have fired over the last
    hours. Nothing is stored. Labels that are templates are left out. 404 where no Prometheus is
    known (`PULSEGUARD_PROMETHEUS_URL`), 503 where it does not answer within the time."""
    url = request.app.state.settings.prometheus_url
    if url is None:
        raise Problem(
            404,
            "no Prometheus is known that could evaluate it; set PULSEGUARD_PROMETHEUS_URL of the"
            " registry",
        )
    if not _room.acquire(blocking=False):
        raise unavailable(f"{AT_ONCE} previews are under way; try again in a few seconds")
    try:
        return preview_rule(url, said.rule(), hours=said.hours, now=time.time())
    finally:
        _room.release()
