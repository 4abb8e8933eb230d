"""Harmless text for every request that asks no known question."""

from __future__ import annotations

import math
from random import Random

_OPENING = "This is simulated text."
_SENTENCES = (
    "The river runs past the old mill and turns north.",
    "A small boat waits at the landing in the morning.",
    "The library opens at nine and closes when it rains.",
    "Two lanterns hang beside the green door.",
    "The path climbs slowly between stone walls.",
    "Bread and apples are on the kitchen table.",
    "In the valley the train is heard before it is seen.",
    "The garden needs water twice a week in summer.",
    "A clock on the tower shows the time of the next town.",
    "Children draw maps of the island on brown paper.",
    "The ferry carries letters, bicycles and a piano.",
    "Snow stays on the northern roofs until April.",
)
_MEDIAN_SENTENCES = 4
_SIGMA = 0.6


def write_prose(luck: Random) -> str:
    """A few sentences, log-normal in number, the first of which says what this is."""
    count = round(luck.lognormvariate(math.log(_MEDIAN_SENTENCES), _SIGMA))
    return " ".join([_OPENING, *luck.choices(_SENTENCES, k=min(max(count, 1), 60))])
