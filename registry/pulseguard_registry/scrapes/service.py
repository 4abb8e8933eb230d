"""Keeps what each Prometheus tells of its scrapes, and what follows from it for an agent."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    SQLColumnExpression,
    and_,
    any_,
    case,
    exists,
    false,
    func,
    null,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from pulseguard_registry.agents.models import Agent
from pulseguard_registry.discovery.models import ServedTarget
from pulseguard_registry.scrapes.models import AgentScrape, ScrapeReport
from pulseguard_registry.scrapes.schemas import ScrapeReceipt, ScrapeState

# sync tells every 15 s: what was not told three times in a row is not known any more.
TOLD_SECONDS: Final = 60.0
# How long it takes until a first scrape is told, or that a target has gone: a list is decided,
# asked for and read within 7 s, two scrapes take 20 s, for the first may fail, and sync tells every
# 15 s.
TIME_TO_TELL_SECONDS: Final = 45.0

# Ten thousand agents are told every 15 s, of whom hardly any changes: only those are looked at
# again. A stranger is among them each time, since nothing is kept of it. What is told is
# materialized, else each id would be read anew wherever it is compared.
_STORE = text("""
WITH told AS MATERIALIZED (
    SELECT CAST(agent_id AS uuid) AS agent_id, state
      FROM ROWS FROM (string_to_table(:ids, ','), string_to_table(:states, ','))
        AS t(agent_id, state)
), differing AS MATERIALIZED (
    SELECT agent_id, told.state, agents.id IS NOT NULL AS is_known
      FROM told
      FULL JOIN (SELECT * FROM agent_scrapes WHERE prometheus = :prometheus) AS kept
     USING (agent_id)
      LEFT JOIN agents ON agents.id = agent_id
     WHERE told.state IS DISTINCT FROM kept.state
), gone AS (
    DELETE FROM agent_scrapes
     USING differing
     WHERE prometheus = :prometheus AND agent_scrapes.agent_id = differing.agent_id
       AND differing.state IS NULL
), changed AS (
    INSERT INTO agent_scrapes AS kept (prometheus, agent_id, state)
    SELECT :prometheus, agent_id, state FROM differing
     WHERE is_known AND state IS NOT NULL
     ORDER BY agent_id
    ON CONFLICT (prometheus, agent_id) DO UPDATE SET state = excluded.state, since = now()
     WHERE kept.state <> excluded.state
    RETURNING agent_id
)
SELECT (SELECT count(*) FROM changed),
       ARRAY(SELECT agent_id::text FROM differing WHERE NOT is_known ORDER BY agent_id)
""")


# A Prometheus in a container has another name each time that it is made anew.
_DROP_OLD = text("""
WITH gone AS (
    DELETE FROM scrape_reports WHERE told_at < now() - interval '1 day' RETURNING prometheus
)
DELETE FROM agent_scrapes WHERE prometheus IN (SELECT prometheus FROM gone)
""")


def store_report(
    session: Session, prometheus: str, scrapes: Mapping[uuid.UUID, ScrapeState]
) -> ScrapeReceipt:
    """Replace what this Prometheus told before."""
    seen = [(agent_id, state) for agent_id, state in scrapes.items() if state != "absent"]
    # As texts, not arrays: psycopg looks at each value of those anew, and PostgreSQL reads them
    # twice, once to plan. Python writes the number of an id ten times as fast as its usual form.
    told = {
        "prometheus": prometheus,
        "ids": ",".join([f"{agent_id.int:032x}" for agent_id, _ in seen]),
        "states": ",".join([state for _, state in seen]),
    }
    changed, strangers = session.execute(_STORE, told).one()
    report = {"told_at": func.now(), "strangers": strangers}
    goes_on = case((is_current(), ScrapeReport.began_at), else_=func.now())
    session.execute(
        insert(ScrapeReport)
        .values(prometheus=prometheus, **report)
        .on_conflict_do_update(index_elements=["prometheus"], set_={**report, "began_at": goes_on})
    )
    return ScrapeReceipt(changed=changed, strangers=len(strangers))


def drop_old_reports(connection: Connection) -> None:
    """Forget each Prometheus that has told nothing for a day, with all that it told."""
    connection.execute(_DROP_OLD)


@dataclass(frozen=True)
class Scrapes:
    """Whether any Prometheus that tells has scraped an agent, whether one has failed to, and
    whether one that tells no more had it when it told last."""

    up: ColumnElement[bool]
    down: ColumnElement[bool]
    lapsed: ColumnElement[bool]


def scraped_expression(scrapes: Scrapes | None = None) -> ColumnElement[ScrapeState | None]:
    """How an agent is scraped: up if it is anywhere, else down, else absent; null where no
    Prometheus tells or has had the time for it, where the one that had it tells no more, or where
    it is not to be scraped: retired, stopped or without an address.

    `scrapes` of `scrapes_among` for many agents; without, it is looked up for each.
    """
    scrapes = scrapes or _scrapes_of_each()
    return case(
        (~anyone_tells(), null()),
        (scrapes.up, "up"),
        (scrapes.down, "down"),
        (Agent.retired_at.is_not(None), null()),
        (Agent.stopped_at.is_not(None), null()),
        (Agent.metrics_address.is_(None), null()),
        # Another one that tells knows nothing of the agents of this one.
        (scrapes.lapsed, null()),
        (_had_time(), "absent"),
        else_=null(),
    )


def scrapes_among(only: ColumnElement[Sequence[uuid.UUID]] | None = None) -> Scrapes:
    """For all agents, or `only` these: sets, made once, in which each agent is looked for."""
    kept = select(AgentScrape.agent_id)
    if only is not None:
        kept = kept.where(AgentScrape.agent_id == any_(only))
    known = kept.where(AgentScrape.prometheus.in_(_telling()))
    return Scrapes(
        Agent.id.in_(known.where(AgentScrape.state == "up")),
        Agent.id.in_(known.where(AgentScrape.state != "up")),
        Agent.id.in_(kept.where(AgentScrape.prometheus.not_in(_telling()))),
    )


def _scrapes_of_each() -> Scrapes:
    of_agent = AgentScrape.agent_id == Agent.id
    tells = AgentScrape.prometheus.in_(_telling())
    is_up = select(func.bool_or(AgentScrape.state == "up")).where(of_agent, tells)
    found = is_up.correlate(Agent).scalar_subquery()
    lapsed = exists().where(of_agent, ~tells).correlate(Agent)
    return Scrapes(found.is_(True), found.is_(False), lapsed)


def anyone_tells() -> ColumnElement[bool]:
    """Whether any Prometheus tells what it scrapes."""
    told = select(func.count() > 0).where(is_current()).select_from(ScrapeReport)
    return told.scalar_subquery()


def _telling() -> Select[str]:
    return select(ScrapeReport.prometheus).where(is_current())


# Any: a moment, or null.
def is_long_ago(moment: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """Whether what began then, or ended, has reached Prometheus and been told back."""
    return moment < func.now() - timedelta(seconds=TIME_TO_TELL_SECONDS)


def somebody_had_time() -> ColumnElement[bool]:
    """Whether one that tells has told for long enough to know what it scrapes."""
    telling = select(func.coalesce(func.bool_or(is_long_ago(ScrapeReport.began_at)), false()))
    return telling.where(is_current()).scalar_subquery()


def served() -> Select[uuid.UUID]:
    """The agents that discovery serves, those that it holds back too."""
    return select(ServedTarget.agent_id).where(ServedTarget.left_at.is_(None))


def served_lately() -> Select[uuid.UUID]:
    """Those for whose first scrape the time was too short: not served before, or as another
    target."""
    return served().where(~is_long_ago(ServedTarget.since))


def _had_time() -> ColumnElement[bool]:
    """Whether one that tells has had the time for a first scrape of an agent that is served."""
    # IN and not EXISTS: PostgreSQL would reckon with a look for each agent, of whom hardly one
    # needs it, and take the whole query for one that is worth compiling.
    long_served = served().where(is_long_ago(ServedTarget.since))
    return and_(somebody_had_time(), Agent.id.in_(long_served))


def is_current() -> ColumnElement[bool]:
    """Whether a report is recent enough to be believed, by the database's clock."""
    return ScrapeReport.told_at > func.now() - timedelta(seconds=TOLD_SECONDS)
