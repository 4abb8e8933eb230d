"""`pulseguard db`: the schema of the registry's database."""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Final

from pulseguard_registry.database.diagnosis import place_of, too_new
from pulseguard_registry.database.migrate import (
    Revision,
    current_revision,
    downgrade,
    head_revision,
    revisions,
    upgrade,
)
from pulseguard_registry.operating.database import database_of, engine_of
from pulseguard_registry.operating.reach import CommandRefused
from pulseguard_registry.operating.terminal import agrees, run_verb, say, write_json
from pulseguard_registry.settings import read_settings

_BASE: Final = "base"


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
    down.add_argument("--yes", action="store_true", help="do it without a question")
    down.add_argument("revision", help="like 0003, or base for a database without our tables")
    down.set_defaults(run=_downgrade)
    now = verbs.add_parser("current", help="the revision that the database has")
    now.set_defaults(run=_current)
    for verb in (up, down, now):
        verb.add_argument("--json", action="store_true", help="JSON, for programs")
    return parser


def _upgrade(given: Namespace) -> None:
    with database_of(read_settings(), may_be_new=True) as url, engine_of(url) as engine:
        upgrade(engine, place_of(url))
    _tell(given, url, head_revision())


def _downgrade(given: Namespace) -> None:
    target = given.revision
    if target != _BASE and target not in _titles():
        exist = "\n".join(f"  {name}  {title}" for name, title in _titles().items())
        raise CommandRefused(f"there is no revision {target!r}; give base or one of:\n{exist}")
    with database_of(read_settings(), alone=True) as url, engine_of(url) as engine:
        with engine.connect() as connection:
            current = current_revision(connection)
        if current is not None and current not in _titles():
            raise too_new(place_of(url), current)
        undone = _undone(current, target)
        if undone:
            _agree(undone, target, is_agreed=given.yes)
            downgrade(engine, target)
    _tell(given, url, None if target == _BASE else target)


def _undone(current: str | None, target: str) -> Sequence[Revision]:
    """The revisions between the two, the newest first; CommandRefused where it would be upwards."""
    names = [*_titles(), None]
    first, end = names.index(current), names.index(None if target == _BASE else target)
    if end < first:
        has = "no tables of PulseGuard" if current is None else f"revision {current}"
        raise CommandRefused(
            f"the database has {has}, and {target} would be upwards; pulseguard db upgrade goes up,"
            f" to {head_revision()}"
        )
    return revisions()[first:end]


def _agree(undone: Sequence[Revision], target: str, *, is_agreed: bool) -> None:
    """Go on where the operator wants it so, knowing what is lost; else CommandRefused."""
    if is_agreed:
        return
    lost = [each.lost for each in undone if each.lost] or ["nothing"]
    what = f"down from {undone[0].name} to {target} is lost: {'; '.join(lost)}"
    if not sys.stdin.isatty():
        raise CommandRefused(f"{what}. Make a backup, then say --yes")
    if not agrees(f"{what}. There may be no backup of it. Go on? [y/N] "):
        raise CommandRefused("nothing was changed")


def _current(given: Namespace) -> None:
    settings = read_settings()
    with database_of(settings) as url, engine_of(url) as engine, engine.connect() as connection:
        revision = current_revision(connection)
    _tell(given, url, revision)


def _tell(given: Namespace, url: str, revision: str | None) -> None:
    newest = head_revision()
    # One of a newer version has a title that is not known here.
    title = _titles().get(revision or "")
    if given.json:
        told = {"revision": revision, "title": title, "newest": newest}
        write_json({"database": str(place_of(url)), **told})
    elif revision is None:
        say(f"{place_of(url)}: no tables of PulseGuard; the newest revision is {newest}")
    else:
        order = "(the newest)" if revision == newest else f"(newest: {newest})"
        named = f"{revision} {order}: {title}" if title else f"{revision} {order}"
        say(f"{place_of(url)}: {named}")


def _titles() -> Mapping[str, str]:
    """All revisions that there are, the newest first."""
    return {each.name: each.title for each in revisions()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
