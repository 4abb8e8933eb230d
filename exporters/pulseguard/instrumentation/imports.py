"""Telling when a module has been imported, by whomever, without importing it."""

import importlib
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Told of the module once it has been executed, in the thread that imports it. It must not raise:
# that would fail somebody else's import.
Imported = Callable[[ModuleType], None]


def when_imported(name: str, imported: Imported) -> None:
    """Tell of the module now if it is there, else once it has been imported.

    While anything is waited for, every import of any module costs one more look-up in a dict.
    """
    _WATCH.add(name, imported)
    if name in sys.modules:
        # Not from sys.modules: another thread may be half-way through it.
        _WATCH.tell(importlib.import_module(name))


def forget_import(name: str, imported: Imported) -> None:
    """Take back what was asked of `when_imported`, where it is still waiting."""
    _WATCH.remove(name, imported)


class _Watch(MetaPathFinder):
    """Finds nothing by itself: has the others find it, and listens to the loading."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Imported]] = {}
        self._lock = threading.Lock()

    def add(self, name: str, imported: Imported) -> None:
        with self._lock:
            waiting = self._waiting.setdefault(name, [])
            if imported not in waiting:
                waiting.append(imported)
            if self not in sys.meta_path:
                sys.meta_path.insert(0, self)

    def remove(self, name: str, imported: Imported) -> None:
        with self._lock:
            waiting = self._waiting.get(name, [])
            if imported in waiting:
                waiting.remove(imported)
            if not waiting:
                self._waiting.pop(name, None)
            self._leave_when_idle()

    def tell(self, module: ModuleType) -> None:
        """The module is there."""
        with self._lock:
            waiting = self._waiting.pop(module.__name__, ())
            self._leave_when_idle()
        for imported in waiting:
            imported(module)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the other finders find, loaded under watch; None for what nobody waits for."""
        if fullname not in self._waiting:
            return None
        for finder in list(sys.meta_path):
            # Finders from before find_spec are passed over, as the import system does.
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None if find is None else find(fullname, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = _WatchedLoader(spec.loader, self)
                return spec
        return None

    def _leave_when_idle(self) -> None:
        if not self._waiting and self in sys.meta_path:
            sys.meta_path.remove(self)


class _WatchedLoader(Loader):
    """A loader that gives its place back to the one it stands for as soon as it is used."""

    def __init__(self, loader: Loader, watch: _Watch) -> None:
        self._loader = loader
        self._watch = watch

    # Any: whatever else the loader that it stands for can do (source, resources).
    def __getattr__(self, name: str) -> Any:
        if name == "_loader":
            raise AttributeError(name)  # of a copy that is still being made
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._watch.tell(module)


_WATCH = _Watch()
