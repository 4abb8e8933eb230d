"""Prices of models: what one is, and those that the operator states in a file of his own."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from pulseguard.catalog import TOKEN_KINDS, TokenKind
from pulseguard.errors import ConfigurationError
from pulseguard.recording.labels import clean_label

if TYPE_CHECKING:
    from pathlib import Path

# USD per million tokens, by kind; a kind that is not there has no price.
Price: TypeAlias = Mapping[TokenKind, float]

_HIGHEST_USD: Final = 1_000_000
# A kind without a price of its own is billed as what it is a part of.
_PART_OF: Final[Mapping[TokenKind, TokenKind]] = {
    "cache_read": "input",
    "cache_write": "input",
    "reasoning": "output",
}


def completed(stated: Price) -> Price:
    """The price with cached input and reasoning at the rates of input and output where unstated."""
    wholes = {part: stated[whole] for part, whole in _PART_OF.items() if whole in stated}
    return {**wholes, **stated}


def read_prices(path: "Path") -> dict[str, Price]:
    """The prices by model of a file like `{"my-model": {"input": 0.5, "output": 1.5}}`.

    ConfigurationError where it cannot be used, and then none of it is.
    """
    import json  # here: few state prices, and all pay for an import

    try:
        # A pipe or a device would keep the agent waiting.
        stated = json.loads(path.read_bytes()) if path.is_file() else None
    except (OSError, ValueError):
        stated = None
    if not isinstance(stated, dict):
        raise ConfigurationError(
            "prices_file", str(path), 'give a JSON file: {"model": {"input": USD per million, ...}}'
        )
    return {
        clean_label(model): _price(clean_label(model), rates) for model, rates in stated.items()
    }


def _price(model: str, rates: object) -> Price:
    field = f"prices_file[{model!r}]"
    if not isinstance(rates, dict) or not rates:
        raise ConfigurationError(
            field, _shown(rates), f"give USD per million tokens by kind: {', '.join(TOKEN_KINDS)}"
        )
    return completed({_kind(field, kind): _rate(field, kind, rate) for kind, rate in rates.items()})


def _kind(field: str, kind: str) -> TokenKind:
    if kind not in TOKEN_KINDS:
        raise ConfigurationError(field, clean_label(kind), f"give one of {', '.join(TOKEN_KINDS)}")
    return kind


def _rate(field: str, kind: str, rate: object) -> float:
    is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
    if not is_number or not 0 <= cast(float, rate) <= _HIGHEST_USD:
        mend = f"give USD per million tokens, a number from 0 to {_HIGHEST_USD}"
        raise ConfigurationError(f"{field}[{kind!r}]", _shown(rate), mend)
    return float(cast(float, rate))


def _shown(value: object) -> object:
    """Numbers as they are, else the type: a wrong path may lead to somebody's secrets."""
    is_short = isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**15)
    return value if is_short else type(value).__name__
