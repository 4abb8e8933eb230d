"""What happened to an agent and around it, in the order of time: events, alerts, who saw them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import CursorResult, text
from sqlalchemy.orm import Session

from pulseguard_registry.events.schemas import Kind as EventKind
from pulseguard_registry.fields import Instant

AlertKind = Literal["alert_began", "alert_ended", "alert_acknowledged"]


# The year 10000: later than any moment that is taken.
_END_MICROS: Final = 253_402_300_800 * 10**6


class Place(NamedTuple):
    """A place in the order: moment, source, and key within the source."""

    at: datetime
    source: int
    key: str

    @classmethod
    def of(cls, cursor: str) -> Place:
        """The place that a cursor names; ValueError where it names none."""
        moment, source, key = cursor.split("~", 2)
        micros = int(moment)
        if not 0 <= micros < _END_MICROS or source not in ("1", "2", "3", "4") or "\x00" in key:
            raise ValueError
        at = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 10**6)
        return cls(at, int(source), key)

    @property
    def cursor(self) -> str:
        """Its name, for the next request."""
        seconds = int(self.at.replace(microsecond=0).timestamp())
        return f"{seconds * 10**6 + self.at.microsecond}~{self.source}~{self.key}"


def _place(cursor: str) -> str:
    try:
        Place.of(cursor)
    except (ValueError, OverflowError, OSError):
        raise ValueError("is no place in this list") from None
    return cursor


class TimelineFilters(BaseModel):
    """Which part of a timeline to list."""

    model_config = ConfigDict(extra="forbid")

    since: Instant | None = Field(None, description="Not before this moment.")
    until: Instant | None = Field(None, description="Before this moment.")
    limit: int = Field(100, ge=1, le=500)
    cursor: Annotated[str, Field(max_length=200), AfterValidator(_place)] | None = Field(
        None, description="`next_cursor` of the page before."
    )


class Happening(BaseModel):
    """One thing that happened."""

    at: datetime
    kind: EventKind | AlertKind
    was: str | None = Field(
        serialization_alias="from", description="Of an event: version, status or end before."
    )
    became: str | None = Field(serialization_alias="to", description="The same, after.")
    alert_id: int | None = Field(description="Of an alert: the entry of the history.")
    alertname: str | None
    severity: str | None
    detail: dict[str, Any] = Field(  # Any: differs by kind
        description="Of an event as in `/events`; of an alert its `summary`; of an acknowledgement"
        " `by` and `note`."
    )


class Timeline(BaseModel):
    """One page of a timeline, what happened last coming first."""

    items: list[Happening]
    next_cursor: str | None = Field(description="Null on the last page.")


# Each source by an index of its own, from the cursor on and no further than a page; then merged.
# The key is text so that one order holds for all: numbers with zeros in front, or a fingerprint.
_DIGITS = "lpad({}::text, 19, '0')"
_BOUNDED = """
    AND {at} >= coalesce(:since, '-infinity'::timestamptz)
    AND {at} < coalesce(:until, 'infinity'::timestamptz)
    AND {at} <= :at AND ({at}, {source}, {key}) < (:at, :source, :key)
  ORDER BY {at} DESC, {key} DESC LIMIT :limit)
"""
_EVENTS = f"""
(SELECT at, 1 AS source, {_DIGITS.format("id")} AS key, kind, was, became, NULL::bigint AS alert_id,
        NULL AS alertname, NULL AS severity, detail
   FROM agent_events WHERE agent_id = :agent_id
{_BOUNDED.format(at="at", source=1, key=_DIGITS.format("id"))}
"""
# It began even where only its end was ever told.
_BEGAN = f"""
(SELECT starts_at, 2, {_DIGITS.format("id")}, 'alert_began', NULL, NULL, id, alertname, severity,
        jsonb_build_object('summary', annotations->>'summary')
   FROM alerts AS entry WHERE agent_id = :agent_id
    AND (status = 'firing' OR NOT EXISTS (
        SELECT FROM alerts AS began WHERE began.fingerprint = entry.fingerprint
           AND began.starts_at = entry.starts_at AND began.status = 'firing'))
{_BOUNDED.format(at="starts_at", source=2, key=_DIGITS.format("id"))}
"""
_ENDED = f"""
(SELECT ends_at, 3, {_DIGITS.format("id")}, 'alert_ended', NULL, NULL, id, alertname, severity,
        jsonb_build_object('summary', annotations->>'summary')
   FROM alerts WHERE agent_id = :agent_id AND status = 'resolved'
{_BOUNDED.format(at="ends_at", source=3, key=_DIGITS.format("id"))}
"""
_SEEN = f"""
(SELECT acknowledged_at, 4, fingerprint, 'alert_acknowledged', NULL, NULL, entry.id,
        entry.alertname, entry.severity, jsonb_build_object('by', key_name, 'note', note)
   FROM alert_acknowledgements CROSS JOIN LATERAL (
        SELECT id, alertname, severity FROM alerts
         WHERE alerts.fingerprint = alert_acknowledgements.fingerprint
           AND alerts.starts_at = alert_acknowledgements.starts_at ORDER BY id LIMIT 1) AS entry
  WHERE agent_id = :agent_id
{_BOUNDED.format(at="acknowledged_at", source=4, key="fingerprint")}
"""
_TIMELINE = text(
    " UNION ALL ".join((_EVENTS, _BEGAN, _ENDED, _SEEN))
    + " ORDER BY at DESC, source DESC, key DESC LIMIT :limit"
)
# Behind everything that may happen.
_END = Place(datetime(9999, 1, 1, tzinfo=UTC), 9, "")


def read_timeline(session: Session, agent_id: uuid.UUID, filters: TimelineFilters) -> Timeline:
    """One page of what happened to this agent, what happened last coming first."""
    begin = _END if filters.cursor is None else Place.of(filters.cursor)
    asked = {
        **begin._asdict(),
        "agent_id": agent_id,
        "since": filters.since,
        "until": filters.until,
        "limit": filters.limit + 1,
    }
    # Any: the values of a row.
    found: CursorResult[Any] = session.execute(_TIMELINE, asked)  # type: ignore[assignment]  # it is one
    rows = found.mappings().all()
    shown = rows[: filters.limit]
    last = shown[-1] if len(rows) > filters.limit else None
    return Timeline(
        items=[Happening.model_validate(dict(row)) for row in shown],
        next_cursor=None if last is None else Place(*(last[n] for n in Place._fields)).cursor,
    )
