"""Whether two texts are one PromQL expression.

Prometheus tells an expression not as it was written but as it prints it: other spaces, other
quotes, no comments, matchers in order. So both texts go through its own formatter, which makes the
same of whatever parses to the same, and are compared without their spaces.
"""

import re
from collections.abc import Callable
from typing import Final

# Strings whole, in all three kinds of quotes; words; everything else by itself.
_TOKEN = re.compile(
    r"""\s+|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|[\w:.]+|.""", re.ASCII | re.DOTALL
)
_REMEMBERED: Final = 20_000

Formatter = Callable[[str], str | None]


class Expressions:
    """Compares expressions with the help of a formatter, whose answers it remembers."""

    def __init__(self, formatter: Formatter) -> None:
        self._formatter = formatter
        self._formatted: dict[str, tuple[str, ...] | None] = {}

    def are_one(self, written: str, printed: str) -> bool:
        """Whether what was written is what Prometheus prints so; False also in any doubt."""
        words, printed_words = tokens(written), tokens(printed)
        # In a comment, which is never printed, a line end counts.
        if words == printed_words and "#" not in words:
            return True
        formatted = self._tokens(written)
        # Mostly it prints as it formats, and need not be asked twice.
        return formatted is not None and (
            formatted == printed_words or formatted == self._tokens(printed)
        )

    def _tokens(self, expression: str) -> tuple[str, ...] | None:
        if expression not in self._formatted:
            text = self._formatter(expression)
            if text is None:
                return None
            if len(self._formatted) >= _REMEMBERED:
                self._formatted.clear()
            self._formatted[expression] = tokens(text)
        return self._formatted[expression]


def tokens(expression: str) -> tuple[str, ...]:
    """Answers what is between the spaces, strings unchanged."""
    return tuple(token for token in _TOKEN.findall(expression) if not token.isspace())
