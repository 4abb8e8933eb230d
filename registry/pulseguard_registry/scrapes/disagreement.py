"""Where inventory, heartbeats and scrapes tell different things about an agent."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import QueryableAttribute, Session

from pulseguard_registry.agents.models import Agent
from pulseguard_registry.agents.processes import processes_expression
from pulseguard_registry.agents.status import status_expression
from pulseguard_registry.scrapes.models import ScrapeReport
from pulseguard_registry.scrapes.schemas import (
    KINDS,
    Disagreement,
    DisagreementKind,
    Disagreements,
    ScrapeState,
)
from pulseguard_registry.scrapes.service import (
    anyone_tells,
    is_current,
    is_long_ago,
    scraped_expression,
    scrapes_among,
    served,
    served_lately,
    somebody_had_time,
)

SHOWN_OF_A_KIND = 500
HEARD: Final = "heard"


class Seen(NamedTuple):
    """How an agent is scraped, whether any Prometheus tells of its scrapes, which processes beat as
    the agent where two do, and what does not fit."""

    scraped: ScrapeState | None
    somebody_tells: bool
    processes: list[str] | None
    disagreements: list[DisagreementKind]


def read_disagreements(
    session: Session, offline_after_seconds: float, heard: Sequence[uuid.UUID]
) -> Disagreements:
    """The first of each kind and how many there are; where no Prometheus tells, what heartbeats
    alone tell. `heard` are those that were refused a moment ago, for they were retired."""
    asked = _first_of_each_kind(offline_after_seconds)
    rows = session.execute(asked, {HEARD: heard}).mappings().all()
    return Disagreements(
        prometheus=_telling(session),
        totals={row["kind"]: row["total"] for row in rows},
        items=[Disagreement.model_validate(dict(row)) for row in rows],
    )


# Any: rows of mixed columns, here and below. Made once: to make it takes a third as long as to run
# it.
@cache
def _first_of_each_kind(offline_after_seconds: float) -> Select[*tuple[Any, ...]]:
    """The columns of a Disagreement, and how many there are of its kind."""
    found = _found_among(seen_agents(offline_after_seconds)).c
    number = func.row_number().over(partition_by=found.kind, order_by=found.agent_id)
    total = func.count().over(partition_by=found.kind)
    numbered = select(*found, number.label("number"), total.label("total")).subquery()
    query = select(numbered).where(numbered.c.number <= SHOWN_OF_A_KIND)
    return query.order_by(numbered.c.kind, numbered.c.agent_id)


def counts_among(seen: CTE) -> ColumnElement[dict[DisagreementKind, int]]:
    """How many there are of each kind among `seen_agents`, as one value; none is left out.

    Who was refused, for it was retired, is the parameter `HEARD`.
    """
    found = _found_among(seen)
    counted = select(found.c.kind, func.count().label("n")).group_by(found.c.kind).subquery()
    counts = select(func.coalesce(func.jsonb_object_agg(counted.c.kind, counted.c.n), text("'{}'")))
    return counts.scalar_subquery()


def known_kinds(session: Session) -> tuple[DisagreementKind, ...]:
    """Those of which it is known how many there are."""
    return KINDS if _telling(session) else ("retired_but_heard", "two_processes")


def seen_agents(offline_after_seconds: float, *more: QueryableAttribute[Any]) -> CTE:
    """Each agent that was not retired, or that a Prometheus has all the same, what is seen of it,
    and more of its columns: each is written down of all agents, which takes its time."""
    scrapes = scrapes_among()
    return (
        _seen(scraped_expression(scrapes), offline_after_seconds)
        .add_columns(*more)
        .where(or_(Agent.retired_at.is_(None), scrapes.up, scrapes.down))
        .cte("seen")
        # Else PostgreSQL looks the scrape up again for each place that speaks of it.
        .prefix_with("MATERIALIZED")
    )


def see_agent(
    session: Session, agent_id: uuid.UUID, offline_after_seconds: float, *, was_refused: bool
) -> Seen:
    """What is seen of one agent; `was_refused`: a moment ago, for it was retired."""
    seen = _seen(scraped_expression(), offline_after_seconds).where(Agent.id == agent_id)
    agent = seen.cte("seen")
    kind = _kind(agent).label("kind")
    tells = anyone_tells().label("somebody_tells")
    row = session.execute(select(agent, kind, tells)).one()
    runs_on = was_refused and row.retired_at is not None
    kinds = [
        row.kind,
        "retired_but_heard" if runs_on else None,
        "two_processes" if row.processes else None,
    ]
    found = [kind for kind in kinds if kind is not None]
    return Seen(row.scraped, row.somebody_tells, row.processes, found)


def _telling(session: Session) -> list[str]:
    query = select(ScrapeReport.prometheus).where(is_current())
    return list(session.scalars(query.order_by(ScrapeReport.prometheus)))


def _found_among(seen: CTE) -> CTE:
    """Each disagreement, as the columns of one."""
    kind, two = _kind(seen), literal("two_processes")
    nobody = cast([], ARRAY(Text))
    return union_all(
        select(*_columns(seen, kind, nobody)).where(kind.is_not(None)),
        select(*_columns(seen, two, seen.c.processes)).where(seen.c.processes.is_not(None)),
        _strangers(nobody),
        _heard(nobody),
    ).cte("found")


def _seen(
    scraped: ColumnElement[ScrapeState | None], offline_after_seconds: float
) -> Select[*tuple[Any, ...]]:
    return select(
        Agent.id,
        Agent.name,
        Agent.instance,
        Agent.registered_at,
        Agent.stopped_at,
        Agent.retired_at,
        status_expression(offline_after_seconds).label("status"),
        scraped.label("scraped"),
        processes_expression(offline_after_seconds).label("processes"),
    )


def _kind(seen: CTE) -> ColumnElement[DisagreementKind | None]:
    """What the scrape does not fit, if anything; what Prometheus has not had the time for fits."""
    one = seen.c
    is_silent = or_(
        and_(one.status == "OFFLINE", one.stopped_at.is_(None)),
        is_long_ago(one.stopped_at),
        and_(one.status == "UNKNOWN", is_long_ago(one.registered_at)),
    )
    had_time = and_(somebody_had_time(), one.id.not_in(served_lately()))
    has_left = and_(is_long_ago(one.retired_at), one.id.not_in(served()))
    return case(
        # Planned work explains everything.
        (one.status == "MAINTENANCE", null()),
        # First what is cheap: for a null both sides of an AND are looked at.
        (
            and_(one.retired_at.is_not(None), one.scraped.is_not(None), has_left),
            literal("retired_but_scraped"),
        ),
        (one.retired_at.is_not(None), null()),
        (one.scraped == "absent", "registered_not_scraped"),
        (and_(one.scraped == "up", is_silent), "scraped_but_silent"),
        (
            and_(one.scraped == "down", one.status.in_(("ONLINE", "ERROR")), had_time),
            "beats_but_down",
        ),
        else_=null(),
    )


def _columns(
    seen: CTE, kind: ColumnElement[Any], processes: ColumnElement[Any]
) -> list[ColumnElement[Any]]:
    named = (seen.c.name, seen.c.instance, seen.c.status, seen.c.scraped)
    return [
        kind.label("kind"),
        cast(seen.c.id, Text).label("agent_id"),
        *named,
        processes.label("processes"),
    ]


def _heard(nobody: ColumnElement[Any]) -> Select[Any]:
    """Those that are retired, and ask us all the same."""
    return select(
        literal("retired_but_heard").label("kind"),
        cast(Agent.id, Text).label("agent_id"),
        Agent.name,
        Agent.instance,
        literal("OFFLINE").label("status"),
        null().label("scraped"),
        nobody.label("processes"),
    ).where(Agent.id == any_(bindparam(HEARD, type_=ARRAY(Uuid))), Agent.retired_at.is_not(None))


def _strangers(nobody: ColumnElement[Any]) -> Select[Any]:
    """Those whom a Prometheus scrapes and nobody has registered, also not since it told."""
    told = select(func.unnest(ScrapeReport.strangers).label("agent_id")).where(is_current())
    stranger = told.distinct().subquery()
    nothing = [null().label(name) for name in ("name", "instance", "status", "scraped")]
    is_known = exists().where(Agent.id == cast(stranger.c.agent_id, Uuid))
    kind = literal("scraped_not_registered").label("kind")
    return select(kind, stranger.c.agent_id, *nothing, nobody.label("processes")).where(~is_known)
