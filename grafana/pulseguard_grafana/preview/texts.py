"""Sentences on a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from pulseguard_grafana.preview.content import plain
from pulseguard_grafana.preview.fields import Json
from pulseguard_grafana.preview.queries import Asking


@dataclass(frozen=True)
class Markdown:
    """A text panel, as it is written."""

    content: str
    has_data: bool = True

    def drawn(self, most: int, room: int) -> Iterator[RenderableType]:
        """Its lines."""
        for line in self.content.splitlines():
            yield Text(f"  {plain(line)}")

    # Any: JSON.
    def document(self) -> dict[str, Any]:
        """The text."""
        return {"text": self.content}


def read(panel: Json, asking: Asking) -> Markdown:
    """A text panel, with the variables of the page."""
    return Markdown(asking.filled(panel["options"].get("content", "")))
