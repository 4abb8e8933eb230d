"""Anthropic's prompt cache: the prefixes that requests marked with `cache_control`.

After https://platform.claude.com/docs/en/build-with-claude/prompt-caching. Entries leave by least
recent use, not by age.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from pulseguard_stack.model_server.messages.prompt import PromptBlock
from pulseguard_stack.model_server.prompt_cache import PromptCacheSettings


@dataclass(frozen=True)
class _Boundary:
    """The end of a block: tokens before it, what identifies them, whether it is marked."""

    position: int
    key: int
    is_breakpoint: bool


class PrefixCache:
    """Remembers marked prefixes of prompts, per model."""

    def __init__(self, settings: PromptCacheSettings) -> None:
        self._settings = settings
        self._prefixes: OrderedDict[int, None] = OrderedDict()

    def read_and_write(self, model: str, prompt: Sequence[PromptBlock]) -> tuple[int, int]:
        """The tokens read from and those written to the cache; then remembers the prompt."""
        boundaries = _boundaries(model, prompt)
        marks = [one for one in boundaries if self._is_cachable(one)]
        if not marks:
            return 0, 0
        last = marks[-1].position
        known = (one.position for one in boundaries if one.key in self._prefixes)
        read = max((position for position in known if position <= last), default=0)
        self._remember(marks)
        return read, last - read

    def _is_cachable(self, boundary: _Boundary) -> bool:
        return boundary.is_breakpoint and boundary.position >= self._settings.minimum_tokens

    def _remember(self, marks: Sequence[_Boundary]) -> None:
        for mark in marks:
            self._prefixes[mark.key] = None
            self._prefixes.move_to_end(mark.key)
        while len(self._prefixes) > self._settings.capacity_blocks:
            self._prefixes.popitem(last=False)


def _boundaries(model: str, prompt: Sequence[PromptBlock]) -> list[_Boundary]:
    boundaries, position, key = [], 0, hash(model)
    for block in prompt:
        position += len(block.tokens)
        key = hash((key, block.tokens))
        boundaries.append(_Boundary(position, key, block.is_breakpoint))
    return boundaries
