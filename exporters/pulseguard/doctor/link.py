"""What is said of one link of the chain."""

from dataclasses import dataclass
from typing import Literal

Name = Literal[
    "settings", "registry", "key", "address", "registered", "metrics", "discovered", "scraped"
]
State = Literal["holds", "broken", "unknown", "not checked"]


@dataclass(frozen=True)
class Link:
    """A link, its state, what was found, and what to do where it does not hold."""

    name: Name
    state: State
    said: str
    mend: str = ""


def holds(name: Name, said: str) -> Link:
    """A link that is as it should be."""
    return Link(name, "holds", said)


def broken(name: Name, said: str, mend: str) -> Link:
    """A link that is the reason why nothing behind it can work."""
    return Link(name, "broken", said, mend)


def unknown(name: Name, said: str, mend: str) -> Link:
    """A link of which this machine cannot tell."""
    return Link(name, "unknown", said, mend)
