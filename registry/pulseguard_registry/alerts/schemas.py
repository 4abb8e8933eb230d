"""Alerts as Alertmanager sends them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)
from pydantic.alias_generators import to_camel

AlertStatus = Literal["firing", "resolved"]

# Every offset can be applied to these years without leaving the calendar.
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def _storable(text: object) -> object:
    """Text as PostgreSQL can keep it: what it cannot becomes U+FFFD, since an alert that is
    refused is an alert that is lost."""
    if not isinstance(text, str):
        return text
    return (
        text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )


def _imaginable(moment: datetime) -> datetime:
    if not _FIRST <= moment <= _LAST:
        raise ValueError(f"lies outside of {_FIRST.year} to {_LAST.year}; check the sender's clock")
    return moment


def _none_if_zero(moment: object) -> object:
    """Alertmanager, being written in Go, says year 1 where there is no time."""
    return None if isinstance(moment, str) and moment.startswith("0001-01-01T") else moment


Text = Annotated[str, BeforeValidator(_storable)]
Moment = Annotated[AwareDatetime, AfterValidator(_imaginable)]
# 16 hexadecimal digits today.
Fingerprint = Annotated[Text, Field(min_length=1, max_length=120)]


class NotifiedAlert(BaseModel):
    """One alert of a notification."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)

    status: AlertStatus
    fingerprint: Fingerprint = Field(description="The same for the same labels.")
    labels: dict[Text, Text] = {}
    annotations: dict[Text, Text] = {}
    starts_at: Moment
    ends_at: Annotated[Moment | None, BeforeValidator(_none_if_zero)] = None
    generator_url: Text = Field("", alias="generatorURL")


class Notification(BaseModel):
    """What Alertmanager posts to a webhook, version 4 of the payload; other fields may be there.

    https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
    """

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [
                {
                    "version": "4",
                    "alerts": [
                        {
                            "status": "firing",
                            "labels": {"alertname": "AgentDown", "severity": "critical"},
                            "annotations": {},
                            "startsAt": "2026-11-28T10:00:00Z",
                            "endsAt": "0001-01-01T00:00:00Z",
                            "fingerprint": "c5b2b2a1f0e7d3aa",
                        }
                    ],
                }
            ]
        },
    )

    version: Literal["4"]
    alerts: list[NotifiedAlert]


class NotificationReceipt(BaseModel):
    """What became of the alerts of a notification; the dead man's switch is in neither number."""

    stored: int = Field(description="Stored now, durably.")
    repeated: int = Field(
        description="Stored before; left as they were, but for when they were told last."
    )
