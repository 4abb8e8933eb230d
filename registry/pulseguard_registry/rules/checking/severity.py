"""Whether a severity is one by which people are told."""

from __future__ import annotations

import difflib
from typing import Final

from pulseguard_registry.rules.vocabulary import SEVERITIES

# Of what nobody is to be told, such as the dead man's switch.
_UNTOLD: Final = "none"


def strange_severity(text: str) -> str | None:
    """Why nobody tells alerts by this severity, and what is meant; None where it is known, or a
    template, which is whatever it makes."""
    if text in (*SEVERITIES, _UNTOLD) or "{{" in text:
        return None
    like = difflib.get_close_matches(text.lower(), SEVERITIES, 1)
    meant = f"; is {like[0]} meant?" if like else ""
    return (
        f"{text} is no severity by which anybody is paged, it counts as a warning;"
        f" give {', '.join(SEVERITIES[:-1])} or {SEVERITIES[-1]}{meant}"
    )
