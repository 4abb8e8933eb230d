"""The verb `pulseguard demo-agent`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn
from uuid import uuid4

from pulseguard_stack.demo.errors import BadSetting
from pulseguard_stack.demo.life import live
from pulseguard_stack.demo.roster import ROSTER
from pulseguard_stack.demo.settings import DEFAULT_URL, Settings

URL_VARIABLE = "PULSEGUARD_MODEL_SERVER_URL"


def main(argv: Sequence[str]) -> int:
    """Works until SIGTERM or SIGINT. Exit status 0; 2 for a setting that cannot be used."""
    arguments = _parser(os.environ).parse_args(argv)
    try:
        settings = Settings(
            arguments.model_server_url, arguments.pace, arguments.burst, arguments.seed
        )
    except BadSetting as error:
        sys.stderr.write(f"pulseguard demo-agent: {error}\n")
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    for name in ("pulseguard", "pulseguard_stack"):
        logging.getLogger(name).setLevel(logging.INFO)
    asyncio.run(live(ROSTER[arguments.name], settings, os.environ, uuid4().hex[:8]))
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # One line: what is wrong; the usage is a --help away.
        self.exit(2, f"{self.prog}: {message}\n")


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="pulseguard demo-agent",
        description=(
            "One of the simulated fleet's agents. It works for the simulated model server until "
            "SIGTERM or SIGINT; SIGUSR1 has it make a burst of calls at once."
        ),
        epilog="The agent's own settings (PULSEGUARD_REGISTRY_URL, ...) come from the environment.",
    )
    parser.add_argument("name", choices=ROSTER, help=f"one of {', '.join(ROSTER)}", metavar="NAME")
    parser.add_argument(
        "--model-server-url",
        default=environ.get(URL_VARIABLE) or DEFAULT_URL,
        metavar="URL",
        help=f"the simulated model server ({URL_VARIABLE}; default {DEFAULT_URL})",
    )
    parser.add_argument(
        "--pace", type=float, default=1.0, metavar="FACTOR",
        help="factor on all pauses, 0: without any (default 1: a task every 2 to 6 s)",
    )  # fmt: skip
    parser.add_argument(
        "--burst", type=int, default=50, metavar="CALLS", help="calls in a burst (default 50)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="decides tasks, pauses and mishaps (default 0)"
    )
    return parser
