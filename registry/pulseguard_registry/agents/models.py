"""The table of agents, and since when their silence counts."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, FetchedValue, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from pulseguard_registry.database.engine import Base


class Agent(Base):
    """One agent: environment, name and instance together are who it is."""

    __tablename__ = "agents"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    instance: Mapped[str]
    environment: Mapped[str]
    team: Mapped[str]
    type: Mapped[str]
    version: Mapped[str]
    description: Mapped[str]
    deployment_type: Mapped[str]
    host: Mapped[str]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    labels: Mapped[dict[str, str]] = mapped_column(JSONB)
    config: Mapped[dict[str, Any]] = mapped_column(JSONB)  # Any: the agent's own configuration
    metrics_address: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default=FetchedValue())
    registered_at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
    last_seen_at: Mapped[datetime | None] = mapped_column(DateTime(True))
    stopped_at: Mapped[datetime | None] = mapped_column(DateTime(True))
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(True))
    revision: Mapped[int] = mapped_column(BigInteger, server_default=FetchedValue())
    operator_set: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=FetchedValue())
    maintenance_until: Mapped[datetime | None] = mapped_column(DateTime(True))
    maintenance_reason: Mapped[str] = mapped_column(server_default=FetchedValue())
    process: Mapped[str | None]
    retired_by_operator: Mapped[bool] = mapped_column(server_default=FetchedValue())


class AgentProcesses(Base):
    """An agent of which another process has beaten before; written by the database itself."""

    __tablename__ = "agent_processes"

    agent_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    former: Mapped[str]
    marked: Mapped[str]
    changes: Mapped[int]
    returned_at: Mapped[datetime | None] = mapped_column(DateTime(True))


class Watch(Base):
    """The one row that the registries keep of their listening; what it means: `silence.Watch`."""

    __tablename__ = "watch"

    is_the_only_row: Mapped[bool] = mapped_column(primary_key=True)
    noted_at: Mapped[datetime] = mapped_column(DateTime(True))
    judged_from: Mapped[datetime] = mapped_column(DateTime(True))
    silent_before: Mapped[datetime] = mapped_column(DateTime(True))
    held_until: Mapped[datetime | None] = mapped_column(DateTime(True))
    held_agents: Mapped[int]
