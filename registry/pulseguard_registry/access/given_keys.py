"""Takes keys over from the files that give them: at the start, and whenever a file has changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from pulseguard_registry.access.given_files import GivenFile, GivenFiles
from pulseguard_registry.access.models import ApiKey
from pulseguard_registry.access.service import LONGEST_NAME, store_key
from pulseguard_registry.access.tokens import digest
from pulseguard_registry.audit.recording import record_start, record_upkeep
from pulseguard_registry.database.diagnosis import own_words
from pulseguard_registry.database.engine import Database
from pulseguard_registry.database.migrate import take_lock
from pulseguard_registry.database.supervisor import Supervisor

LOOK_SECONDS = 1.0
# Long enough for whoever holds the key before to read the new one.
_MINUTES: Final = 15
_BY: Final = "given keys"

log = logging.getLogger("pulseguard.registry")


class GivenKeys:
    """Keeps the keys in the database as the files say.

    A file that cannot be used, or whose key may not be taken over, is told once, and changes
    nothing: what was valid stays so.
    """

    def __init__(self, files: GivenFiles, database: Database, pepper: str) -> None:
        self._files = files
        self._database = database
        self._pepper = pepper
        self._taken: Mapping[GivenFile, str] = {}
        self._faults: Mapping[GivenFile, str] = {}
        self._refused: Mapping[GivenFile, str] = {}

    def take_over_all(self) -> None:
        """Take over what the files hold, whatever was taken over before: it may be another
        database by now."""
        self._taken = {}
        self.follow()

    def follow(self) -> None:
        """Take over what the files hold, where it is not what was taken over last."""
        held = self._files.look()
        self._faults = _tell(held.faults, self._faults)
        if held.keys.items() <= self._taken.items():
            return
        with self._database.sessions.begin() as session:
            take_lock(session)
            taken = take_over(session, held.keys, self._pepper)
        self._taken = held.keys
        for file in taken.changed:
            before = f"; the one before ends in {_MINUTES} minutes" if file in taken.ending else ""
            log.info("%s: its key is taken over%s", file, before)
        self._refused = _tell(taken.refused, self._refused)

    async def run(self, supervisor: Supervisor) -> None:
        """Follow the files for ever, while the database can be used; what fails is tried again."""
        told = None
        while self._files.files:
            await asyncio.sleep(LOOK_SECONDS)
            if supervisor.trouble is not None:
                continue
            try:
                await asyncio.to_thread(self.follow)
                told = None
            except (DBAPIError, PoolTimeout) as error:
                reason = str(own_words(error))
                if reason != told:
                    log.warning("given keys were not taken over, and are tried again: %s", reason)
                told = reason


@dataclass
class Taken:
    """The files whose key was taken over now, those with a key before that ends now, and why the
    key of others was not."""

    changed: list[GivenFile] = field(default_factory=list)
    ending: set[GivenFile] = field(default_factory=set)
    refused: dict[GivenFile, str] = field(default_factory=dict)


def take_over(session: Session, keys: Mapping[GivenFile, str], pepper: str) -> Taken:
    """Make the key of each file valid without an end, and let those before it end soon.

    Keys that no file gives any more are left alone.
    """
    texts = {digest(token, pepper): (file, token) for file, token in keys.items()}
    known = _locked(session, texts.keys(), [str(file.path) for file in keys])
    rows = {row.digest: row for row in known}
    taken, held = Taken(), {}
    for text, (file, token) in texts.items():
        row = rows.get(text)
        if row is not None and (why := _why_not(row, file)):
            taken.refused[file] = why
        elif row is None or (row.given_as, row.expires_at) != (str(file.path), None):
            held[file] = _keep(session, row, file, token, pepper)
            taken.changed.append(file)
        else:
            held[file] = row
    taken.ending = _end_others(session, known, held)
    return taken


def _locked(
    session: Session, digests: Collection[bytes], given_as: Collection[str]
) -> list[ApiKey]:
    """The keys that the files hold, and those that they held, in the order in which all lock."""
    query = (
        select(ApiKey)
        .where(or_(ApiKey.digest.in_(digests), ApiKey.given_as.in_(given_as)))
        .order_by(ApiKey.id)
        .with_for_update()
    )
    return list(session.scalars(query))


def _why_not(row: ApiKey, file: GivenFile) -> str:
    if row.revoked_at is not None:
        return f"its key {row.id} was revoked and stays revoked; write another one into it"
    if (row.environment, row.team, row.agent_id) == (file.environment, None, None):
        return ""
    bound = row.environment if row.team is None else f"{row.environment} / {row.team}"
    to = f"agent {row.agent_id}" if row.agent_id else f"environment {bound}"
    return f"its key {row.id} is known, and bound to {to}; write another one into it"


def _keep(session: Session, row: ApiKey | None, file: GivenFile, token: str, pepper: str) -> ApiKey:
    if row is None:
        row, _ = store_key(
            session,
            pepper,
            name=file.path.name[:LONGEST_NAME],
            role=file.role,
            environment=file.environment,
            team=None,
            token=token,
        )
    row.given_as, row.expires_at = str(file.path), None
    record_start(session, "keys", row.id, by=_BY)
    return row


def _end_others(
    session: Session, known: Collection[ApiKey], held: Mapping[GivenFile, ApiKey]
) -> set[GivenFile]:
    """End what these files held before, unless it has ended or does so earlier; whose that was."""
    end = session.execute(select(func.now())).scalar_one() + timedelta(minutes=_MINUTES)
    of = {str(file.path): file for file in held}
    others = [
        row
        for row in known
        if row.given_as in of and row not in held.values() and row.revoked_at is None
        if row.expires_at is None or row.expires_at > end
    ]
    for row in others:
        row.expires_at = end
    record_upkeep(session, "/keys/{key_id}", [row.id for row in others], by=_BY)
    return {of[row.given_as] for row in others if row.given_as}


def _tell(now: Mapping[GivenFile, str], before: Mapping[GivenFile, str]) -> Mapping[GivenFile, str]:
    """Log what is wrong now and was not before."""
    for file, fault in now.items():
        if before.get(file) != fault:
            log.warning("%s: %s; what was valid before stays so", file, fault)
    return now
