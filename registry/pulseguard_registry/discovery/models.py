"""The table of what discovery serves, as others read it; `store.py` writes it."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import DateTime, FetchedValue
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from pulseguard_registry.database.engine import Base


class ServedTarget(Base):
    """A target as it is served `since` then, or was until it left at `left_at`.

    All else is null of one that left under a version that did not keep it.
    """

    __tablename__ = "served_targets"

    agent_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    left_at: Mapped[datetime | None] = mapped_column(DateTime(True))
    metrics_address: Mapped[str | None]
    name: Mapped[str | None]
    instance: Mapped[str | None]
    type: Mapped[str | None]
    environment: Mapped[str | None]
    team: Mapped[str | None]
    labels: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    since: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
