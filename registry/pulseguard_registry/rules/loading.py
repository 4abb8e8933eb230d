"""Whether a change has reached Prometheus, by what stands beside each one tells of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Connection, case, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from pulseguard_registry.rules.models import SyncRow
from pulseguard_registry.scrapes.service import TOLD_SECONDS

LoadState = Literal["pending", "loaded", "rejected"]
STATES: tuple[LoadState, ...] = get_args(LoadState)


@dataclass(frozen=True)
class Load:
    """Which revisions of a group a Prometheus has loaded and rejected last, and why."""

    loaded: int | None = None
    rejected: int | None = None
    reason: str = ""


NOTHING = Load()


@dataclass(frozen=True)
class Report:
    """What was told of one Prometheus; `version` is that of the bundle it was brought to.

    Where that `is_ahead` of ours, it is of a past that a restored backup does not have, and its
    revisions are of other contents.
    """

    prometheus: str
    told_at: datetime
    is_current: bool
    version: int
    trouble: str
    loads: Mapping[str, Load]
    is_ahead: bool = False

    def load(self, group_id: uuid.UUID) -> Load:
        """What it has of a group."""
        return self.loads.get(str(group_id), NOTHING)


@dataclass(frozen=True)
class Target:
    """What Prometheus is to have from this version of the bundle on: a group of this revision, or
    nothing of it, where it is not `present`. Any revision from `since` on is as good, for what is
    the same in all of them."""

    group_id: uuid.UUID
    revision: int
    version: int
    present: bool
    since: int | None = None

    def is_met(self, revision: int | None, report: Report) -> bool:
        """Whether it is this revision that was told, or a later one of somebody who has changed the
        group since: that was not told before this one was there."""
        if revision is None or report.is_ahead:
            return False
        oldest = self.revision if self.since is None else self.since
        is_overtaken = revision > self.revision and report.version >= self.version
        return oldest <= revision <= self.revision or is_overtaken


@dataclass(frozen=True)
class Proof:
    """How far a change is with one Prometheus."""

    prometheus: str
    state: LoadState
    revision: int | None
    reason: str
    told_at: datetime


def prove(target: Target, report: Report) -> Proof:
    """How far one Prometheus is; what was told long ago is still the last that is known of it."""
    load = report.load(target.group_id)
    return Proof(
        report.prometheus,
        _state(target, report, load),
        load.loaded,
        load.reason or report.trouble,
        report.told_at,
    )


def _state(target: Target, report: Report, load: Load) -> LoadState:
    if not target.present:
        is_brought = report.version >= target.version and not report.is_ahead
        return "loaded" if is_brought and load.loaded is None else "pending"
    if target.is_met(load.loaded, report):
        return "loaded"
    return "rejected" if target.is_met(load.rejected, report) else "pending"


def overall(proofs: Iterable[Proof]) -> LoadState:
    """Of all Prometheuses: rejected by any, else pending with any or where nobody tells."""
    states = {proof.state for proof in proofs}
    if "rejected" in states:
        return "rejected"
    return "loaded" if states == {"loaded"} else "pending"


def settled(targets: Sequence[Target], reports: Sequence[Report]) -> bool:
    """Whether there is nothing to wait for: each Prometheus that tells has loaded or rejected each
    of these, or none tells at all."""
    return all(
        prove(target, report).state != "pending"
        for report in reports
        if report.is_current
        for target in targets
    )


def shown(target: Target, reports: Sequence[Report]) -> tuple[LoadState, list[Proof]]:
    """The state over all Prometheuses that tell, and how far each one is that is known.

    One that tells no more, as that of a container which was made anew, holds up nobody.
    """
    proofs = [prove(target, report) for report in reports]
    pairs = zip(proofs, reports, strict=True)
    return overall(proof for proof, report in pairs if report.is_current), proofs


# Asked together with what was told: whoever told of a version has read it before.
_OUR_VERSION: ColumnElement[int] = literal_column(
    "(SELECT value FROM versions WHERE name = 'rules')"
)


def is_current() -> ColumnElement[bool]:
    """Whether a report is recent enough to be believed, by the database's clock."""
    return SyncRow.told_at > func.now() - timedelta(seconds=TOLD_SECONDS)


def read_reports(session: Session, group_id: uuid.UUID | None = None) -> list[Report]:
    """What was told of each Prometheus, ordered by name; with a group, of this one only."""
    # Any: an expression, where of many groups only one is of interest.
    loads: Any = SyncRow.loads
    if group_id is not None:
        loads = func.jsonb_build_object(str(group_id), loads[str(group_id)])
    columns = (SyncRow.prometheus, SyncRow.told_at, is_current(), SyncRow.version, SyncRow.trouble)
    is_ahead = SyncRow.version > _OUR_VERSION
    rows = session.execute(select(*columns, loads, is_ahead).order_by(SyncRow.prometheus))
    return [
        Report(name, told_at, current, version, trouble, _loads(told), ahead)
        for name, told_at, current, version, trouble, told, ahead in rows
    ]


def _loads(told: Mapping[str, dict[str, Any] | None]) -> dict[str, Load]:  # Any: JSON
    return {group_id: Load(**load) for group_id, load in told.items() if load is not None}


def store_report(
    session: Session, prometheus: str, version: int, trouble: str, loads: Mapping[str, Load]
) -> None:
    """Replace what was told of this Prometheus before."""
    told_since = case((is_current(), SyncRow.told_since), else_=func.now())
    told = {
        "told_at": func.now(),
        "version": version,
        "trouble": trouble,
        "loads": {group_id: vars(load) for group_id, load in loads.items()},
    }
    session.execute(
        insert(SyncRow)
        .values(prometheus=prometheus, **told)
        .on_conflict_do_update(
            index_elements=["prometheus"], set_=told | {"told_since": told_since}
        )
    )


# A Prometheus in a container has another name each time that it is made anew.
_DROP_OLD = text("DELETE FROM rule_syncs WHERE told_at < now() - interval '1 day'")


def drop_old_rule_reports(connection: Connection) -> None:
    """Forget each Prometheus of which nothing was told for a day."""
    connection.execute(_DROP_OLD)
