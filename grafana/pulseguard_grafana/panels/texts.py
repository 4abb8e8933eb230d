"""Sentences on a page."""

from __future__ import annotations

from pulseguard_grafana.panels.panel import Panel


def text(title: str, markdown: str, *, height: int = 3) -> Panel:
    """Markdown over the whole width."""
    return Panel(
        type="text",
        title=title,
        description="",
        queries=(),
        unit="",
        no_data="",
        width=24,
        height=height,
        options={
            "mode": "markdown",
            "content": markdown,
            "code": {"language": "plaintext", "showLineNumbers": False, "showMiniMap": False},
        },
    )
