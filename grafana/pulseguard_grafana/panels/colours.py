"""Colours that mean something, the same on all pages, told apart by the colour-blind as well.

Statuses go from blue over yellow and orange to dark red and differ in lightness, not only in hue:
red and green of one lightness are the same to one man in twelve. All are of Grafana's own palette,
which has a shade of each for the light theme and for the dark one.
"""

from __future__ import annotations

from collections.abc import Mapping

GOOD = "blue"
WARNING = "yellow"
BAD = "dark-red"
NEUTRAL = "text"
UNKNOWN = "#8e8e8e"

# One hue from light to dark for a family of quantiles, and another one for the mean.
QUANTILES: Mapping[str, str] = {
    "p50": "light-blue",
    "p95": "blue",
    "p99": "dark-blue",
    "mean": "purple",
}
STATUSES: Mapping[str, str] = {
    "ONLINE": GOOD,
    "MAINTENANCE": "purple",
    "UNKNOWN": UNKNOWN,
    "ERROR": "orange",
    "OFFLINE": BAD,
}
STATES: Mapping[str, str] = {
    "idle": "light-blue",
    "working": "blue",
    "waiting": "yellow",
    "stuck": "orange",
    "draining": "purple",
    "failed": BAD,
}
TOKEN_KINDS: Mapping[str, str] = {
    "input": "blue",
    "cache_read": "light-blue",
    "cache_write": "purple",
    "output": "dark-orange",
    "reasoning": "light-orange",
}
