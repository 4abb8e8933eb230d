"""The list of agents as CSV (RFC 4180), for people's spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from pulseguard_registry.agents.schemas import ScoredAgent

MEDIA_TYPE = "text/csv"
COLUMNS = tuple(ScoredAgent.model_fields)
# A spreadsheet would run the cell as a formula; the last two it skips before it looks.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def lines_of(batches: Iterable[list[ScoredAgent]]) -> Iterator[str]:
    """The header, then a record for each agent, as many at a time as come together."""
    yield _written([COLUMNS])
    for agents in batches:
        if agents:
            yield _written([_cell(getattr(agent, name)) for name in COLUMNS] for agent in agents)


def wants_csv(accept: str) -> bool:
    """Whether CSV is asked for by name, and rather than JSON (RFC 9110, section 12.5.1)."""
    weights = dict(_weight(part) for part in accept.lower().split(","))
    asked = weights.get(MEDIA_TYPE, 0.0)
    return asked > 0 and asked >= weights.get("application/json", 0.0)


def _weight(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                return kind, float(value)
            except ValueError:
                return kind, 0.0
    return kind, 1.0


def _written(rows: Iterable[Iterable[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text
