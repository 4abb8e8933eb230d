"""`pulseguard dashboards`: what the shipped dashboards show, without Grafana."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pulseguard.errors import PulseGuardError
from pulseguard_grafana.configuration import shipped_dashboards
from pulseguard_grafana.pages import all_pages
from pulseguard_grafana.preview.address import prometheus_url
from pulseguard_grafana.preview.content import plain
from pulseguard_grafana.preview.drawing import draw
from pulseguard_grafana.preview.errors import NotUnderstood, PreviewRefused
from pulseguard_grafana.preview.evaluation import EvaluatedDashboard, evaluate
from pulseguard_grafana.preview.prometheus import Prometheus
from pulseguard_grafana.preview.time_range import seconds_of

_MISSING: Final = 3
_ROWS: Final = 10


def main(argv: Sequence[str]) -> int:
    """Preview a dashboard. 0: shown; 1: Prometheus does not answer, or not as needed; 2: a bad
    argument; 3: with --strict, a panel has an error, or no data where a healthy fleet has some."""
    given = _parser().parse_args(argv)
    try:
        return _preview(given)
    except PulseGuardError as error:
        _tell(str(error))
        return 2 if isinstance(error, PreviewRefused | NotUnderstood) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pulseguard dashboards", description="The dashboards, without Grafana."
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="verb")
    preview = verbs.add_parser(
        "preview",
        help="what each panel shows now",
        description="Evaluates each panel as Grafana would, and prints it as text.",
    )
    preview.add_argument("name", help=f"a dashboard: {', '.join(shipped_dashboards())}")
    preview.add_argument(
        "--var",
        action="append",
        default=[],
        metavar="name=value",
        help="choose a value of a variable, as agent=coder; repeat it for several, All for all",
    )
    preview.add_argument("--since", help="since when, as 1h or now/d; else as the page begins")
    preview.add_argument("--prometheus-url", help="http://host:port (PULSEGUARD_PROMETHEUS_URL)")
    preview.add_argument("--data-dir", type=Path, help="the data folder that `make up` uses")
    preview.add_argument(
        "--scrape-interval", help="how often is scraped, as 10s; else as Prometheus is configured"
    )
    preview.add_argument(
        "--rows", default=str(_ROWS), help=f"at most so many of a panel ({_ROWS}), 1 or more"
    )
    preview.add_argument("--json", action="store_true", help="one JSON document, for programs")
    preview.add_argument(
        "--strict",
        action="store_true",
        help="status 3 where a panel has an error, or no data that is no good news",
    )
    return parser


def _preview(given: argparse.Namespace) -> int:
    dashboard = _dashboard(given.name)
    most = _count(given.rows)
    wanted = _wanted(given.var)
    url = prometheus_url(given.prometheus_url, given.data_dir, os.environ)
    prometheus = Prometheus(url)
    configured = prometheus.scrape_seconds()
    interval = given.scrape_interval
    evaluated = evaluate(
        dashboard,
        prometheus,
        wanted=wanted,
        since=given.since,
        now=time.time(),
        scrape_seconds=seconds_of(interval) if interval else configured,
    )
    _tell_unknown(evaluated)
    if given.json:
        document = json.dumps(evaluated.document(), indent=2, ensure_ascii=False, allow_nan=False)
        sys.stdout.write(f"{document}\n")
    else:
        draw(evaluated, most)
    return _judged(evaluated, _well_empty(given.name)) if given.strict else 0


# Any: Grafana's dashboard model.
def _dashboard(name: str) -> Mapping[str, Any]:
    texts = shipped_dashboards()
    if name not in texts:
        raise PreviewRefused(f"there is no dashboard {name!r}; there are {', '.join(texts)}")
    found: Mapping[str, Any] = json.loads(texts[name])
    return found


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise PreviewRefused(f"--rows {text}: give a number from 1 on, as --rows {_ROWS}")
    return int(text)


def _wanted(given: Sequence[str]) -> dict[str, list[str]]:
    wanted: dict[str, list[str]] = {}
    for choice in given:
        name, parted, value = choice.partition("=")
        if not parted:
            raise PreviewRefused(f"--var {choice}: give a name and a value, as --var agent=coder")
        wanted.setdefault(name, []).append(value)
    return wanted


def _tell_unknown(evaluated: EvaluatedDashboard) -> None:
    for name, chosen in evaluated.variables.items():
        for value in chosen.unknown:
            _tell(f"nothing is known of {name}={value}: the page offers no such {name}")


def _well_empty(name: str) -> set[str]:
    """The titles of the page's panels that have no data where all is well."""
    pages = (page for page in all_pages() if page.name == name)
    return {panel.title for page in pages for panel in page.panels if panel.is_well_empty}


def _judged(evaluated: EvaluatedDashboard, well_empty: Container[str]) -> int:
    """3 where a panel has an error, or no data and is none of these, after a line that names each
    of them."""
    missing = [
        panel.title
        for panel in evaluated.panels
        if panel.error is not None or not (panel.has_data or panel.title in well_empty)
    ]
    if missing:
        _tell(f"an error or no data in {', '.join(missing)}")
    return _MISSING if missing else 0


def _tell(sentence: str) -> None:
    sys.stderr.write(f"pulseguard dashboards preview: {plain(sentence)}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
