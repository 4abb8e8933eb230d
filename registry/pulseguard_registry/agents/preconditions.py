"""ETag and If-Match (RFC 9110): of those who change one revision of an agent, one wins."""

from __future__ import annotations

import re
from typing import Annotated, TypeVar

from fastapi import Depends, Request, Response

from pulseguard_registry.agents.schemas import Agent
from pulseguard_registry.problems import Fault, Problem, documented, refusal

HEADER = "If-Match"
Tagged = TypeVar("Tagged", bound=Agent)
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')


def etag_of(revision: int) -> str:
    """The entity tag of an agent at this revision. Signs of life do not change it."""
    return f'"{revision}"'


def given_tags(request: Request) -> list[str] | None:
    """The tags of If-Match as they were sent, `*` among them; None where there is no such header.

    A 422 problem where one of them is none.
    """
    lines = request.headers.getlist(HEADER)
    if not lines:
        return None
    tags = [tag.strip() for line in lines for tag in line.split(",")]
    for tag in tags:
        if tag != "*" and _TAG.fullmatch(tag) is None:
            message = 'is no ETag; send the one that GET gave, with its quotes, such as "7", or *'
            raise refusal(HEADER, tag, message)
    return tags


def demanded_tags(request: Request) -> list[str]:
    """The same, where a change that was made without having read is not taken: 428."""
    tags = given_tags(request)
    if tags is None:
        message = "is missing; read the agent and send its ETag, or * to change whatever is there"
        fault = Fault(field=HEADER, message=message)
        raise Problem(428, f"{HEADER}: {message}", errors=[fault])
    return tags


def check_match(tags: list[str] | None, revision: int) -> None:
    """A 412 problem, with the current ETag, unless one of the tags is that of this revision."""
    current = etag_of(revision)
    if tags is None or "*" in tags or current in tags:
        return
    message = f"the agent was changed meanwhile, its ETag is {current}; read it and decide again"
    fault = Fault(field=HEADER, value=", ".join(tags), message=message)
    raise Problem(412, f"{HEADER}: {message}", errors=[fault], headers={"ETag": current})


def tagged(response: Response, agent: Tagged) -> Tagged:
    """The agent, with its ETag on the answer."""
    response.headers["ETag"] = etag_of(agent.revision)
    return agent


# What a route that takes If-Match may answer besides, and one that demands it.
LOST_RACE = documented(412)
UNCONDITIONAL = documented(412, 428)
Tags = Annotated[list[str] | None, Depends(given_tags)]
DemandedTags = Annotated[list[str], Depends(demanded_tags)]
