"""The group of rules that an operator means by a name or an id."""

from __future__ import annotations

import shlex
import uuid
from typing import Final

from pulseguard_registry.operating.reach import CommandRefused, Document, Registry
from pulseguard_registry.operating.terminal import ago

# Of whole groups with all their rules, and of revisions.
GROUPS_A_PAGE: Final = "200"


def find_group(registry: Registry, named: str) -> Document:
    """The group of this id or name; CommandRefused where there is none, or where it was deleted,
    of which only the revisions are there still: see `group_id`."""
    try:
        return registry.get(f"/rule-groups/{uuid.UUID(named)}")
    except ValueError:
        found = list(registry.pages("/rule-groups", limit=GROUPS_A_PAGE, name=named))
    if found:
        return found[0]
    if deleted_groups(registry, named):
        raise CommandRefused(
            f"the group {named!r} was deleted; see pulseguard rules history {shlex.quote(named)}"
        )
    raise _unknown(named)


def group_id(registry: Registry, named: str) -> str:
    """The id of a group, also of one that was deleted; CommandRefused where several that were had
    this name."""
    try:
        return str(uuid.UUID(named))
    except ValueError:
        found = list(registry.pages("/rule-groups", limit=GROUPS_A_PAGE, name=named))
    found = found or deleted_groups(registry, named)
    if not found:
        raise _unknown(named)
    if len(found) > 1:
        which = ", ".join(f"{one['id']} ({ago(one['deleted_at'])})" for one in found)
        raise CommandRefused(f"several groups {named!r} were deleted; give the id of one: {which}")
    return str(found[0]["id"])


def deleted_groups(registry: Registry, named: str | None = None) -> list[Document]:
    """Those that were deleted, or those of them that had this name, the last one first."""
    asked = {} if named is None else {"name": named}
    found = registry.pages("/rule-groups/deleted", limit=GROUPS_A_PAGE, **asked)
    return sorted(found, key=lambda one: str(one["deleted_at"]), reverse=True)


def _unknown(named: str) -> CommandRefused:
    return CommandRefused(
        f"no group of rules is or was named {named!r}; see pulseguard rules list, and with"
        " --deleted those that were"
    )
