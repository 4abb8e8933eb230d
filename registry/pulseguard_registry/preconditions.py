"""ETag and If-Match (RFC 9110): of those who change one revision of a thing, one wins."""

from __future__ import annotations

import re
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Depends, Header, Response
from pydantic import WithJsonSchema

from pulseguard_registry.problems import Fault, Problem, documented, refusal

HEADER = "If-Match"
ANY = "*"
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')
_WEAK = "W/"


class Revised(Protocol):
    """What has a revision that grows with each change of it."""

    revision: int


Tagged = TypeVar("Tagged", bound=Revised)

# The header's lines as they came: a list of tags may be sent in several.
Lines = Annotated[
    list[str] | None,
    Header(
        alias=HEADER,
        description="The ETag that it had when it was read, with its quotes; several by"
        " comma; or `*`: whatever is there.",
    ),
    WithJsonSchema({"type": "string", "examples": ['"7"']}),
]


def etag_of(revision: int) -> str:
    """The entity tag of this revision. Signs of life of an agent do not change it."""
    return f'"{revision}"'


def given_tags(lines: Lines = None) -> list[str] | None:
    """The tags of If-Match as they were sent, or `*` alone; None where there is no such header.

    A 422 problem where one of them is none.
    """
    if not lines:
        return None
    # Empty elements of a list mean nothing (RFC 9110, section 5.6.1).
    tags = [tag for line in lines for part in line.split(",") if (tag := part.strip())]
    if tags == [ANY]:
        return tags
    for tag in tags or [""]:
        if _TAG.fullmatch(tag) is None:
            raise refusal(HEADER, tag, _NO_STAR if tag == ANY else _NO_TAG)
    return tags


def demanded_tags(tags: Annotated[list[str] | None, Depends(given_tags)]) -> list[str]:
    """The same, where a change that was made without having read is not taken: 428."""
    if tags is None:
        message = (
            "is missing; read what is there and send its ETag, or * to change whatever is there"
        )
        fault = Fault(field=HEADER, message=message)
        raise Problem(428, f"{HEADER}: {message}", errors=[fault])
    return tags


def check_match(tags: list[str] | None, revision: int) -> None:
    """A 412 problem, with the current ETag, unless one of the tags is that of this revision.

    A weak tag is that of none: RFC 9110 (section 13.1.1) compares strongly here.
    """
    current = etag_of(revision)
    if tags is None or tags == [ANY] or current in tags:
        return
    if f"{_WEAK}{current}" in tags:
        message = f"{_WEAK}{current} is a weak tag, which never matches here; send {current}"
    else:
        message = f"it was changed meanwhile, its ETag is {current}; read it and decide again"
    fault = Fault(field=HEADER, value=", ".join(tags), message=message)
    raise Problem(412, f"{HEADER}: {message}", errors=[fault], headers={"ETag": current})


def check_absence(tags: list[str] | None) -> None:
    """A 412 problem for any tag, of what is not there: also for `*`, which stands for whatever is
    there (RFC 9110, section 13.1.1)."""
    if tags is not None:
        message = "it was deleted meanwhile; leave the header out to bring it back"
        fault = Fault(field=HEADER, value=", ".join(tags), message=message)
        raise Problem(412, f"{HEADER}: {message}", errors=[fault])


def tagged(response: Response, thing: Tagged) -> Tagged:
    """The thing itself, with its ETag on the answer."""
    response.headers["ETag"] = etag_of(thing.revision)
    return thing


_NO_TAG = 'is no ETag; send the one that GET gave, with its quotes, such as "7", or *'
_NO_STAR = "stands for whatever is there, and so alone; send it without other tags, or these only"

# For `responses`, in these, Any as FastAPI has it: of the answer that has an ETag.
_ETAG = {"type": "string", "examples": ['"7"']}
TAGGED: dict[str, Any] = {
    "headers": {"ETag": {"description": "Its revision, for If-Match", "schema": _ETAG}}
}
# What a route that takes If-Match may answer besides, and one that demands it.
LOST_RACE: dict[int | str, dict[str, Any]] = {412: documented(412)[412] | TAGGED}
UNCONDITIONAL = LOST_RACE | documented(428)
Tags = Annotated[list[str] | None, Depends(given_tags)]
DemandedTags = Annotated[list[str], Depends(demanded_tags)]
