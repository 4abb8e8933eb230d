"""Who has seen an alert: written beside the history, which only Alertmanager writes."""

from __future__ import annotations

from sqlalchemy import delete, func, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.alerts.entries import Alert
from pulseguard_registry.alerts.models import Acknowledgement


def acknowledge(session: Session, alert: Alert, by: Principal, note: str) -> None:
    """Note who has seen it, when, and what they say of it. The same by the same again changes
    nothing; another note, or another's, takes its place."""
    made = insert(Acknowledgement).values(
        fingerprint=alert.fingerprint,
        starts_at=alert.starts_at,
        agent_id=alert.agent_id,
        key_id=by.key_id,
        key_name=by.name,
        note=note,
    )
    session.execute(
        made.on_conflict_do_update(
            index_elements=["fingerprint", "starts_at"],
            set_={
                "acknowledged_at": func.now(),
                "key_id": made.excluded.key_id,
                "key_name": made.excluded.key_name,
                "note": made.excluded.note,
            },
            where=or_(
                Acknowledgement.note != made.excluded.note,
                Acknowledgement.key_id.is_distinct_from(made.excluded.key_id),
            ),
        )
    )


def take_back(session: Session, alert: Alert) -> None:
    """As if nobody had seen it; harmless where nobody has."""
    session.execute(
        delete(Acknowledgement).where(
            Acknowledgement.fingerprint == alert.fingerprint,
            Acknowledgement.starts_at == alert.starts_at,
        )
    )
