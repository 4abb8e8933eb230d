"""How many bytes the values of a template may have, so that none is taken that fills the memory.

Prometheus expands the texts of every firing alert with every evaluation, and bounds nothing there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

# What a label's value, a number or an address is taken to have at most.
VALUE: Final = 500
# A series has so many labels at most, and a range so many rounds.
ROUNDS: Final = 30
# All labels of a series, and what is given to another template.
SET: Final = ROUNDS * VALUE
# Beyond it sizes are not told apart: those of squares of squares have no end of digits.
_LARGEST: Final = 10**12
_WIDEST: Final = 100

_SHORT: Final = """
    humanize humanize1024 humanizeDuration humanizePercentage humanizeTimestamp toTime
    parseDuration len not eq ge gt le lt ne match externalURL pathPrefix strvalue
"""
_OF_ONE_VALUE: Final = frozenset(_SHORT.split())
# How many bytes these make of one at most: \u003C of <.
_ESCAPING: Final = frozenset(("html", "js", "urlquery", "graphLink", "tableLink"))
_ESCAPED: Final = 6
_VERB: Final = re.compile(r"%([-+# 0-9.*\[\]]*)(.?)", re.DOTALL)
_PLAIN_VERBS: Final = frozenset("sdfFgGetv%")
_QUOTED: Final = 10


class Operand(NamedTuple):
    """One operand of a command: what kind it is, as it stands there, and the bytes of its value."""

    kind: str
    text: str
    size: int


class Value(NamedTuple):
    """What a pipeline, or a command of it, gives: its operands' kinds, and how many bytes."""

    kinds: list[str]
    size: int


class Variables:
    """The variables that are in sight, each with the bytes that its value may have."""

    def __init__(self, names: Sequence[str]) -> None:
        self._held = [(name, SET if name in ("$", "$labels") else VALUE) for name in names]

    def __contains__(self, name: str) -> bool:
        return any(name == held for held, _ in self._held)

    def __len__(self) -> int:
        return len(self._held)

    def size(self, name: str) -> int:
        """Of the value that it may have, VALUE at least: a range may assign that much to it."""
        return next((size for held, size in reversed(self._held) if held == name), VALUE)

    def declare(self, name: str, size: int) -> None:
        """Another one, which hides one of the same name."""
        self._held.append((name, max(size, VALUE)))

    def assign(self, name: str, size: int) -> None:
        """Another value of one that is there; which of the two it has may depend."""
        for at in reversed(range(len(self._held))):
            held, before = self._held[at]
            if held == name:
                self._held[at] = (name, max(before, size))
                return

    def forget(self, count: int) -> None:
        """All but the first so many."""
        del self._held[count:]


def size_made(function: str, operands: Sequence[int], form: str = "") -> int:
    """The bytes that a function makes of operands of these sizes; `form` is printf's format."""
    whole = sum(operands)
    if function in _OF_ONE_VALUE:
        return VALUE
    if function in _ESCAPING:
        whole = whole * _ESCAPED + VALUE
    elif function == "printf":
        whole += _printed(form, max(operands, default=0))
    elif function == "reReplaceAll" and len(operands) == 3:
        # The replacement at every place, and in it each time what was there.
        whole = 2 * operands[1] * (operands[2] + 1) + operands[2]
    elif function in ("print", "println"):
        whole += len(operands)
    return min(whole, _LARGEST)


def element_size(value: Value) -> int:
    """The bytes of one of those that a range over this value goes through."""
    return VALUE if value.kinds == ["labels"] else value.size


def format_fault(form: str) -> str | None:
    """Why a format of printf, as it is written, is not taken; None where it is."""
    if re.search(r"\\[xuU0-7]", form) and not form.startswith("`"):
        return "the format of printf is to be written without \\x, \\u and octal numbers"
    for spec, _ in _VERB.findall(form):
        if "*" in spec:
            return "the width in a format of printf has to be written out, without *"
        if any(int(number[:9]) > _WIDEST for number in re.findall(r"[0-9]+", spec)):
            return f"printf has a width or precision of more than {_WIDEST}; give a smaller one"
    return None


def _printed(form: str, largest: int) -> int:
    verbs = _VERB.findall(form)
    plain = all(verb in _PLAIN_VERBS and not set("+#") & set(spec) for spec, verb in verbs)
    # Each may be of the largest: %[1]s takes the same operand again.
    return len(form) + len(verbs) * (_WIDEST + largest * (1 if plain else _QUOTED))
