"""The words of an expression, looked at before it is parsed: its size, and what is too new.

The parser clones what it has read with every operator, and recurses without a bound: what nests or
chains thousands of them would take minutes, and end the process. So their number is bounded here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

# Our own largest has 40. As many as this take the parser 60 ms where they are all of one chain.
LARGEST: Final = 200
LONGEST: Final = 20_000

_WORD = re.compile(
    r"""
      (?P<blank> \s+ | \#[^\n]* )
    | (?P<string> "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' | `[^`]*` )
    | (?P<unclosed> ["'][^\n]* | `.* )
    | (?P<number> \.?[0-9](?:[eE][+-][0-9]|[\w.])* )
    | (?P<name> [a-zA-Z_:][\w:]* )
    | (?P<sign> ==|!=|=~|!~|<=|>=|. )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_DURATION = re.compile(r"(?:[0-9]+(?:ms|[smhdwy]))+")
_OPERATORS = frozenset(("+", "-", "*", "/", "%", "^", "==", "!=", "<=", ">=", "<", ">"))
_NAMED_OPERATORS = frozenset(("and", "or", "unless", "atan2"))
_OPENING = frozenset("([{")
# A comma is of an operand, or of a label that is listed.
_WEIGHING = _OPENING | {","}
_LISTING_LABELS = frozenset(("by", "without", "on", "ignoring", "group_left", "group_right"))


class Word(NamedTuple):
    """One token: what kind it is, and as it stands there."""

    kind: str
    text: str


def words(text: str) -> Iterator[Word]:
    """The tokens without blanks and comments; what is none comes as a sign of one character."""
    return (word for word, _ in placed_words(text))


def placed_words(text: str) -> Iterator[tuple[Word, int]]:
    """The same, each with where it begins."""
    for found in _WORD.finditer(text):
        kind = found.lastgroup or "sign"
        if kind == "number" and _DURATION.fullmatch(found.group()):
            kind = "duration"
        if kind != "blank":
            yield Word(kind, found.group()), found.start()


def with_strings(text: str, changed: Callable[[str], str]) -> str:
    """The expression with each of its strings, quotes and all, changed; the rest as it is."""
    return _WORD.sub(
        lambda found: changed(found.group()) if found.lastgroup == "string" else found.group(), text
    )


def too_large(listed: list[Word]) -> str | None:
    """Why the expression is too large to be parsed, if it is."""
    size = sum(_weighs(word) for word in listed)
    if size > LARGEST:
        return (
            f"holds {size} operators, brackets and commas, more than {LARGEST};"
            " record parts of it under names of their own"
        )
    return None


def too_new(listed: list[Word]) -> list[str]:
    """What is no PromQL for Prometheus 2.42, though newer ones take it."""
    said: list[str] = []
    brackets: list[str] = []
    before = [Word("sign", ""), Word("sign", "")]
    for word in listed:
        inside = brackets[-1] if brackets else ""
        sentence = _novelty(word, before, inside)
        if sentence is not None and sentence not in said:
            said.append(sentence)
        if word.text in _OPENING and word.kind == "sign":
            of_labels = word.text == "(" and before[1].text.lower() in _LISTING_LABELS
            brackets.append("labels" if of_labels else word.text)
        elif word.kind == "sign" and word.text in ")]}" and brackets:
            brackets.pop()
        before = [before[1], word]
    return said


def _weighs(word: Word) -> bool:
    if word.kind == "name":
        return word.text.lower() in _NAMED_OPERATORS
    return word.kind == "sign" and (word.text in _OPERATORS or word.text in _WEIGHING)


def _novelty(word: Word, before: list[Word], inside: str) -> str | None:
    last = before[1]
    if word.kind == "string" and (
        inside == "labels" or (inside == "{" and last.text in ("{", ","))
    ):
        return f"the name {word.text} in quotes is known to Prometheus 3 only"
    if inside == "{":
        if word.kind == "name" and word.text.lower() == "or" and last.kind == "string":
            return "`or` between matchers is not known to Prometheus"
        return None
    is_length = inside == "[" or "offset" in (
        last.text.lower(),
        before[0].text.lower() if last.text == "-" else "",
    )
    if is_length and word.kind == "number":
        return f"{word.text} is no duration for Prometheus 2; write {word.text}s"
    if not is_length and word.kind == "duration":
        return f"{word.text} as a number is known to Prometheus 3 only; write its seconds"
    return None
