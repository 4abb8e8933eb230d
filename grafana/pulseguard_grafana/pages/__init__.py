"""The pages, one module each; a module that is here is a dashboard that ships."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules

from pulseguard_grafana.page import Page


def all_pages() -> Sequence[Page]:
    """Each module's `page`, by name."""
    names = sorted(module.name for module in iter_modules(__path__))
    return [import_module(f"{__name__}.{name}").page for name in names]
