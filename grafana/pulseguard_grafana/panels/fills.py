"""What is judged has its colour behind it, so that it can be read in either theme."""

from __future__ import annotations

from typing import Any

from pulseguard_grafana.panels.colours import FILLS, NEUTRAL
from pulseguard_grafana.panels.panel import Json, Judgement, Texts, said

NOT_JUDGED = Judgement([(None, NEUTRAL)])


def filled_thresholds(judged: Judgement) -> Json:
    """From which values on a number stands on which colour."""
    return Judgement([(value, FILLS[colour]) for value, colour in judged.steps]).thresholds()


def filled_mappings(texts: Texts | None, *, no_value: str | None = None) -> list[Json]:
    """The texts, each on its colour; where there is no value, `no_value` on none.

    Without it Grafana judges what is not there by the first step, which may well be the worst.
    """
    # Any: a mapping of numbers or of labels.
    filled: Any = {value: (text, FILLS[colour]) for value, (text, colour) in (texts or {}).items()}
    mappings = said(filled)
    if no_value is None:
        return mappings
    result = {"text": no_value, "color": FILLS[NEUTRAL], "index": len(mappings)}
    return [*mappings, {"type": "special", "options": {"match": "null", "result": result}}]
