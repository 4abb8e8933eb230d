"""Kinds of text that requests may hold, with the sentence for what they may not."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_BUT_NEWLINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _printable(text: str) -> str:
    if found := _CONTROL.search(text):
        raise ValueError(f"holds the control character U+{ord(found[0]):04X}; take it out")
    return _encodable(text)


def _prose(text: str) -> str:
    if found := _CONTROL_BUT_NEWLINES.search(text):
        raise ValueError(f"holds the control character U+{ord(found[0]):04X}; take it out")
    return _encodable(text)


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair; send valid Unicode") from None
    return text


# One line of 1 to 120 characters: names of things.
Name = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_printable)]
# The same, but may be empty.
OptionalName = Annotated[str, Field(max_length=120), AfterValidator(_printable)]
# Text for people, several lines.
Prose = Annotated[str, Field(max_length=2000), AfterValidator(_prose)]
