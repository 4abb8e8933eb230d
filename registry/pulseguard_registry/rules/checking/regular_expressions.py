"""What Go's regular expressions (RE2) take, where Rust's, which the parser knows, differ.

https://github.com/google/re2/wiki/Syntax, as Go 1.19 had it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_PIECE: Final = re.compile(
    r"""
      (?P<escape> \\. )
    | (?P<set> \[ \^?+ \]?+ (?: \\. | \[:\^?\w+:\] | [^\]\\] )*+ \] )
    | (?P<open> \( (?: \?P?<\w+> | \?[a-zA-Z-]*:? )? )
    | (?P<close> \) )
    | (?P<repetition> (?: [*+?] | \{[0-9]+(?:,[0-9]*)?\} ) \?? )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
# What begins a group: named without P before Go 1.22, or with a flag that only Rust has.
_FOREIGN_GROUP: Final = re.compile(r"\(\?(<|[a-zA-Z-]*[xRu])")
_FOREIGN_ESCAPES: Final = frozenset(("\\u", "\\U"))
_MOST_REPEATED: Final = 1000

# A text as it is, which Rust has no word for, and which Prometheus needs ended; within quotes.
_AS_IT_IS: Final = re.compile(r"\\\\Q((?:[^\\]|\\[^\\]|\\\\(?!E))*+)\\\\E", re.DOTALL)
_UNIT: Final = re.compile(r"\\.|.", re.DOTALL)
_SPECIAL: Final = frozenset("\\.+*?()|[]{}^$#&-~")


def is_refused_by_go(pattern: str) -> bool:
    """Whether Prometheus does not take an expression that the parser has taken."""
    # Of each group that is open: how often its largest part is repeated, all in all.
    repeated = [1]
    latest, is_repeated = 1, False
    for kind, text in _pieces(pattern):
        if kind == "repetition":
            latest *= _times(text)
            if is_repeated or latest > _MOST_REPEATED:
                return True
        elif kind == "open":
            repeated.append(1)
        elif kind == "close" and len(repeated) > 1:
            latest = repeated.pop()
        else:
            latest = 1
        if _is_foreign(kind, text):
            return True
        is_repeated = kind == "repetition"
        if kind != "open":
            repeated[-1] = max(repeated[-1], latest)
    return False


def for_the_parser(text: str) -> str:
    r"""A string of PromQL, quotes and all, as the parser understands it: it knows no \Q…\E, and
    takes a backslash within backticks for the begin of an escape."""
    if text.startswith("`"):
        inside = text[1:-1].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        text = f'"{inside}"'
    return _AS_IT_IS.sub(lambda found: _escaped(found[1]), text)


def _pieces(pattern: str) -> Iterator[tuple[str, str]]:
    return ((found.lastgroup or "", found.group()) for found in _PIECE.finditer(pattern))


def _is_foreign(kind: str, text: str) -> bool:
    if kind == "set":
        return "--" in text[1:-1]
    if kind == "open":
        return _FOREIGN_GROUP.match(text) is not None
    return kind == "escape" and text in _FOREIGN_ESCAPES


def _times(repetition: str) -> int:
    numbers = [int(number[:9]) for number in re.findall("[0-9]+", repetition)]
    return max(numbers, default=1) or 1


def _escaped(text: str) -> str:
    return "".join(
        "\\\\" + unit if unit[-1] in _SPECIAL and unit != '\\"' else unit
        for unit in _UNIT.findall(text)
    )
