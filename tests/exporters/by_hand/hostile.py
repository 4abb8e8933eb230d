"""Values that no agent should pass, and some agent will."""

import asyncio
import itertools
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NoReturn

# What may stand in no log, wherever it was passed.
PROMPT: Final = "The text of a prompt"


class RaisingError(Exception):
    """Even its text cannot be had."""

    def __str__(self) -> str:
        raise ValueError(PROMPT)


class RaisingSystemError(OSError):
    """An error of the operating system that is none."""

    def __str__(self) -> str:
        raise ValueError(PROMPT)


def _raise(self: object, *args: object, **kwargs: object) -> NoReturn:
    raise RaisingError(PROMPT)


def _raise_system(self: object, *args: object, **kwargs: object) -> NoReturn:
    raise RaisingSystemError(PROMPT)


def _recurse(self: Any, *args: object) -> Any:
    return str(self)


class Raising:
    __str__ = __repr__ = __eq__ = __hash__ = __float__ = __int__ = __index__ = _raise
    __len__ = __iter__ = __bool__ = __lt__ = __format__ = __call__ = _raise
    __class__ = property(_raise)

    def __getattr__(self, name: str) -> NoReturn:
        raise RaisingError(PROMPT)


class RaisingSystem:
    __str__ = __eq__ = __hash__ = __float__ = __index__ = _raise_system
    __iter__ = __bool__ = __call__ = _raise_system


class Endless:
    __str__ = __repr__ = __float__ = __index__ = __hash__ = _recurse


class Lying:
    """Of no type that it says it is."""

    def __str__(self) -> str:
        return 3  # type: ignore[return-value]

    def __float__(self) -> float:
        return "3"  # type: ignore[return-value]

    def __index__(self) -> int:
        return 2.5  # type: ignore[return-value]


class HostileText(str):
    __str__ = __eq__ = __hash__ = __len__ = __getitem__ = _raise
    isascii = isprintable = startswith = endswith = translate = strip = _raise


class SlyText(str):
    """Seems harmless until it is written."""

    def __str__(self) -> str:
        return self

    def __getitem__(self, key: Any) -> str:
        return self

    def isascii(self) -> bool:
        return True

    def isprintable(self) -> bool:
        return True

    translate = _raise


class TextOfHostileText:
    def __str__(self) -> str:
        return HostileText("from within")


class TextOfSlyText:
    def __str__(self) -> str:
        return SlyText("from within")


class HostileNumber(float):
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = __float__ = __repr__ = _raise


class HostileCount(int):
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = __index__ = __repr__ = _raise


async def _never_awaited() -> None: ...


def _closed_coroutine() -> object:
    coroutine = _never_awaited()
    coroutine.close()
    return coroutine


HOSTILE: Final[tuple[Any, ...]] = (
    *(None, True, 0, 1, -1, 3, 0.5, -0.5, 2**53, 2**63, 10**400, 10**5000, -(10**400)),
    *(math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, 1j, Decimal("NaN"), Fraction(1, 3)),
    *("", "a", "gpt-4o", "documents_total", "pages", "a b", PROMPT, "\ud800", "\x00", "\n", "\r"),
    *('a "quote"', "back\\slash", "{}=,", "# EOF", "é" * 300, "𝄞", "\u2028", "x" * 10_000_000),
    *(b"bytes", bytearray(b"x"), memoryview(b"x"), b"\xff", [], [[]], (), {}, {"a": 1}, set()),
    *(object(), type, int, len, print, ..., NotImplemented, range(10**9), lambda: 1, math),
    *(Raising(), RaisingSystem(), Endless(), Lying(), TextOfHostileText()),
    *(SlyText("sly"), SlyText("sly_total"), TextOfSlyText()),
    *(HostileText("hostile"), HostileNumber(0.5), HostileCount(3)),
    *(("kind",), ["kind"], (1, 2), (2, 1), (math.nan,), (0.5,), (7, 1.5), (1, 2, 3)),
    *(ValueError(PROMPT), RaisingError(), RaisingSystemError(), KeyboardInterrupt(), SystemExit()),
    *(asyncio.CancelledError(), StopIteration(), ExceptionGroup("x", [RaisingError()])),
    _closed_coroutine(),
)
# Made anew for each use: they can be used up.
FRESH: Final[tuple[Callable[[], Any], ...]] = (
    lambda: itertools.count(1),
    lambda: itertools.repeat("kind"),
    lambda: (number for number in range(3)),
    lambda: iter(()),
    lambda: map(_raise, [1]),
)
