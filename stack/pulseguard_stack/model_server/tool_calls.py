"""The tool calls of the simulated model, whichever dialect tells them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pulseguard_stack.model_server.tokens import count_tokens, tokenize

# Of the answers that call tools so many call two of them.
TWO_CALLS_SHARE = 0.25


@dataclass(frozen=True)
class Call:
    """A tool call; `arguments` are the tokens of a JSON object that fits the tool's schema."""

    id: str
    name: str
    arguments: tuple[str, ...]

    @property
    def tokens(self) -> int:
        """Output tokens: those of the name and of the arguments."""
        return count_tokens(self.name) + len(self.arguments)


def compose_call(id: str, name: str, arguments: object) -> Call:
    """A call of this tool; anything but an object calls it without arguments."""
    text = json.dumps(arguments if isinstance(arguments, dict) else {})
    return Call(id, name, tuple(tokenize(text)))
