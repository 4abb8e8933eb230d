"""Whether an alert of the history fires now, as one SQL expression by the database's clock."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final

import psutil
from sqlalchemy import ColumnElement, and_, exists, func, or_
from sqlalchemy.orm import aliased

from pulseguard_registry.alerts.models import Alert

# Alertmanager repeats what fires every 60 to 70 s (alertmanager.yml): two repetitions, and what
# it and Prometheus take to find each other again after one of them was restarted.
TOLD_SECONDS: Final = 180.0
# Alertmanager tries again every 10 s to tell a registry that was away.
HEARING_SECONDS: Final = 30.0


def seconds_running() -> float:
    """How long this registry has been here to be told of alerts."""
    return time.time() - psutil.Process().create_time()


def fires(running_seconds: float) -> ColumnElement[bool]:
    """It began, has not ended, and is still told, which a registry that has just come back
    cannot know yet and believes.

    Alertmanager keeps no alerts over a restart: what ends meanwhile is never told to have ended.
    """
    begun = and_(Alert.status == "firing", ~_is_over())
    if running_seconds < HEARING_SECONDS:
        return begun
    return and_(begun, Alert.last_told_at > func.now() - timedelta(seconds=TOLD_SECONDS))


def _is_over() -> ColumnElement[bool]:
    """Whether something came after it: its end, or the same alert anew, ended or not."""
    after = aliased(Alert)
    # Prometheus may have lost sight of it for so long that it was taken for ended, and go on
    # with the same start: then what was told last counts.
    is_its_end = and_(
        after.starts_at == Alert.starts_at,
        after.status == "resolved",
        after.last_told_at >= Alert.last_told_at,
    )
    return exists().where(
        after.fingerprint == Alert.fingerprint,
        or_(after.starts_at > Alert.starts_at, is_its_end),
    )
