"""The group of rules that an operator means by a name or an id."""

from __future__ import annotations

import uuid
from typing import Final

from pulseguard_registry.operating.reach import CommandRefused, Document, Registry

# Of whole groups with all their rules, and of revisions.
GROUPS_A_PAGE: Final = "200"


def find_group(registry: Registry, named: str) -> Document:
    """The group of this id or name; CommandRefused where there is none.

    Of one that was deleted only the id still leads to its revisions: see `group_id`.
    """
    try:
        return registry.get(f"/rule-groups/{uuid.UUID(named)}")
    except ValueError:
        found = list(registry.pages("/rule-groups", limit=GROUPS_A_PAGE, name=named))
    if not found:
        raise CommandRefused(f"no group of rules is named {named!r}; see pulseguard rules list")
    return found[0]


def group_id(registry: Registry, named: str) -> str:
    """The id of a group, also of one that was deleted where it is the id that is given."""
    try:
        return str(uuid.UUID(named))
    except ValueError:
        return str(find_group(registry, named)["id"])
