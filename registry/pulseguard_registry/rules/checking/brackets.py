"""Where a bracket or a text of an expression is not closed, which the parser does not tell."""

from __future__ import annotations

from typing import Final

from pulseguard_registry.rules.checking.tokens import placed_words

_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}
_NEWLINE: Final = "\n"


def misplaced(text: str) -> str | None:
    """The first bracket or quote that does not fit, with its line and column as Prometheus counts
    them; None where all do."""
    opened: list[tuple[str, int]] = []
    for word, start in placed_words(text):
        if word.kind == "unclosed":
            return f"the text that begins at {_at(text, start)} is not closed"
        if word.text in _CLOSING:
            opened.append((word.text, start))
        elif word.text in _CLOSING.values():
            if not opened:
                return f"{word.text} at {_at(text, start)} closes nothing"
            bracket, began = opened.pop()
            if word.text != _CLOSING[bracket]:
                return (
                    f"{word.text} at {_at(text, start)} does not close"
                    f" {bracket} at {_at(text, began)}"
                )
    if opened:
        bracket, began = opened[-1]
        return f"{bracket} at {_at(text, began)} is not closed"
    return None


def _at(text: str, start: int) -> str:
    before = text[:start]
    return f"{before.count(_NEWLINE) + 1}:{start - before.rfind(_NEWLINE)}"
