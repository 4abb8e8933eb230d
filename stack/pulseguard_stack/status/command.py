"""`pulseguard status`: the fleet once, live, or as JSON."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from rich.console import Console
from rich.live import Live

from pulseguard_stack.status.document import document
from pulseguard_stack.status.fleet import Fleet
from pulseguard_stack.status.settings import Endpoints, SettingsRefused, find_endpoints
from pulseguard_stack.status.sources import Sources
from pulseguard_stack.status.view import draw

REFRESH_SECONDS: Final = 2.0
# A pipe has no width, unless whoever reads it says one: room for everything.
_WIDTH_WITHOUT_TERMINAL: Final = 100_000
# The command above what it shows, and the prompt below.
_LINES_OF_OTHERS: Final = 2


class _PipedConsole(Console):
    """A console that leaves a reader that has gone to the command."""

    def on_broken_pipe(self) -> None:
        """Called while the BrokenPipeError is handled."""
        raise


def main(argv: Sequence[str]) -> int:
    """Show the fleet. 0: answered; 1: neither source answers; 2: a bad setting."""
    given = _parser().parse_args(argv)
    try:
        endpoints = find_endpoints(
            given.registry_url, given.key_file, given.prometheus_url, given.data_dir, os.environ
        )
    except SettingsRefused as error:
        return _fail(2, str(error))
    if endpoints.nothing_is_known:
        return _fail(
            1,
            f"no stack of {endpoints.data_dir} runs; start it with `make up`, name the folder of"
            " one that runs with --data-dir or PULSEGUARD_DATA_DIR, or name what runs with"
            " --registry-url, --key-file and --prometheus-url",
        )
    sources = Sources(endpoints)
    try:
        if given.json:
            return _write_document(sources, endpoints)
        console = _console(wide=given.wide)
        if given.watch and console.is_terminal:
            return _watch(sources, endpoints, console)
        return _show_once(sources, endpoints, console, _height(console, wide=given.wide))
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pulseguard status",
        description="The fleet, from the registry and Prometheus; without flags, the one that"
        " `make up` runs on this machine.",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--watch", action="store_true", help="stay, and look every 2 s; Ctrl-C ends")
    how.add_argument("--wide", action="store_true", help="once, every agent and whole lines")
    how.add_argument("--json", action="store_true", help="one JSON document, for programs")
    parser.add_argument("--registry-url", help="http://host:port")
    parser.add_argument("--key-file", type=Path, help="a key of role viewer, editor or admin")
    parser.add_argument("--prometheus-url", help="http://host:port")
    parser.add_argument("--data-dir", type=Path, help="the data folder that `make up` uses")
    return parser


def _write_document(sources: Sources, endpoints: Endpoints) -> int:
    fleet = sources.look()
    sys.stdout.write(json.dumps(document(fleet), indent=2, allow_nan=False) + "\n")
    return _exit_status(fleet, endpoints)


def _show_once(sources: Sources, endpoints: Endpoints, console: Console, height: int | None) -> int:
    fleet = sources.look()
    status = _exit_status(fleet, endpoints)
    if status == 0:
        console.print(draw(fleet, console.width, height, endpoints.addresses))
    return status


def _watch(sources: Sources, endpoints: Endpoints, console: Console) -> int:
    # A runner that stops us must find the terminal as it was, as after Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            began = time.monotonic()
            fleet = sources.look()
            drawn = draw(fleet, console.width, console.height, endpoints.addresses)
            live.update(drawn, refresh=True)
            time.sleep(max(REFRESH_SECONDS - (time.monotonic() - began), 0))


def _exit_status(fleet: Fleet, endpoints: Endpoints) -> int:
    registry, prometheus = fleet.heard.registry, fleet.heard.prometheus
    if registry.fault is None or prometheus.fault is None:
        return 0
    return _fail(
        1,
        f"neither source answers: registry {endpoints.registry_url or '(not named)'}"
        f" ({registry.fault}; it was sent {endpoints.key_origin}),"
        f" Prometheus {endpoints.prometheus_url or '(not named)'} ({prometheus.fault});"
        " start them with `make up`",
    )


def _console(*, wide: bool) -> Console:
    console = _PipedConsole(highlight=False)
    if wide or (not console.is_terminal and "COLUMNS" not in os.environ):
        console.width = _WIDTH_WITHOUT_TERMINAL
    return console


def _height(console: Console, *, wide: bool) -> int | None:
    """The lines that stay in sight on a terminal; None where everything is to be shown."""
    if wide or not console.is_terminal:
        return None
    return max(console.height - _LINES_OF_OTHERS, 1)


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _fail(status: int, sentence: str) -> int:
    sys.stderr.write(f"pulseguard status: {sentence}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
