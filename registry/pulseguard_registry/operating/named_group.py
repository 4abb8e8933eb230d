"""The group of rules that an operator means by a name or an id."""

from __future__ import annotations

import uuid
from typing import Final

from pulseguard_registry.operating.reach import CommandRefused, Document, Registry

# Of whole groups with all their rules, and of revisions.
GROUPS_A_PAGE: Final = "200"


def find_group(registry: Registry, named: str) -> Document:
    """The group of this id or name; CommandRefused where there is none."""
    try:
        return registry.get(f"/rule-groups/{uuid.UUID(named)}")
    except ValueError:
        found = list(registry.pages("/rule-groups", limit=GROUPS_A_PAGE, name=named))
    if not found:
        raise CommandRefused(f"no group of rules is named {named!r}; see pulseguard rules list")
    return found[0]
