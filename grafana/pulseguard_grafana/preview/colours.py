"""Grafana's colours on a terminal."""

from __future__ import annotations

from typing import Final

# Its light, plain and dark shades.
_PALETTE: Final = {
    "red": ("#ff7383", "#f2495c", "#c4162a"),
    "orange": ("#ffb357", "#ff9830", "#fa6400"),
    "yellow": ("#ffee52", "#fade2a", "#e0b400"),
    "green": ("#96d98d", "#73bf69", "#37872d"),
    "blue": ("#8ab8ff", "#5794f2", "#1f60c4"),
    "purple": ("#ca95e5", "#b877d9", "#8f3bb8"),
}


def style_of(colour: str) -> str:
    """The style that rich knows it by; empty for the colour of text, and for one nobody knows."""
    if colour.startswith("#"):
        return colour
    shade, _, hue = colour.rpartition("-")
    light, plain, dark = _PALETTE.get(hue, ("", "", ""))
    if "light" in shade:
        return light
    return dark if "dark" in shade else plain
