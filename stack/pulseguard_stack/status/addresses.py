"""Where everything of the watched stack is, as lines that cut no address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_GAP: Final = "  "


def address_lines(addresses: Iterable[str], width: int) -> list[str]:
    """The addresses side by side, in as few lines as hold them; what is too long is left out."""
    lines: list[str] = []
    for address in addresses:
        if len(address) > width:
            continue
        joined = f"{lines[-1]}{_GAP}{address}" if lines else address
        if lines and len(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(address)
    return lines
