"""GET /runbooks: what to do when an alert fires, as a page that notifications can link to."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

router = APIRouter(include_in_schema=False)

# In a checkout a link to the document in docs/.
_DOCUMENT: Final = Path(__file__).with_name("runbooks.md")
_PAGE: Final = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>PulseGuard runbooks</title>
<style>
  body { font: 16px/1.6 system-ui, sans-serif; max-width: 50rem; margin: 4rem auto; padding: 0 1rem;
         color: CanvasText; background: Canvas; color-scheme: light dark }
  h1 { font-size: 1.4rem } h2 { font-size: 1.15rem; margin-top: 2.5rem }
  :target { text-decoration: underline }
  code { font-size: 0.9em; overflow-wrap: anywhere }
</style>
$document
</html>
""")


@router.get("/runbooks", response_class=HTMLResponse)
async def read_runbooks() -> str:
    """The page; it holds no data and is open to everybody, as that of links is."""
    return _page()


@cache
def _page() -> str:
    # Not at the start of a registry, which most often is never asked for this.
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(_DOCUMENT.read_text(encoding="utf-8"))
    for token, content in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", heading_id(content.content))
        _keep_links_within(token.children or [])
    return _PAGE.substitute(document=parser.renderer.render(tokens, parser.options, {}))


def heading_id(text: str) -> str:
    """The id of a heading as GitHub makes it, so that one link fits both."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def _keep_links_within(tokens: Sequence[Token]) -> None:
    """What is elsewhere in the repository is not served here: its name stays, its link goes."""
    is_within = True
    for token in tokens:
        if token.type == "link_open":
            is_within = str(token.attrGet("href")).startswith(("#", "https://"))
        if token.type.startswith("link_") and not is_within:
            token.tag, token.attrs = "span", {}
