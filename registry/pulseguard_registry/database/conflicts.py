"""Turns a constraint of the schema that a change meets into what its caller is told.

Whatever can be said of a request by itself is said before. What is left is a race, for a key or for
what it refers to: what was there when the request was looked at is another thing once its rows are
written. A rule for one row, that it is not null or within a CHECK, nobody else's change can break:
where it is met a row of ours is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

# PostgreSQL's detail: `Key (environment, name)=(production, bot) already exists.` The words around
# the brackets are in the server's language.
_KEY = re.compile(r"\(([^()]+)\)=\((.*)\)", re.DOTALL)
# Of no use to a caller, and nobody else's business.
_UNTOLD = frozenset({"digest"})

# By SQLSTATE, all that a race can meet.
_MESSAGES: Mapping[str, str] = {
    "23505": "somebody else has made the same at this moment; send the request again, and it meets"
    " what is there now",
    "23503": "what this refers to was taken away at this moment; look at what is there, and name"
    " something else or leave it out",
    "23001": "something that is there refers to this; take that away first",
}


@dataclass(frozen=True)
class Conflict:
    """What of a request does not go with what is there; the message ends with the mend."""

    field: str
    value: str | None
    message: str


def conflict_of(error: psycopg.IntegrityError) -> Conflict | None:
    """The field, its value where PostgreSQL tells it, and why, of a constraint that was met; None
    where that is no conflict with anybody, but a defect of ours."""
    message = _MESSAGES.get(error.sqlstate or "")
    if message is None:
        return None
    columns, value = _told(error)
    return Conflict(columns or "body", value, message)


def constraint_of(error: psycopg.IntegrityError) -> str:
    """The table and the constraint, for the log: no value of anybody's is in it."""
    told = error.diag
    return f"{told.table_name}.{told.constraint_name or told.column_name}"


def _told(error: psycopg.IntegrityError) -> tuple[str, str | None]:
    """The columns of a key and their values."""
    found = _KEY.search(error.diag.message_detail or "")
    if found is None:
        return "", None
    columns, value = found.groups()
    return columns, None if _UNTOLD.intersection(columns.split(", ")) else value
