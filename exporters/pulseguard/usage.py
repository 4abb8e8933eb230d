"""Token usage as providers report it, turned into disjoint kinds and a generation speed."""

from dataclasses import dataclass

from pulseguard.errors import RefusedValue

Tokens = tuple[int, int, int, int, int]


@dataclass(slots=True)
class Usage:
    """Counts as reported: input includes cached tokens, output includes reasoning."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None

    def updated(self, later: "Usage") -> "Usage":
        """These counts, with those that `later` knows in their place."""
        return Usage(
            self.input if later.input is None else later.input,
            self.output if later.output is None else later.output,
            self.cache_read if later.cache_read is None else later.cache_read,
            self.cache_write if later.cache_write is None else later.cache_write,
            self.reasoning if later.reasoning is None else later.reasoning,
        )

    def disjoint(self) -> Tokens:
        """The counts in the order of TOKEN_KINDS, each token once."""
        read, write, reasoning = self.cache_read or 0, self.cache_write or 0, self.reasoning or 0
        uncached = max((self.input or 0) - read - write, 0)
        return uncached, read, write, max((self.output or 0) - reasoning, 0), reasoning

    def check(self) -> None:
        """RefusedValue where a part is larger than the whole that includes it."""
        cached = (self.cache_read or 0) + (self.cache_write or 0)
        if self.input is not None and cached > self.input:
            raise RefusedValue("input_tokens", self.input, "include the cached tokens in it")
        if self.output is not None and (self.reasoning or 0) > self.output:
            raise RefusedValue("output_tokens", self.output, "include reasoning in it")


def seconds_per_token(output: int, first_chunk: float | None, seconds: float) -> float | None:
    """Mean time per token after the first; None but for streams of at least two tokens."""
    if first_chunk is None or output < 2 or seconds <= first_chunk:
        return None
    return (seconds - first_chunk) / (output - 1)


def tokens_per_second(output: int, first_chunk: float | None, seconds: float) -> float | None:
    """Generation speed: after the first chunk for streams, over the whole call otherwise."""
    pace = seconds_per_token(output, first_chunk, seconds)
    if pace is not None:
        return 1 / pace
    return output / seconds if output and seconds > 0 else None
