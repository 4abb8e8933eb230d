"""Methods of other people's classes, wrapped once their module is there, and given back."""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from pulseguard.instrumentation.imports import forget_import, when_imported
from pulseguard.instrumentation.measured import Meter
from pulseguard.instrumentation.methods import Method

_MARK = "__pulseguard__"
_DEEPEST = 64


class Wrap(NamedTuple):
    """One method to wrap: `make` gives the wrapper, made with functools.wraps.

    `missed` is how loud it is said where the installed version has no such method.
    """

    module: str
    owner: str
    method: str
    make: Callable[[Method], Method]
    missed: int = logging.WARNING


class Patches:
    """The wraps of one library. What is missing in its installed version is left out, and said.

    A module that is not imported yet is not imported for this either: its classes are wrapped
    when somebody does.
    """

    def __init__(self, wraps: Sequence[Wrap], meter: Meter) -> None:
        self._wraps: dict[str, list[Wrap]] = {}
        for wrap in wraps:
            self._wraps.setdefault(wrap.module, []).append(wrap)
        self._meter = meter

    def apply(self) -> None:
        """Wrap now or when imported, each method once, however often this is asked for."""
        for module in self._wraps:
            when_imported(module, self._imported)

    def undo(self) -> None:
        """Take the wrappers off again.

        One that somebody else has wrapped since has to stay beneath, and is to pass everything on.
        """
        for name, wraps in self._wraps.items():
            forget_import(name, self._imported)
            module = sys.modules.get(name)
            for wrap in wraps:
                owner = getattr(module, wrap.owner, None)
                if owner is not None:
                    _unwrap(owner, wrap.method)

    def _imported(self, module: ModuleType) -> None:
        self._meter.guard.attempt(f"instrument {module.__name__}", None, self._apply_in, module)

    def _apply_in(self, module: ModuleType) -> None:
        for wrap in self._wraps[module.__name__]:
            owner = getattr(module, wrap.owner, None)
            method = None if owner is None else vars(owner).get(wrap.method)
            if method is None:
                what = f"{wrap.module}.{wrap.owner}.{wrap.method}"
                message = f"{what} is not measured: this version has none"
                self._meter.journal.write(what, message, wrap.missed)
            elif not any(map(_is_ours, _layers(method))):
                wrapper = wrap.make(method)
                setattr(wrapper, _MARK, wrapper)
                setattr(owner, wrap.method, wrapper)


def _unwrap(owner: type, name: str) -> None:
    method: Any = vars(owner).get(name)
    if _is_ours(method):
        setattr(owner, name, method.__wrapped__)


def _is_ours(method: Any) -> bool:
    # Itself: functools.wraps copies the marks of what it wraps.
    return method is not None and getattr(method, _MARK, None) is method


def _layers(method: Any) -> Iterator[Any]:
    """The method and what it wraps, outermost first."""
    for _ in range(_DEEPEST):
        yield method
        method = getattr(method, "__wrapped__", None)
        if method is None:
            return
