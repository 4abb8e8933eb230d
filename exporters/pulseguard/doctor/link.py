"""What is said of one link of the chain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Name = Literal[
    "settings",
    "registry",
    "key",
    "address",
    "registered",
    "metrics",
    "discovered",
    "scraped",
    "health",
]
State = Literal["holds", "broken", "unknown", "not checked"]

_MOST_NAMED: Final = 5


@dataclass(frozen=True)
class Link:
    """A link, its state, what was found, and what to do where it does not hold.

    One that is broken for some agents only `goes_on` with the others.
    """

    name: Name
    state: State
    said: str
    mend: str = ""
    goes_on: bool = False


def holds(name: Name, said: str) -> Link:
    """A link that is as it should be."""
    return Link(name, "holds", said)


def broken(name: Name, said: str, mend: str, *, goes_on: bool = False) -> Link:
    """A link that is the reason why nothing behind it can work, for all or for some agents."""
    return Link(name, "broken", said, mend, goes_on)


def unknown(name: Name, said: str, mend: str) -> Link:
    """A link of which this machine cannot tell."""
    return Link(name, "unknown", said, mend)


def listed(words: Sequence[str], between: str = ", ") -> str:
    """The first few, and how many there are besides."""
    more = len(words) - _MOST_NAMED
    return between.join(words[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
