"""The tables of alerts: their history, who acknowledged them, tests, and the dead man's switch."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, FetchedValue
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from pulseguard_registry.database.engine import Base


class Alert(Base):
    """One thing that happened to an alert: it began to fire, or it was resolved.

    `agent_then` is its agent as it was when the alert began: version, status, latest snapshot.
    """

    __tablename__ = "alerts"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[str]
    alertname: Mapped[str]
    severity: Mapped[str]
    agent_id: Mapped[uuid.UUID | None]
    labels: Mapped[dict[str, str]] = mapped_column(JSONB)
    annotations: Mapped[dict[str, str]] = mapped_column(JSONB)
    starts_at: Mapped[datetime] = mapped_column(DateTime(True))
    ends_at: Mapped[datetime | None] = mapped_column(DateTime(True))
    generator_url: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
    last_told_at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
    agent_name: Mapped[str] = mapped_column(server_default=FetchedValue())
    environment: Mapped[str] = mapped_column(server_default=FetchedValue())
    team: Mapped[str] = mapped_column(server_default=FetchedValue())
    agent_then: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # Any: mixed values


class Acknowledgement(Base):
    """Somebody has seen an alert: of a fingerprint and a start, so of both its entries."""

    __tablename__ = "alert_acknowledgements"

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(DateTime(True), primary_key=True)
    agent_id: Mapped[uuid.UUID | None]
    acknowledged_at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
    key_id: Mapped[uuid.UUID | None]
    key_name: Mapped[str]
    note: Mapped[str]


class Watchdog(Base):
    """The one row that says when the dead man's switch was last heard."""

    __tablename__ = "watchdog"

    is_the_only_row: Mapped[bool] = mapped_column(primary_key=True)
    told_at: Mapped[datetime | None] = mapped_column(DateTime(True))


class AlertTest(Base):
    """A test alert that was sent; `before` is what Alertmanager had counted until then, and
    `told_before` how many notifications the registry had answered. `verdict` is what became of it,
    when that was asked last."""

    __tablename__ = "alert_tests"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
    before: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)  # Any: mixed values
    told_before: Mapped[int] = mapped_column(BigInteger)
    verdict: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # Any: mixed values
