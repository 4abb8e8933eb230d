"""The words of a template as Go's text/template cuts them: text, and what is inside of {{ }}."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pulseguard_registry.errors import TemplateFault

_SPACE = r"[ \t\r\n]"
_COMMENT = re.compile(rf"\{{\{{(?:-{_SPACE})?/\*")
_COMMENT_END = re.compile(rf"(?:{_SPACE}-)?\}}\}}")
_OPEN = re.compile(rf"\{{\{{(?:-{_SPACE})?")
# What may follow a name, a variable or a field.
_ENDED = r"(?=[\s.,|:)(]|\}\}|\Z)"
_WORDS = "block break continue define else end if range nil template with true false"
_KEYWORDS = frozenset(_WORDS.split())
_INSIDE = re.compile(
    rf"""
      (?P<close> {_SPACE}+-\}}\}} | \}}\}} )
    | (?P<space> {_SPACE}+ )
    | (?P<declare> := )
    | (?P<assign> = )
    | (?P<pipe> \| )
    | (?P<string> "(?:\\[^\n]|[^"\\\n])*" | `[^`]*` )
    | (?P<number> '(?:\\[^\n][^'\\\n]*|[^'\\\n])'
        | [+-]?(?:0[xX][0-9a-fA-F_]*+(?:\.[0-9a-fA-F_]*+)?(?:[pP][+-]?[0-9_]++)?
          | 0[oO][0-7_]++ | 0[bB][01_]++
          | (?:[0-9][0-9_]*+\.?[0-9_]*+|\.[0-9][0-9_]*+)(?:[eE][+-]?[0-9_]++)?)i? (?!\w) )
    | (?P<variable> \$\w*+ {_ENDED} )
    | (?P<field> \.[^\W0-9]\w*+ {_ENDED} )
    | (?P<dot> \. {_ENDED} )
    | (?P<left> \( )
    | (?P<right> \) )
    | (?P<word> \w++ {_ENDED} )
    | (?P<comma> , )
    """,
    re.VERBOSE,
)


class Piece(NamedTuple):
    """One token: `text`, `open`, `close`, `keyword`, or what is written inside of an action."""

    kind: str
    text: str


def pieces(template: str) -> Iterator[Piece]:
    """Everything of a template in its order, comments left out; TemplateFault at what is none."""
    at = 0
    while at < len(template):
        start = template.find("{{", at)
        if start < 0:
            yield Piece("text", template[at:])
            return
        if start > at:
            yield Piece("text", template[at:start])
        comment = _COMMENT.match(template, start)
        if comment is not None:
            at = _end_of_comment(template, comment.end())
            continue
        opened = _OPEN.match(template, start)
        assert opened is not None
        yield Piece("open", "{{")
        at = opened.end()
        for piece, end in _inside(template, at):
            yield piece
            at = end


def _end_of_comment(template: str, start: int) -> int:
    end = template.find("*/", start)
    if end < 0:
        raise TemplateFault("a comment is not closed by */}}")
    closed = _COMMENT_END.match(template, end + 2)
    if closed is None:
        raise TemplateFault("a comment has to end with */}}")
    return closed.end()


def _inside(template: str, at: int) -> Iterator[tuple[Piece, int]]:
    while True:
        found = _INSIDE.match(template, at)
        if found is None:
            raise TemplateFault(_unreadable(template, at))
        kind, text = found.lastgroup or "", found.group()
        at = found.end()
        if kind == "word" and text in _KEYWORDS:
            kind = "keyword"
        yield Piece(kind, text), at
        if kind == "close":
            return


def _unreadable(template: str, at: int) -> str:
    rest = template[at:]
    if not rest:
        return "{{ is not closed by }}"
    if rest[0] in "\"`'":
        return f"a text in {rest[0]} is not closed"
    return f"cannot be read at {rest[:20]!r}"
