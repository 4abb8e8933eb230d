"""Colours that mean something, the same on all pages, told apart by the colour-blind as well.

Good is blue, and bad is red beside an orange that is lighter: red and green of one lightness are
the same to one man in twelve, blue and purple as well. Lines and bars stand out from the panel by
3 to 1 at least. All but the greys are of Grafana's own palette, which has a shade of each for the
light theme and for the dark one.
"""

from __future__ import annotations

from collections.abc import Mapping

GOOD = "semi-dark-blue"
WARNING = "semi-dark-orange"
BAD = "semi-dark-red"
NEUTRAL = "text"
UNKNOWN = "#727272"
PAUSED = "light-purple"

# One hue from light to dark for a family of quantiles, and that of text for the mean.
QUANTILES: Mapping[str, str] = {
    "p50": "light-blue",
    "p95": "blue",
    "p99": "semi-dark-blue",
    "mean": NEUTRAL,
}
STATUSES: Mapping[str, str] = {
    "ONLINE": GOOD,
    "MAINTENANCE": PAUSED,
    "UNKNOWN": UNKNOWN,
    "ERROR": WARNING,
    "OFFLINE": BAD,
}
STATES: Mapping[str, str] = {
    "idle": "light-blue",
    "working": GOOD,
    "waiting": UNKNOWN,
    "stuck": WARNING,
    "draining": NEUTRAL,
    "failed": BAD,
}
TOKEN_KINDS: Mapping[str, str] = {
    "input": "semi-dark-blue",
    "cache_read": "light-blue",
    "cache_write": NEUTRAL,
    "output": "dark-orange",
    "reasoning": "#727272",
}

# What is behind a number or a text that has one of these colours. Grafana writes on it in white,
# and in black only where it is very light, so that most shades leave the text unreadable.
FILLS: Mapping[str, str] = {
    GOOD: "dark-blue",
    WARNING: "super-light-orange",
    BAD: "dark-red",
    NEUTRAL: "transparent",
    UNKNOWN: UNKNOWN,
    PAUSED: "#deb6f2",
}
