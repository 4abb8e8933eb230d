"""Text and numbers as PromQL and the templates of alerts have to have them."""

from __future__ import annotations

from typing import Final

_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def quoted(text: str) -> str:
    """A PromQL string that is exactly this text, whatever it holds; PromQL's strings are Go's.

    What nobody can see is escaped, so that the rule shows it.
    """
    return f'"{"".join(map(_escaped, text))}"'


def plain(text: str) -> str:
    """A text for annotations that is shown as it is: no brace of it begins an action."""
    return text.replace("{", '{{"{"}}')


def number(value: float) -> str:
    """A number as PromQL reads it, without an exponent where it needs none."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.15g}"


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
