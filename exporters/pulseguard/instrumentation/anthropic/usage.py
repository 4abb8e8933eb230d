"""Token counts as Anthropic reports them, from objects and from decoded JSON.

https://platform.claude.com/docs/en/api/messages: `input_tokens` is without the cached ones,
`output_tokens` with the thinking. Tokens that only an `iterations` list tells (compaction) are not
in these totals.
"""

from collections.abc import Mapping
from typing import Any

from pulseguard.instrumentation.measured import token_count
from pulseguard.recording.usage import Usage

# Any in this module: usage objects of the client library, or JSON; what a server left out is None.


def message_usage(usage: Any) -> Usage | None:
    """Of a whole message, or of the beginning of a stream."""
    return updated_usage(None, usage)


def updated_usage(told: Usage | None, usage: Any) -> Usage | None:
    """What a stream told before, with what it tells now: each count is the total so far."""
    uncached, output = _count(usage, "input_tokens"), _count(usage, "output_tokens")
    read = _count(usage, "cache_read_input_tokens")
    write = _count(usage, "cache_creation_input_tokens")
    thinking = _count(_field(usage, "output_tokens_details"), "thinking_tokens")
    if told is not None:
        before, told_output, told_read, told_write, told_thinking = told
        if uncached is None:
            uncached = (before or 0) - (told_read or 0) - (told_write or 0)
        output = told_output if output is None else output
        read = told_read if read is None else read
        write = told_write if write is None else write
        thinking = told_thinking if thinking is None else thinking
    if uncached is None or output is None:
        return None
    return Usage(uncached + (read or 0) + (write or 0), output, read, write, thinking)


def _count(holder: Any, name: str) -> int | None:
    return token_count(_field(holder, name))


def _field(holder: Any, name: str) -> Any:
    if isinstance(holder, Mapping):
        return holder.get(name)
    return getattr(holder, name, None)
