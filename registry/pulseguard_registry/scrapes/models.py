"""The tables of scrapes: what each Prometheus sees, and when it last told."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import DateTime, FetchedValue, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from pulseguard_registry.database.engine import Base


class AgentScrape(Base):
    """How the last scrape of an agent went; written only when that changes."""

    __tablename__ = "agent_scrapes"

    prometheus: Mapped[str] = mapped_column(primary_key=True)
    agent_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    state: Mapped[str]
    since: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())


class ScrapeReport(Base):
    """When a Prometheus told last, since when without a gap, and which agents it scrapes that
    nobody has registered."""

    __tablename__ = "scrape_reports"

    prometheus: Mapped[str] = mapped_column(primary_key=True)
    told_at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
    began_at: Mapped[datetime] = mapped_column(DateTime(True), server_default=FetchedValue())
    strangers: Mapped[list[str]] = mapped_column(ARRAY(Text))
