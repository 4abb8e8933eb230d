"""Token usage as providers report it, turned into disjoint kinds and a generation speed."""

from typing import NamedTuple

from pulseguard.errors import RefusedValue

Tokens = tuple[int, int, int, int, int]


class Usage(NamedTuple):
    """Counts as reported: input includes cached tokens, output includes reasoning."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None

    def updated(self, later: "Usage") -> "Usage":
        """These counts, with those that `later` knows in their place."""
        pairs = zip(self, later, strict=True)
        return Usage(*(mine if theirs is None else theirs for mine, theirs in pairs))

    def plus(self, other: "Usage") -> "Usage":
        """Both together; what neither knows stays unknown."""
        return Usage(*map(_sum, self, other))

    def disjoint(self) -> Tokens:
        """The counts in the order of TOKEN_KINDS, each token once."""
        given, output, read, write, reasoning = self
        read, write, reasoning = read or 0, write or 0, reasoning or 0
        uncached, plain = (given or 0) - read - write, (output or 0) - reasoning
        # A part larger than its whole is refused by `check`; here it costs what it says.
        uncached = uncached if uncached > 0 else 0
        return uncached, read, write, plain if plain > 0 else 0, reasoning

    def check(self) -> None:
        """RefusedValue where a part is larger than the whole that includes it."""
        cached = (self.cache_read or 0) + (self.cache_write or 0)
        if self.input is not None and cached > self.input:
            raise RefusedValue("input_tokens", self.input, "include the cached tokens in it")
        if self.output is not None and (self.reasoning or 0) > self.output:
            raise RefusedValue("output_tokens", self.output, "include reasoning in it")


def _sum(a: int | None, b: int | None) -> int | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def seconds_per_token(output: int, first_chunk: float | None, seconds: float) -> float | None:
    """Mean time per token after the first; None but for streams of at least two tokens."""
    if first_chunk is None or output < 2 or seconds <= first_chunk:
        return None
    return (seconds - first_chunk) / (output - 1)
