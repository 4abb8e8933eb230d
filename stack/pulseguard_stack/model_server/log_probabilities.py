"""Log probabilities that know something: higher, on average, where the answer is right."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

_ALTERNATIVES = (" the", " a", " one", " and", " so", " it", " no", " yes", " in", " of", " to",
    " is", " as", " on", " at", " by", " or", " we", " up", " if", " my")  # fmt: skip


@dataclass(frozen=True)
class TokenProbability:
    """A token, the probability it was given, and the likeliest tokens in its place."""

    token: str
    probability: float
    top: tuple[tuple[str, float], ...]


def token_probabilities(
    tokens: list[str], is_right: bool | None, top: int, luck: Random
) -> list[TokenProbability]:
    """One per token; `is_right` is None for prose. Beta-distributed: mean 0.84 right, 0.5 wrong.

    In an answer to a question only the tokens of the value are in doubt: `Answer: ` is not.
    """
    if is_right is None:
        return [_with_alternatives(token, luck.betavariate(6, 1.5), top) for token in tokens]
    doubt = luck.betavariate(8, 1.5) if is_right else luck.betavariate(3, 3)
    form = next((n + 1 for n, token in enumerate(tokens) if token.startswith(":")), 0)
    sure = [luck.betavariate(60, 1) for _ in tokens[:form]]
    # The value is one decision: its first token carries the doubt, the others follow from it.
    value = [doubt if n == 0 else luck.betavariate(60, 1) for n, _ in enumerate(tokens[form:])]
    return [
        _with_alternatives(token, probability, top)
        for token, probability in zip(tokens, sure + value, strict=True)
    ]


def log_probability(probability: float) -> float:
    """The natural logarithm, bounded below as OpenAI bounds it, at -9999."""
    return math.log(probability) if probability > 0 else -9999.0


def _with_alternatives(token: str, probability: float, top: int) -> TokenProbability:
    others = [other for other in _ALTERNATIVES if other != token]
    ranked = [(token, probability)]
    rest = 1 - probability
    for other in others[: max(top - 1, 0)]:
        rest /= 2
        ranked.append((other, rest))
    ranked.sort(key=lambda pair: -pair[1])
    return TokenProbability(token, probability, tuple(ranked[:top]))
