"""Kinds of values that requests may hold, with the sentence for what they may not."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, LiteralString

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

# The type of the fault of a text that is no moment, among those that pydantic tells.
NO_MOMENT: LiteralString = "no_moment"
# The same where a field is absent that another one makes necessary.
NEEDED: LiteralString = "needed"

# Control characters, line and paragraph separators, halves of surrogate pairs.
_UNPRINTABLE = frozenset({"Cc", "Zl", "Zp", "Cs"})
# They turn the text that follows them around, so that a name looks like another one.
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _printable(text: str) -> str:
    _refuse_unprintable(text)
    if text and not text.strip():
        raise ValueError("is nothing but spaces; give a name or leave it out")
    return text


def _prose(text: str) -> str:
    _refuse_unprintable(text.replace("\n", "").replace("\t", ""))
    return text


def _refuse_unprintable(text: str) -> None:
    # None of those below is printable, and most texts are: they are not looked through.
    if text.isprintable():
        return
    for character in text:
        if unicodedata.category(character) in _UNPRINTABLE or character in _TURNING:
            raise ValueError(f"holds the character U+{ord(character):04X}; take it out")


def _written(moment: object) -> object:
    """As RFC 3339 writes it: pydantic would take a number, in a text too, for seconds or
    milliseconds since 1970."""
    if (isinstance(moment, str) and moment[4:5] == "-") or isinstance(moment, datetime):
        return moment
    raise PydanticCustomError(NO_MOMENT, "is no date and time")


def _instant(moment: datetime) -> datetime:
    """In UTC, and such that PostgreSQL and Python both can keep it."""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside of the calendar; give a date from 1970 to 2199") from None
    if not EARLIEST <= moment < LATEST:
        raise ValueError("lies outside of what is kept; give a date from 1970 to 2199")
    return moment


# Text of one line, and of several.
LINE = AfterValidator(_printable)
LINES = AfterValidator(_prose)
# One line of 1 to 120 characters: names of things.
Name = Annotated[str, Field(min_length=1, max_length=120), LINE]
# The same, but may be empty.
OptionalName = Annotated[str, Field(max_length=120), LINE]
# Text for people, several lines.
Prose = Annotated[str, Field(max_length=2000), LINES]
# A moment with its offset from UTC.
Instant = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_instant)]
