"""The agent that an operator means by an id or a name."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from pulseguard_registry.operating.reach import CommandRefused, Document, Registry
from pulseguard_registry.operating.terminal import ago

# As a filter of the list.
ONLY_RETIRED: Final[Mapping[str, str]] = {"only_retired": "true"}
_MOST_NAMED: Final = 5


def find_agent(registry: Registry, named: str, *, retired: bool = False) -> Document:
    """The agent of this id, or the only one of this name among those that are (not) retired.

    CommandRefused where there is none, or several, and says what to type instead.
    """
    try:
        return registry.get(f"/agents/{uuid.UUID(named)}")
    except ValueError:
        found = _of_name(registry, named, retired=retired)
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandRefused(f"{len(found)} agents are named {named!r}; give the id: {_ids(found)}")
    if retired:
        raise _nobody("retired agent", named, " --retired")
    if gone := _of_name(registry, named, retired=True):
        raise _is_retired(named, gone)
    raise _nobody("agent", named)


def _of_name(registry: Registry, named: str, *, retired: bool) -> list[Document]:
    return list(registry.pages("/agents", name=named, **(ONLY_RETIRED if retired else {})))


def _nobody(kind: str, named: str, flag: str = "") -> CommandRefused:
    return CommandRefused(f"no {kind} is named {named!r}; see pulseguard agents list{flag}")


def _is_retired(named: str, gone: Sequence[Document]) -> CommandRefused:
    if len(gone) == 1:
        (agent,) = gone
        said = f"{named!r} is retired ({ago(agent['retired_at'])})"
        mend = (
            f"give its id, {agent['id']}, or bring it back: pulseguard agents restore {agent['id']}"
        )
    else:
        said = f"{len(gone)} agents named {named!r} are retired"
        mend = f"give the id, or bring one back with pulseguard agents restore: {_ids(gone)}"
    return CommandRefused(f"{said}; {mend}; all of them: pulseguard agents list --retired")


def _ids(agents: Sequence[Document]) -> str:
    """Of the first of them."""
    return ", ".join(f"{agent['id']} ({agent['instance']})" for agent in agents[:_MOST_NAMED])
