"""GET /: a plain page of links, without data; the showing is Grafana's."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from string import Template

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from pulseguard_registry.settings import Settings

router = APIRouter(include_in_schema=False)

_PAGE = Template("""<!doctype html>
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
$links
</ul>
</html>
""")


@router.get("/", response_class=HTMLResponse)
async def read_front_page(request: Request) -> str:
    """The page of links."""
    links = _links(request.app.state.settings)
    return _PAGE.substitute(links="\n".join(_item(*link) for link in links))


def _links(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Address, name and what is there; of what shows data, where the settings say where it is."""
    if settings.prometheus_link:
        yield settings.prometheus_link, "Prometheus", ": what the agents measure, and alerts"
    if settings.grafana_link:
        yield settings.grafana_link, "Grafana", ": graphs of it"
    yield "/runbooks", "Runbooks", ": what to do when an alert fires"
    yield "/docs", "API documentation", ""
    yield "/api/v1/health/ready", "Health", ": whether this server can do its work"


def _item(address: str, name: str, what: str) -> str:
    return f'  <li><a href="{escape(address)}">{name}</a>{what}</li>'
