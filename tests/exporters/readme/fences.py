"""The README's fences: each has a language, and a name by which a test asks for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

README: Final = (Path(__file__).parents[3] / "exporters" / "README.md").read_text(encoding="utf-8")


class Fence(NamedTuple):
    """A file begins with a comment that names it; of commands the program is the name."""

    language: str
    text: str

    @property
    def name(self) -> str:
        if self.language == "sh":
            return self.text.split()[0]
        named = re.match(r"# (\S+\.\w+)\n", self.text)
        return named[1] if named else self.language


FENCES: Final = [
    Fence(*found) for found in re.findall(r"^```(\w*)\n(.*?)^```$", README, re.S | re.M)
]


def text_of(name: str) -> str:
    """What the only fence of this name says."""
    (text,) = (fence.text for fence in FENCES if fence.name == name)
    return text
