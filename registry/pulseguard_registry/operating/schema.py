"""`pulseguard db`: the schema of the registry's database."""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from collections.abc import Sequence

from alembic.util import CommandError

from pulseguard_registry.database.diagnosis import place_of
from pulseguard_registry.database.migrate import (
    current_revision,
    downgrade,
    head_revision,
    upgrade,
)
from pulseguard_registry.operating.database import database_of, engine_of
from pulseguard_registry.operating.reach import CommandRefused
from pulseguard_registry.operating.terminal import run_verb, say, write_json
from pulseguard_registry.settings import read_settings


def main(argv: Sequence[str]) -> int:
    """Run a verb; 0: done, 1: refused, 2: a bad setting."""
    return run_verb("pulseguard db", _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pulseguard db",
        description="The schema of the database that DATABASE_URL names, else of the embedded one."
        " The registry upgrades it at each start by itself.",
    )
    verbs = parser.add_subparsers(required=True, metavar="verb")
    up = verbs.add_parser("upgrade", help="to what this version of PulseGuard needs")
    up.set_defaults(run=_upgrade)
    down = verbs.add_parser("downgrade", help="back to a revision; loses what came with later ones")
    down.add_argument("revision", help="like 0003, or base for a database without our tables")
    down.set_defaults(run=_downgrade)
    now = verbs.add_parser("current", help="the revision that the database has")
    now.set_defaults(run=_current)
    for verb in (up, down, now):
        verb.add_argument("--json", action="store_true", help="JSON, for programs")
    return parser


def _upgrade(given: Namespace) -> None:
    with database_of(read_settings()) as url, engine_of(url) as engine:
        upgrade(engine, place_of(url))
    _tell(given, head_revision())


def _downgrade(given: Namespace) -> None:
    with database_of(read_settings(), alone=True) as url, engine_of(url) as engine:
        try:
            downgrade(engine, given.revision)
        except CommandError as error:
            raise CommandRefused(f"revision {given.revision!r}: {error}") from None
        with engine.connect() as connection:
            revision = current_revision(connection)
    _tell(given, revision)


def _current(given: Namespace) -> None:
    settings = read_settings()
    with database_of(settings) as url, engine_of(url) as engine, engine.connect() as connection:
        revision = current_revision(connection)
    _tell(given, revision)


def _tell(given: Namespace, revision: str | None) -> None:
    newest = head_revision()
    if given.json:
        write_json({"revision": revision, "newest": newest})
    elif revision is None:
        say(f"no tables of PulseGuard; the newest revision is {newest}")
    else:
        say(f"{revision} (the newest)" if revision == newest else f"{revision}; newest: {newest}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
