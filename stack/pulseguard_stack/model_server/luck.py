"""Where the randomness of an attempt comes from, so that a seed tells the whole story."""

from __future__ import annotations

from random import Random


def luck_of_call(seed: int, call: str, attempt: int) -> Random:
    """For a request with its own call id: the same however requests overlap."""
    return Random(f"{seed}/call/{call}/{attempt}")


def luck_of_arrival(seed: int, arrival: int) -> Random:
    """For a request without a call id: by its place in the order of arrival."""
    return Random(f"{seed}/arrival/{arrival}")
