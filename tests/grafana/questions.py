"""The queries of docs/promql.md."""

from __future__ import annotations

import re
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "promql.md"


def questions() -> list[str]:
    """Each in one line."""
    blocks = re.findall(r"(?:^ {4}.*\n)+", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    return [" ".join(line.strip() for line in block.splitlines()) for block in blocks]
