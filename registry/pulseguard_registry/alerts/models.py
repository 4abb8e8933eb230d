"""The table of alerts."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, FetchedValue
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from pulseguard_registry.database.engine import Base


class Alert(Base):
    """One thing that happened to an alert: it began to fire, or it was resolved."""

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
