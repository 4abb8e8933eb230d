"""What is known of models: prices and windows, and those that the operator states in a file."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, cast

from pulseguard.catalog import TOKEN_KINDS, TokenKind
from pulseguard.errors import ConfigurationError
from pulseguard.recording.labels import clean_label

if TYPE_CHECKING:
    from pathlib import Path

# USD per million tokens, by kind; a kind that is not there has no price.
Price: TypeAlias = Mapping[TokenKind, float]

_WINDOW: Final = "context_window"
_HIGHEST_USD: Final = 1_000_000
_LARGEST_WINDOW: Final = 10**9
# A kind without a price of its own is billed as what it is a part of.
_PART_OF: Final[Mapping[TokenKind, TokenKind]] = {
    "cache_read": "input",
    "cache_write": "input",
    "reasoning": "output",
}


class Model(NamedTuple):
    """What is known of one model; its window in tokens, None where nobody says."""

    price: Price
    context_window: int | None = None


def completed(stated: Price) -> Price:
    """The price with cached input and reasoning at the rates of input and output where unstated."""
    wholes = {part: stated[whole] for part, whole in _PART_OF.items() if whole in stated}
    return {**wholes, **stated}


def read_models(path: "Path") -> dict[str, Model]:
    """The models of a file like `{"my-model": {"input": 0.5, "output": 1.5}}`.

    With `"context_window": 131072` among the prices it says how large the model's window is.
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
        clean_label(model): _model(clean_label(model), facts) for model, facts in stated.items()
    }


def _model(model: str, facts: object) -> Model:
    field = f"prices_file[{model!r}]"
    if not isinstance(facts, dict) or not facts:
        raise ConfigurationError(
            field, _shown(facts), f"give USD per million tokens by kind: {', '.join(TOKEN_KINDS)}"
        )
    rates = dict(facts)
    window = _window(field, rates.pop(_WINDOW)) if _WINDOW in rates else None
    price = {_kind(field, kind): _rate(field, kind, rate) for kind, rate in rates.items()}
    return Model(completed(price), window)


def _kind(field: str, kind: str) -> TokenKind:
    if kind not in TOKEN_KINDS:
        known = ", ".join((*TOKEN_KINDS, _WINDOW))
        raise ConfigurationError(field, clean_label(kind), f"give one of {known}")
    return kind


def _window(field: str, window: object) -> int:
    if type(window) is not int or not 1 <= window <= _LARGEST_WINDOW:
        mend = f"give the window in tokens, a whole number from 1 to {_LARGEST_WINDOW}"
        raise ConfigurationError(f"{field}[{_WINDOW!r}]", _shown(window), mend)
    return window


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
