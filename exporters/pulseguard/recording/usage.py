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
        uncached, plain = given or 0, output or 0
        # A part larger than its whole is refused by `check`; here it costs what it says.
        if read or write:
            read, write = read or 0, write or 0
            uncached -= read + write
            if uncached < 0:
                uncached = 0
        if reasoning:
            plain = plain - reasoning if plain > reasoning else 0
        return uncached, read or 0, write or 0, plain, reasoning or 0

    def speeds(
        self, first_chunk: float | None, seconds: float
    ) -> tuple[float | None, float | None]:
        """Mean time per token after the first, and tokens per second; None where unknown.

        The first is known of streams of at least two tokens alone.
        """
        output = self[1]
        if not output:
            return None, None
        if first_chunk is not None and output > 1 and seconds > first_chunk:
            pace = (seconds - first_chunk) / (output - 1)
            return pace, 1 / pace
        return None, (output / seconds if seconds > 0 else None)

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
