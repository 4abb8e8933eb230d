"""What a caller sees of an answer, as JSON: to compare with and without instrumentation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel

Seen = list[Any]


def shown(value: Any) -> Any:
    """The value with its type."""
    if isinstance(value, BaseModel):
        # Extra fields and what is set belong to what a caller can see.
        fields = value.model_dump(mode="json", warnings=False)
        return [type(value).__qualname__, fields, sorted(value.model_fields_set)]
    if isinstance(value, list | tuple):
        return [shown(one) for one in value]
    return value if value is None or isinstance(value, str | int | float) else str(type(value))


def raised(error: BaseException) -> Any:
    """An exception with its type and the one that it came of."""
    cause = type(error.__cause__).__qualname__ if error.__cause__ else None
    return ["raised", type(error).__qualname__, str(error), cause]


def attempted(seen: Seen, run: Callable[[Seen], object]) -> Seen:
    """What `run` saw, and what it raised."""
    try:
        run(seen)
    except BaseException as error:
        seen.append(raised(error))
    return seen


async def attempted_async(seen: Seen, run: Callable[[Seen], Awaitable[object]]) -> Seen:
    """The same, awaited."""
    try:
        await run(seen)
    except BaseException as error:
        seen.append(raised(error))
    return seen
