"""How people see a colour of Grafana's: in which theme, on what, with which cones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

# The shades of Grafana's palette from light to dark, of its packages/grafana-data/src/themes/
# createVisualizationColors.ts. The light theme begins with the second shade of the dark one.
_SHADES = ("super-light-", "light-", "", "semi-dark-", "dark-")
_HUES = {
    "red": ("#ffa6b0", "#ff7383", "#f2495c", "#e02f44", "#c4162a", "#ad0317"),
    "orange": ("#ffcb7d", "#ffb357", "#ff9830", "#ff780a", "#fa6400", "#e55400"),
    "yellow": ("#fff899", "#ffee52", "#fade2a", "#f2cc0c", "#e0b400", "#cc9d00"),
    "green": ("#c8f2c2", "#96d98d", "#73bf69", "#56a64b", "#37872d", "#19730e"),
    "blue": ("#c0d8ff", "#8ab8ff", "#5794f2", "#3274d9", "#1f60c4", "#1250b0"),
    "purple": ("#deb6f2", "#ca95e5", "#b877d9", "#a352cc", "#8f3bb8", "#7c2ea3"),
}
# What the named colours are; `transparent` lets the panel through.
THEMES: Mapping[str, Mapping[str, str]] = {
    theme: {
        **{
            f"{shade}{hue}": colour
            for hue, colours in _HUES.items()
            for shade, colour in zip(_SHADES, colours[first:], strict=False)
        },
        "transparent": panel,
        "text": text,
    }
    for theme, first, panel, text in (
        ("dark", 0, "#181b1f", "#ccccdc"),
        ("light", 1, "#ffffff", "#24292e"),
    )
}
PANEL = "transparent"
# What is left of red, green and blue: Machado, Oliveira and Fernandes 2009, of severity 1.
SIGHTS: Mapping[str, Sequence[Sequence[float]]] = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no cones for red": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no cones for green": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}
# From linear red, green and blue to the CIE's XYZ, as shares of D65's white.
_XYZ = (
    (0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883),
)
Triple = tuple[float, float, float]


def shown(colour: str, theme: str) -> str:
    """What a theme shows for a name, as `#rrggbb`; this itself stays as it is."""
    return colour if colour.startswith("#") else THEMES[theme][colour]


def contrast(one: str, other: str) -> float:
    """How much one stands out from the other, from 1 to 21, by WCAG 2."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(colour: str) -> str:
    """In which colour Grafana writes on this one: its `getTextColorForAlphaBackground`."""
    red, green, blue = _parts(colour)
    is_bright = 255 * (0.299 * red + 0.587 * green + 0.114 * blue) > 180
    return "#202226" if is_bright else "#f7f8fa"


def distance(one: str, other: str, sight: str) -> float:
    """How different two colours look to such eyes, by CIEDE2000: 1 is just noticed side by side."""
    return ciede2000(_lab(one, sight), _lab(other, sight))


def ciede2000(one: Triple, other: Triple) -> float:
    """The difference of two colours in L*a*b*, as Sharma, Wu and Dalal 2005 write it."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    grey = 1.5 - 0.5 * _saturation((math.hypot(a1, b1) + math.hypot(a2, b2)) / 2)
    a1, a2 = grey * a1, grey * a2
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = math.atan2(b1, a1) % math.tau, math.atan2(b2, a2) % math.tau
    turn = (h2 - h1 + math.pi) % math.tau - math.pi if c1 and c2 else 0
    hue = (h1 + turn / 2) % math.tau if c1 and c2 else h1 + h2
    light, chroma = (l1 + l2) / 2 - 50, (c1 + c2) / 2
    t = (
        1
        - 0.17 * math.cos(hue - math.radians(30))
        + 0.24 * math.cos(2 * hue)
        + 0.32 * math.cos(3 * hue + math.radians(6))
        - 0.20 * math.cos(4 * hue - math.radians(63))
    )
    by_light = (l2 - l1) / (1 + 0.015 * light**2 / math.sqrt(20 + light**2))
    by_chroma = (c2 - c1) / (1 + 0.045 * chroma)
    by_hue = 2 * math.sqrt(c1 * c2) * math.sin(turn / 2) / (1 + 0.015 * chroma * t)
    blue = math.radians(60) * math.exp(-(((math.degrees(hue) - 275) / 25) ** 2))
    turned = -2 * _saturation(chroma) * math.sin(blue) * by_chroma * by_hue
    return math.sqrt(by_light**2 + by_chroma**2 + by_hue**2 + turned)


def _saturation(chroma: float) -> float:
    return math.sqrt(chroma**7 / (chroma**7 + 25**7))


def _parts(colour: str) -> Triple:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _linear(colour: str) -> Triple:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in _parts(colour)
    )
    return red, green, blue


def _luminance(colour: str) -> float:
    return _by((_XYZ[1],), _linear(colour))[0]


def _by(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def _lab(colour: str, sight: str) -> Triple:
    seen = [min(max(part, 0), 1) for part in _by(SIGHTS[sight], _linear(colour))]
    x, y, z = (
        part ** (1 / 3) if part > (6 / 29) ** 3 else part / (3 * (6 / 29) ** 2) + 4 / 29
        for part in _by(_XYZ, seen)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)
