"""Whom alerts reach: the receivers of Alertmanager that are people's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel, Field

from pulseguard_registry.alertmanager.client import Alertmanager, AlertmanagerUnavailable

REGISTRY: Final = "registry"
DEADMAN: Final = "deadman"
NO_ALERTMANAGER: Final = (
    "The registry knows of no Alertmanager: set PULSEGUARD_ALERTMANAGER_URL and start it again."
)


class Receivers(BaseModel):
    """Whom alerts reach."""

    reaches: bool | None = Field(
        description="Whether there is a receiver for people. Which alerts it is told of, by"
        " severity and team, is in Alertmanager's routes only. Null where it could not be asked."
    )
    receivers: list[str] = Field(
        description="Those of Alertmanager but for the registry's own and the dead man's switch."
    )
    sentence: str


def read_receivers(alertmanager: Alertmanager | None) -> Receivers:
    """What Alertmanager says of its receivers, or why that is not known."""
    if alertmanager is None:
        return Receivers(reaches=None, receivers=[], sentence=NO_ALERTMANAGER)
    try:
        names = of_people(alertmanager.receivers())
    except AlertmanagerUnavailable as error:
        return Receivers(reaches=None, receivers=[], sentence=f"{error}.")
    sentence = (
        f"For people Alertmanager has {', '.join(names)}. Which severities and teams reach none of"
        " these is in its routes only."
        if names
        else "Alerts reach nobody: Alertmanager has no receiver but the registry's own."
    )
    return Receivers(reaches=bool(names), receivers=names, sentence=sentence)


def of_people(names: Sequence[str]) -> list[str]:
    """Those that are not ours, each once."""
    return [name for name in dict.fromkeys(names) if name not in (REGISTRY, DEADMAN)]
