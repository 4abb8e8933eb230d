"""The tables of alert rules."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, FetchedValue, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from pulseguard_registry.database.engine import Base


class GroupRow(Base):
    """A group, and the file that Prometheus reads of it; null where there is nothing to read."""

    __tablename__ = "rule_groups"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    interval: Mapped[str | None]
    result_limit: Mapped[int]
    labels: Mapped[dict[str, str]] = mapped_column(JSONB)
    owner: Mapped[str]
    enabled: Mapped[bool]
    revision: Mapped[int] = mapped_column(BigInteger)
    shared_revision: Mapped[int] = mapped_column(BigInteger, server_default=FetchedValue())
    version: Mapped[int] = mapped_column(BigInteger, server_default=FetchedValue())
    content: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
    changed_at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())


class RuleRow(Base):
    """A rule of a group; its revision is that of the group with which it changed last."""

    __tablename__ = "alert_rules"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    group_id: Mapped[uuid.UUID]
    position: Mapped[int]
    kind: Mapped[str]
    name: Mapped[str]
    expr: Mapped[str]
    pending: Mapped[str | None]
    keep_firing_for: Mapped[str | None]
    labels: Mapped[dict[str, str]] = mapped_column(JSONB)
    annotations: Mapped[dict[str, str]] = mapped_column(JSONB)
    enabled: Mapped[bool]
    revision: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
    changed_at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())


class RevisionRow(Base):
    """What a group was at a revision, and what had changed; it outlives the group."""

    __tablename__ = "rule_revisions"

    group_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
    author: Mapped[str]
    author_id: Mapped[uuid.UUID | None]
    message: Mapped[str]
    action: Mapped[str]
    # Any: JSON. None is SQL's null, not JSON's.
    document: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    diff: Mapped[str]
    changes: Mapped[list[str]] = mapped_column(JSONB)
    rules: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid))


class SyncRow(Base):
    """What a Prometheus has loaded, by the id of a group, as what stands beside it told last."""

    __tablename__ = "rule_syncs"

    prometheus: Mapped[str] = mapped_column(primary_key=True)
    told_at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
    told_since: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
    version: Mapped[int] = mapped_column(BigInteger)
    trouble: Mapped[str]
    loads: Mapped[dict[str, Any]] = mapped_column(JSONB)  # Any: JSON
