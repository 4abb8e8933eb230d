"""Starts of the registry that end at once, because something is wrong."""

from __future__ import annotations

from typing import NamedTuple

from tests.forked_program import Forks, forks_of


class Ended(NamedTuple):
    """How a start has ended, and what it has said."""

    returncode: int
    stderr: str


def registries() -> Forks:
    """`pulseguard registry`, as often as it is asked."""
    return forks_of("pulseguard_registry.command", "pulseguard_registry.app", strict=False)


def serve(*flags: str, **environment: str) -> Ended:
    """Start it in this environment; it has to end by itself."""
    one = registries().start("serve", *flags, environment=environment)
    try:
        return Ended(one.wait(), one.errors.read_text(encoding="utf-8"))
    finally:
        one.kill()
