"""The dead man's switch: an alert that always fires, so that its silence tells something."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pydantic import BaseModel, Field
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from pulseguard_registry.alerts.firing import TOLD_SECONDS
from pulseguard_registry.alerts.marks import WATCHDOG
from pulseguard_registry.alerts.models import Watchdog

# Where Prometheus was started with the registry: what fires before it has found Alertmanager, as
# the switch does, it tells a minute later.
STARTING_SECONDS: Final = 120.0
_NEVER: Final = (
    f"The alert {WATCHDOG}, which always fires, was never told here: either Prometheus has no such"
    " rule (prometheus/rules/watchdog.yml), or no alert comes from Prometheus over Alertmanager to"
    " the registry."
)


class AlertPath(BaseModel):
    """Whether alerts can reach the registry: it is told of one that always fires."""

    heard_at: datetime | None = Field(
        description="When the dead man's switch was heard last; null if never."
    )
    arrives: bool | None = Field(
        description="Whether alerts arrive now: the switch was heard within 180 s. Null where it"
        " was never heard, or the registry has just come back."
    )
    sentence: str


def note_watchdog(session: Session) -> None:
    """The dead man's switch was told now."""
    session.execute(update(Watchdog).values(told_at=func.now()))


def read_path(session: Session, running_seconds: float) -> AlertPath:
    """Whether alerts arrive, by the database's clock; `running_seconds` is how long this registry
    has been there to be told."""
    now, heard_at = session.execute(select(func.now(), Watchdog.told_at)).one()
    return judge_path(heard_at, now, running_seconds)


def judge_path(heard_at: datetime | None, now: datetime, running_seconds: float) -> AlertPath:
    """What follows from when the dead man's switch was heard last."""
    if heard_at is None:
        return AlertPath(heard_at=None, arrives=None, sentence=_NEVER)
    ago = (now - heard_at).total_seconds()
    heard = f"The dead man's switch was heard {max(ago, 0):.0f} s ago"
    if ago <= TOLD_SECONDS:
        return AlertPath(heard_at=heard_at, arrives=True, sentence=f"{heard}: alerts arrive.")
    if running_seconds < STARTING_SECONDS:
        sentence = f"{heard}; the registry has just come back and may be told any moment."
        return AlertPath(heard_at=heard_at, arrives=None, sentence=sentence)
    sentence = (
        f"{heard}, and is told every minute where all is well: alerts do not arrive. Look whether"
        " Prometheus runs and has its rules, then Alertmanager and its log."
    )
    return AlertPath(heard_at=heard_at, arrives=False, sentence=sentence)
