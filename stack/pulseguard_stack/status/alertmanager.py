"""Asks Alertmanager whom alerts reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pulseguard.doctor.web import NoAnswer, ask

# Those of PulseGuard itself: the history of alerts, and the dead man's switch.
_NOT_PEOPLE: Final = ("registry", "deadman")


def read_receivers(url: str) -> Sequence[str]:
    """The names of the receivers for people; NoAnswer says why they are not known."""
    answer = ask(f"{url}/api/v2/receivers")
    listed = answer.json()
    if not answer.ok or not isinstance(listed, list):
        raise NoAnswer("what answers there is no Alertmanager")
    names = [str(each.get("name")) for each in listed if isinstance(each, dict)]
    return [name for name in names if name not in _NOT_PEOPLE]
