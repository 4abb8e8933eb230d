"""What is told of each Prometheus: the report as it is sent, and all reports in one answer."""

from __future__ import annotations

import unicodedata
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt
from sqlalchemy import select
from sqlalchemy.orm import Session

from pulseguard_registry.rules.kept import version_now
from pulseguard_registry.rules.loading import STATES, Report, Target, prove, read_reports
from pulseguard_registry.rules.models import GroupRow
from pulseguard_registry.scrapes.models import ScrapeReport
from pulseguard_registry.scrapes.service import is_current

_REASON_CHARACTERS: Final = 2000
_UNKEPT: Final = frozenset({"Cc", "Cs"})


def _kept(text: str) -> str:
    """As much of it as is kept: what promtool says is not to be refused for how it says it."""
    characters = (
        "\ufffd" if unicodedata.category(each) in _UNKEPT and each not in "\n\t" else each
        for each in text[:_REASON_CHARACTERS]
    )
    return "".join(characters)


Said = Annotated[str, AfterValidator(_kept)]
Number = Annotated[StrictInt, Field(ge=1, le=2**53)]


class GroupLoad(BaseModel):
    """Which revisions of a group were loaded and rejected last."""

    model_config = ConfigDict(extra="forbid")

    loaded: Number | None = Field(None, description="Null: nothing of it is.")
    rejected: Number | None = Field(None, description="Null: nothing was since.")
    reason: Said = Field("", description="Why it was rejected.")


class RuleReport(BaseModel):
    """What one Prometheus has of the bundle; a group that is not named is not loaded."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "version": 17,
                    "groups": {
                        "0f8c4b0e-3f0e-5a52-8f5e-0a4a1f0f7a55": {
                            "loaded": 3,
                            "rejected": None,
                            "reason": "",
                        }
                    },
                    "trouble": "",
                }
            ]
        },
    )

    version: StrictInt = Field(
        ge=0, le=2**53, description="Of the bundle that it was brought to, as far as it could."
    )
    groups: Annotated[dict[uuid.UUID, GroupLoad], Field(max_length=5000)]
    trouble: Said = Field("", description="Why Prometheus could not be asked.")


class PrometheusSync(BaseModel):
    """What is told of one Prometheus."""

    name: str
    current: bool = Field(description="Whether its rules were told within 60 s.")
    told_at: datetime | None = Field(description="When its rules were; null: they never were.")
    version: int | None = Field(description="Of the bundle that it was brought to.")
    trouble: str = Field(description="Why it could not be asked.")
    pending: int = Field(description="Groups that it has not taken yet.")
    loaded: int = Field(description="Groups that it has as they are to be.")
    rejected: int = Field(description="Groups that it has refused as they are.")
    scrapes_told_at: datetime | None = Field(description="When its scrapes were told.")
    scrapes_current: bool = Field(description="Whether these were told within 60 s.")


class Syncs(BaseModel):
    """Each Prometheus of which anything was told, ordered by name."""

    version: int = Field(description="Of the bundle, with the last change of a group.")
    prometheus: list[PrometheusSync]


def read_targets(session: Session) -> list[Target]:
    """What Prometheus is to have of each group."""
    query = select(GroupRow.id, GroupRow.revision, GroupRow.version, GroupRow.content.is_not(None))
    return [Target(*row) for row in session.execute(query)]


def read_syncs(session: Session) -> Syncs:
    """All that is told of each Prometheus."""
    reports = {report.prometheus: report for report in read_reports(session)}
    query = select(ScrapeReport.prometheus, ScrapeReport.told_at, is_current())
    scrapes = {name: (told_at, current) for name, told_at, current in session.execute(query)}
    targets = read_targets(session)
    return Syncs(
        version=version_now(session),
        prometheus=[
            _sync(name, reports.get(name), scrapes.get(name, (None, False)), targets)
            for name in sorted({*reports, *scrapes})
        ],
    )


def _sync(
    name: str,
    report: Report | None,
    scrapes: tuple[datetime | None, bool],
    targets: Sequence[Target],
) -> PrometheusSync:
    if report is None:
        counts = Counter({"pending": len(targets)})
    else:
        counts = Counter(prove(target, report).state for target in targets)
    return PrometheusSync(
        name=name,
        current=report is not None and report.is_current,
        told_at=None if report is None else report.told_at,
        version=None if report is None else report.version,
        trouble="" if report is None else report.trouble,
        scrapes_told_at=scrapes[0],
        scrapes_current=scrapes[1],
        **{state: counts[state] for state in STATES},
    )
