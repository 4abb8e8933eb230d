"""Checks a group as a whole."""

from __future__ import annotations

from pulseguard_registry.rules.checking.known_names import KnownNames
from pulseguard_registry.rules.vocabulary import Finding, RuleGroup


def check_group(group: RuleGroup, known: KnownNames) -> list[Finding]:
    """Every fault of the group and its rules at once, errors first."""
    return []
