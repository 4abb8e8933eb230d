"""A stand-in for a tokenizer: the same text always gives the same tokens, about as many as GPT's.

It is not a real vocabulary. A word is cut into pieces of up to six letters (the space before
it belongs to the first), digits into threes, a run of white space is one token, up to two marks
of punctuation are one token.
"""

from __future__ import annotations

import re

_PIECE = re.compile(r" ?[^\W\d_]{1,6}| ?\d{1,3}|\s+| ?[^\w\s]{1,2}|.", re.DOTALL)


def tokenize(text: str) -> list[str]:
    """The tokens of a text; joined they are the text again."""
    return _PIECE.findall(text)


def count_tokens(text: str) -> int:
    """The number of tokens of a text."""
    return len(_PIECE.findall(text))
