"""Label values made safe before they are kept: text, valid, on one line, short."""

from typing import Final

MAX_LENGTH: Final = 120

_REPLACEMENT = "�"


def clean_label(value: object) -> str:
    """The value as text that nobody chokes on: valid, one line, at most 120 characters."""
    # Of a subclass of str only the text is kept: its methods are somebody else's code.
    text = value if type(value) is str else str.__str__(str(value))
    return clean_line(text, MAX_LENGTH)


def clean_line(text: str, longest: int = 300) -> str:
    """The beginning of a text as one valid line."""
    text = text[:longest]
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_printable, text))


def _printable(character: str) -> str:
    refused = character < " " or character == "\x7f" or "\ud800" <= character <= "\udfff"
    return _REPLACEMENT if refused else character
