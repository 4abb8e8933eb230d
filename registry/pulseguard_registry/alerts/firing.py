"""Whether an alert of the history fires now, as one SQL expression by the database's clock."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final

import psutil
from sqlalchemy import ColumnElement, and_, exists, func, literal
from sqlalchemy.orm import aliased

from pulseguard_registry.alerts.models import Alert

# Alertmanager repeats what fires every 60 to 70 s (alertmanager.yml): two repetitions, and what
# it and Prometheus take to find each other again after one of them was restarted.
TOLD_SECONDS: Final = 180.0
# Alertmanager tries again every 10 s to tell a registry that was away.
HEARING_SECONDS: Final = 30.0
# In the text of the statement: one that is asked often PostgreSQL plans once for whatever values,
# and then neither knows how few are told still nor uses the index that has only them.
_FIRING: Final = literal("firing", literal_execute=True)
_RESOLVED: Final = literal("resolved", literal_execute=True)
_TOLD: Final = literal(timedelta(seconds=TOLD_SECONDS), literal_execute=True)


def seconds_running() -> float:
    """How long this registry has been here to be told of alerts."""
    return time.time() - psutil.Process().create_time()


def fires(running_seconds: float) -> ColumnElement[bool]:
    """It began, has not ended, and is still told, which a registry that has just come back
    cannot know yet and believes.

    Alertmanager keeps no alerts over a restart: what ends meanwhile is never told to have ended.
    """
    begun = and_(Alert.status == _FIRING, ~_has_ended(), ~_is_overtaken())
    if running_seconds < HEARING_SECONDS:
        return begun
    return and_(begun, Alert.last_told_at > func.now() - _TOLD)


# Two questions and not one with OR: PostgreSQL answers each by the index of fingerprint and start,
# and one with OR by reading all that began since, for each entry anew.
def _is_overtaken() -> ColumnElement[bool]:
    """Whether the same alert began anew, ended by now or not."""
    after = aliased(Alert)
    return exists().where(after.fingerprint == Alert.fingerprint, after.starts_at > Alert.starts_at)


def _has_ended() -> ColumnElement[bool]:
    """Whether its end was told, and was told last: Prometheus may have lost sight of it for so long
    that it was taken for ended, and go on with the same start."""
    end = aliased(Alert)
    return exists().where(
        end.fingerprint == Alert.fingerprint,
        end.starts_at == Alert.starts_at,
        end.status == _RESOLVED,
        end.last_told_at >= Alert.last_told_at,
    )
