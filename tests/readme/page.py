"""The commands of the README, which knows of those that nobody has asked for."""

import re
from collections.abc import Iterator
from typing import Final

from tests.checkout import REPOSITORY

_PAGE: Final = (REPOSITORY / "README.md").read_text(encoding="utf-8")
_FENCE: Final = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BLOCK: Final = re.compile(r"(?<=\n\n)(?:^ {4}.*\n)+", re.MULTILINE)
_PROGRAMS: Final = "make|docker|curl|git|sudo|pip|pulseguard|python3?"
_SPAN: Final = re.compile(rf"`((?:(?:{_PROGRAMS}) |\.venv/bin/|--[a-z])[^`]*)`")
_DRAWN: Final = "─"


def _blocks() -> Iterator[str]:
    """What is indented is typed, but for the drawing."""
    for block in _BLOCK.findall(_FENCE.sub("", _PAGE)):
        if _DRAWN not in block:
            yield re.sub("^    ", "", block, flags=re.MULTILINE).strip()


def _spans() -> Iterator[str]:
    """What stands in a sentence or a table and begins like a command, or is a flag of one."""
    yield from _SPAN.findall(_BLOCK.sub("", _FENCE.sub("", _PAGE)))


class Page:
    """The commands of the README, and those of them that nobody has asked for yet."""

    def __init__(self) -> None:
        self._commands = list(dict.fromkeys([*_blocks(), *_spans()]))
        self.left = set(self._commands)

    def command(self, words: str) -> str:
        """The one that is just this, else the only one in which this stands."""
        found = [each for each in self._commands if each == words]
        found = found or [each for each in self._commands if words in each]
        assert len(found) == 1, f"{words!r} is in {len(found)} commands of README.md, not in one"
        self.left -= {*found}
        return found[0]

    def program(self) -> str:
        """The only one, for the reader to save."""
        (text,) = _FENCE.findall(_PAGE)
        return str(text)

    def ports(self) -> set[int]:
        """Those of the table, and any other that a flag of the README names."""
        table = re.findall(r"^\| (\d{4,5}) \|", _PAGE, re.MULTILINE)
        return {int(port) for port in [*table, *re.findall(r"--[a-z-]+-port (\d+)", _PAGE)]}

    def settings(self) -> dict[str, str]:
        """The variables that it has an agent be given."""
        return dict(re.findall(r"`(PULSEGUARD_\w+)=([^`]+)`", _PAGE))

    def labels(self) -> set[str]:
        """Those that it says a scraped agent has."""
        sentence = _PAGE.split("with the labels ")[1].split(";")[0]
        return set(re.findall(r"`(\w+)`", sentence))
