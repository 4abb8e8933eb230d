"""The models that the server pretends to have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pulseguard_stack.model_server.errors import BadSetting


@dataclass(frozen=True)
class Model:
    """A model's name, its context window in tokens, and whether it reasons before it answers."""

    name: str
    context_window: int = 128_000
    reasons: bool = False


DEFAULT_MODELS = (
    *("gpt-4o:128000", "gpt-4o-mini:128000", "o4-mini:200000:reasoning"),
    "claude-sonnet-5:200000",
    "text-embedding-3-small:8191",
)


def parse_model(text: str) -> Model:
    """The model written `name`, `name:window` or `name:window:reasoning`; raises BadSetting."""
    name, _, rest = text.partition(":")
    window, _, kind = rest.partition(":")
    valid_window = not window or (window.isascii() and window.isdigit() and int(window) > 0)
    if not name or not valid_window or kind not in ("", "reasoning"):
        raise BadSetting(f"model {text!r}: write name, name:window or name:window:reasoning")
    return Model(name, int(window or 128_000), kind == "reasoning")


def model_table(models: Iterable[Model]) -> Mapping[str, Model]:
    """The models by name."""
    return MappingProxyType({model.name: model for model in models})
