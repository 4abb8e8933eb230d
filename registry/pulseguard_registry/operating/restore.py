"""`pulseguard restore`: a backup into an empty database."""

from __future__ import annotations

import argparse
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import text

from pulseguard_registry.database.diagnosis import place_of
from pulseguard_registry.database.migrate import known_revisions, upgrade
from pulseguard_registry.operating.archive import Manifest, read_archive
from pulseguard_registry.operating.database import database_of, engine_of
from pulseguard_registry.operating.programs import restore_database
from pulseguard_registry.operating.reach import CommandRefused
from pulseguard_registry.operating.terminal import run_verb, say, write_json
from pulseguard_registry.secrets_folder import known_pepper, open_folder, write_pepper
from pulseguard_registry.settings import Settings, read_settings

_TABLES = text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")


def main(argv: Sequence[str]) -> int:
    """Restore a backup; 0: done, 1: refused and nothing changed, 2: a bad setting."""
    parser = argparse.ArgumentParser(
        prog="pulseguard restore",
        description="A backup into an empty database, and its pepper into the data folder, with the"
        " schema brought up to what this version needs. Start the registry afterwards.",
    )
    parser.add_argument("file", type=Path, help="what pulseguard backup has made")
    parser.add_argument("--json", action="store_true", help="JSON, for programs")
    parser.set_defaults(run=_run)
    return run_verb("pulseguard restore", parser, argv)


def _run(given: Namespace) -> None:
    settings = read_settings()
    with tempfile.TemporaryDirectory(prefix="pulseguard-") as unpacked:
        manifest, dump, pepper = read_archive(given.file, Path(unpacked))
        _check_revision(manifest)
        _check_pepper(settings, pepper)
        folder = open_folder(settings)
        with database_of(settings, alone=True, may_be_new=True) as url:
            _check_empty(url)
            # First: without it all keys of a database that is full already would be dead.
            if settings.resolved_pepper() is None:
                write_pepper(folder, pepper)
            restore_database(dump, url)
            with engine_of(url) as engine:
                upgrade(engine, place_of(url))
    if given.json:
        write_json(manifest.model_dump(mode="json"))
    else:
        say(
            f"restored what was there at {manifest.made_at:%Y-%m-%d %H:%M:%S %Z}; all keys hold."
            " The admin key's file is in no backup: where nobody has it, start once with"
            " --new-admin-key"
        )


def _check_revision(manifest: Manifest) -> None:
    if manifest.schema_revision not in known_revisions():
        raise CommandRefused(
            f"the backup has schema revision {manifest.schema_revision!r}, which this version does"
            f" not know; install pulseguard-monitor {manifest.version}"
        )


def _check_pepper(settings: Settings, pepper: str) -> None:
    here = known_pepper(settings)
    if here is not None and here != pepper:
        raise CommandRefused(
            "another pepper is set here, under which no key of the backup would work; unset"
            f" PULSEGUARD_PEPPER and PULSEGUARD_PEPPER_FILE, or move {settings.data_dir}/secrets/"
            "pepper away"
        )


def _check_empty(url: str) -> None:
    with engine_of(url) as engine, engine.connect() as connection:
        tables = connection.execute(_TABLES).scalar_one()
    if tables:
        raise CommandRefused(
            f"{place_of(url)} has tables already; name an empty one with DATABASE_URL, or another"
            " PULSEGUARD_DATA_DIR"
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
