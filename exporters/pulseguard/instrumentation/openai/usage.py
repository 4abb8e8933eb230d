"""Token counts as OpenAI's three endpoints report them, from objects and from decoded JSON."""

from typing import Any

from pulseguard.recording.usage import Usage

# Any in this module: usage objects of the client library, or JSON; what a server left out is None.


def chat_usage(usage: Any) -> Usage | None:
    """Of a chat completion or an embedding: `prompt_tokens`, `completion_tokens`.

    https://platform.openai.com/docs/api-reference/chat/object
    """
    given = _count(usage, "prompt_tokens")
    if given is None:
        return None
    output = _count(usage, "completion_tokens")
    read, write = _cached(field(usage, "prompt_tokens_details"))
    reasoning = _count(field(usage, "completion_tokens_details"), "reasoning_tokens")
    if output is not None and reasoning:
        # xAI counts reasoning beside the completion; its total tells.
        beside = _count(usage, "total_tokens") == given + output + reasoning
        output += reasoning if beside else 0
    return Usage(given, output, read, write, reasoning)


def response_usage(usage: Any) -> Usage | None:
    """Of a response: `input_tokens`, `output_tokens`.

    https://platform.openai.com/docs/api-reference/responses/object
    """
    given = _count(usage, "input_tokens")
    if given is None:
        return None
    read, write = _cached(field(usage, "input_tokens_details"))
    reasoning = _count(field(usage, "output_tokens_details"), "reasoning_tokens")
    return Usage(given, _count(usage, "output_tokens"), read, write, reasoning)


def field(holder: Any, name: str) -> Any:
    """What an object of the client's, or decoded JSON, has under that name; None for nothing."""
    if holder is None:
        return None
    if type(holder) is dict:
        return holder.get(name)
    return getattr(holder, name, None)


def _cached(details: Any) -> tuple[int | None, int | None]:
    if details is None:
        return None, None
    return _count(details, "cached_tokens"), _count(details, "cache_write_tokens")


def _count(holder: Any, name: str) -> int | None:
    # As `field` and `token_count` would say: of every call a dozen counts are asked.
    if holder is None:
        return None
    count = holder.get(name) if type(holder) is dict else getattr(holder, name, None)
    return count if type(count) is int and count >= 0 else None
