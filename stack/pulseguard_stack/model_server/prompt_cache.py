"""A believable prompt cache: which leading part of a prompt was seen before.

As documented for OpenAI's prompt caching (https://platform.openai.com/docs/guides/prompt-caching):
prompts of at least 1,024 tokens, in steps of 128. Entries leave by least recent use, not by age.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pulseguard_stack.model_server.errors import BadSetting


@dataclass(frozen=True)
class PromptCacheSettings:
    """Sizes in tokens, capacity in blocks over all models."""

    minimum_tokens: int = 1024
    block_tokens: int = 128
    capacity_blocks: int = 100_000

    def __post_init__(self) -> None:
        if self.block_tokens < 1 or self.minimum_tokens < 0 or self.capacity_blocks < 0:
            raise BadSetting(f"{self}: a block has 1 token or more, the others are 0 or more")


class PromptCache:
    """Remembers the prefixes of prompts, block by block, per model."""

    def __init__(self, settings: PromptCacheSettings) -> None:
        self._settings = settings
        self._blocks: OrderedDict[int, None] = OrderedDict()

    def read_and_write(self, model: str, prompt: Sequence[str]) -> int:
        """The number of leading tokens known from earlier prompts; then remembers this one."""
        if len(prompt) < self._settings.minimum_tokens:
            return 0
        keys = list(self._prefix_keys(model, prompt))
        known = next((n for n, key in enumerate(keys) if key not in self._blocks), len(keys))
        self._remember(keys)
        cached = known * self._settings.block_tokens
        return cached if cached >= self._settings.minimum_tokens else 0

    def _prefix_keys(self, model: str, prompt: Sequence[str]) -> Iterator[int]:
        size = self._settings.block_tokens
        key = hash(model)
        for start in range(0, len(prompt) - size + 1, size):
            key = hash((key, *prompt[start : start + size]))
            yield key

    def _remember(self, keys: Sequence[int]) -> None:
        # Backwards, so that the end of a prompt is forgotten before the beginning it hangs on.
        for key in reversed(keys):
            self._blocks[key] = None
            self._blocks.move_to_end(key)
        while len(self._blocks) > self._settings.capacity_blocks:
            self._blocks.popitem(last=False)
