"""What is said of a value that pydantic refuses: what is wrong, and what to send instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pulseguard_registry.fields import NO_MOMENT

_MOMENTS: Final = (NO_MOMENT, "datetime_parsing", "datetime_from_date_parsing", "datetime_type")
# Of an id of an agent, wherever it stands.
NO_AGENT_ID: Final = "is no UUID; use the id that registering gave"
_NO_KEY_ID: Final = "is no UUID; use the id that GET /api/v1/keys shows"
_IDS: Final = ("uuid_parsing", "uuid_type")
_NO_CURSOR: Final = (
    "is no place in this list; send `next_cursor` of the page before, or leave it out"
)
_EXAMPLE: Final = "give one with its offset, such as 2026-12-01T18:00:00+01:00"
# What a query makes of an offset whose + stands there as it is.
_SPACE_FOR_PLUS: Final = re.compile(r".*\d \d\d:?\d\d")

# What a rule file of Prometheus has, and a request has otherwise or not at all.
_NOT_TAKEN: Final = {
    "query_offset": "is what Prometheus 2.42 refuses to read, which is to read these rules; take it"
    " out, or write `offset` into the expressions",
    "alert": "is not a field of this request; give `kind`, alert, and this as `name`",
    "record": "is not a field of this request; give `kind`, record, and this as `name`",
}
_UNKNOWN: Final = "is not a field of this request; take it out, or see /docs for its right name"


def not_taken(name: str) -> str:
    """The message of a field that no request of its kind has."""
    return _NOT_TAKEN.get(name, _UNKNOWN)


# Any in this module: pydantic's ErrorDetails or FastAPI's.
def message_of(fault: Mapping[str, Any]) -> str:
    """The message of this fault, in words of ours where pydantic's do not say what to do."""
    kind, context = fault["type"], fault.get("ctx", {})
    if tuple(fault["loc"]) == ("query", "cursor"):
        return _NO_CURSOR
    if kind in _IDS:
        return _NO_KEY_ID if "key_id" in fault["loc"] else NO_AGENT_ID
    if kind in _MOMENTS:
        return _no_moment(fault, context)
    if kind == "timezone_aware":
        return f"has no offset from UTC; {_EXAMPLE}"
    if kind == "too_long":
        most, given = context["max_length"], fault["input"]
        mend = "send the rest in another request" if _is_batch(given) else "send fewer"
        return f"holds {len(given)}, at most {most} are taken; {mend}"
    if kind == "too_short":
        return f"holds too few; send at least {context['min_length']}"
    message = str(fault["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _no_moment(fault: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    given = fault["input"]
    if fault["loc"][:1] == ("query",) and _SPACE_FOR_PLUS.fullmatch(str(given)):
        return (
            "has a space where its offset begins, which is what a + means in a query; write %2B for"
            " it, or give the time in UTC with a Z, such as 2026-12-01T17:00:00Z"
        )
    reason = f" ({context['error']})" if "error" in context else ""
    return f"is no date and time of RFC 3339{reason}; {_EXAMPLE}"


def _is_batch(given: object) -> bool:
    return isinstance(given, list) and any(isinstance(item, dict) for item in given[:1])
