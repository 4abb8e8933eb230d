"""The table of audit records."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import DateTime, FetchedValue
from sqlalchemy.orm import Mapped, mapped_column

from pulseguard_registry.database.engine import Base


class AuditRecord(Base):
    """One change: by whom, when, by which route, of what."""

    __tablename__ = "audit_records"

    id: Mapped[int] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
    key_id: Mapped[uuid.UUID | None]
    key_name: Mapped[str]
    role: Mapped[str]
    method: Mapped[str]
    route: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[str]
    status: Mapped[int]
    request_id: Mapped[str]
