"""The tables of events: what happened, and which status was told last."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, FetchedValue
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from pulseguard_registry.database.engine import Base


class AgentEvent(Base):
    """One thing that happened to an agent; written by the database itself, never changed."""

    __tablename__ = "agent_events"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    agent_id: Mapped[uuid.UUID]
    at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
    kind: Mapped[str]
    was: Mapped[str | None]
    became: Mapped[str | None]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)  # Any: differs by kind


class AgentTold(Base):
    """What the last events told of an agent: its status and since when, and two processes."""

    __tablename__ = "agent_told"

    agent_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    status: Mapped[str]
    told_at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
    two_processes: Mapped[bool] = mapped_column(server_default=FetchedValue())
