"""The table of keys."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import DateTime, FetchedValue
from sqlalchemy.orm import Mapped, mapped_column

from pulseguard_registry.database.engine import Base


class ApiKey(Base):
    """A key as it is kept: its digest, never its text."""

    __tablename__ = "api_keys"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    environment: Mapped[str | None]
    team: Mapped[str | None]
    digest: Mapped[bytes]
    pepper_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(True))
    agent_id: Mapped[uuid.UUID | None]
    enrolled_by: Mapped[uuid.UUID | None]
    given_as: Mapped[str | None]
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(True))
    changed_in: Mapped[int] = mapped_column(server_default=FetchedValue())
