"""`pulseguard backup`: the registry in one file, made while it serves."""

from __future__ import annotations

import argparse
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pulseguard_registry.database.diagnosis import place_of
from pulseguard_registry.database.migrate import current_revision
from pulseguard_registry.operating.archive import DUMP, Manifest, new_archive, write_archive
from pulseguard_registry.operating.database import database_of, engine_of
from pulseguard_registry.operating.programs import dump_database
from pulseguard_registry.operating.reach import CommandRefused
from pulseguard_registry.operating.terminal import run_verb, say, write_json
from pulseguard_registry.secrets_folder import known_pepper
from pulseguard_registry.settings import Settings, read_settings


def main(argv: Sequence[str]) -> int:
    """Make a backup; 0: it is whole and on the disk, 1: there is none, 2: a bad setting."""
    parser = argparse.ArgumentParser(
        prog="pulseguard backup",
        description="The registry's database, as it is at this moment, and the pepper of its keys,"
        " in one file that only you can read. The registry may run meanwhile.",
    )
    parser.add_argument("file", type=Path, help="where to; an existing one is refused")
    parser.add_argument(
        "--replace", action="store_true", help="an existing one, once the new one is whole"
    )
    parser.add_argument("--json", action="store_true", help="JSON, for programs")
    parser.set_defaults(run=_run)
    return run_verb("pulseguard backup", parser, argv)


def _run(given: Namespace) -> None:
    settings = read_settings()
    path: Path = given.file
    with new_archive(path, replaces=given.replace) as file, database_of(settings) as url:
        manifest = Manifest(
            made_at=datetime.now(UTC),
            version=version("pulseguard-monitor"),
            schema_revision=_revision(url),
        )
        pepper = _pepper(settings)
        # Beside the backup: that folder has room for it.
        with tempfile.TemporaryDirectory(prefix=".pulseguard-", dir=path.parent) as folder:
            dump = Path(folder) / DUMP
            dump_database(dump, url)
            write_archive(file, manifest, dump, pepper)
        database = str(place_of(url))
    size = path.stat().st_size
    if given.json:
        told = {"file": str(path), "bytes": size, "database": database}
        write_json(told | manifest.model_dump(mode="json"))
    else:
        say(f"{path}: {database}, revision {manifest.schema_revision}, {size:,} bytes")


def _revision(url: str) -> str:
    with engine_of(url) as engine, engine.connect() as connection:
        revision = current_revision(connection)
    if revision is None:
        raise CommandRefused("the database has no tables of PulseGuard; there is nothing to keep")
    return revision


def _pepper(settings: Settings) -> str:
    pepper = known_pepper(settings)
    if pepper is None:
        raise CommandRefused(
            f"the pepper of the keys is not in {settings.data_dir}; run this as the registry's user"
            " with its PULSEGUARD_DATA_DIR, or name it with PULSEGUARD_PEPPER_FILE"
        )
    return pepper


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
