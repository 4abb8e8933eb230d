"""GET /: a plain page of links, without data; the showing is Grafana's."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>PulseGuard registry</title>
<style>
  body { font: 16px/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem;
         color: CanvasText; background: Canvas; color-scheme: light dark }
  h1 { font-size: 1.4rem }
</style>
<h1>PulseGuard registry</h1>
<p>This server knows the agents and tells Prometheus where they are.
It shows no data of its own.</p>
<ul>
  <li><a href="/docs">API documentation</a></li>
  <li><a href="/api/v1/health/ready">Health</a></li>
</ul>
</html>
"""


@router.get("/", response_class=HTMLResponse)
async def read_front_page() -> str:
    """The page of links."""
    return _PAGE
