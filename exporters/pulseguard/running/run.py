"""What `pulseguard run` tells the processes that it starts, in one environment variable."""

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, get_args

from pulseguard.description import AgentType
from pulseguard.group.folder import Folder, default_folder

VARIABLE: Final = "PULSEGUARD_RUN"
# The client libraries that are measured unless the operator chooses.
LIBRARIES: Final = ("openai", "anthropic", "opentelemetry")

# Of the run's folder: there is a Python; it has no PulseGuard; it has an agent of its own.
PYTHON: Final = "python"
OWN_AGENT: Final = "own-agent"
WITHOUT_PULSEGUARD: Final = "without-pulseguard"


class Run(NamedTuple):
    """Who the agent of this run is, where its processes leave word, and who reads it."""

    name: str
    version: str
    type: AgentType
    environment: str
    instance: str
    team: str
    libraries: tuple[str, ...]
    folder: str
    process: int

    def encode(self) -> str:
        """The value of the variable."""
        return json.dumps(self._asdict())

    def is_agent(self, environment: str, name: str, instance: str) -> bool:
        """Whether this is the agent of this run."""
        return (self.environment, self.name, self.instance) == (environment, name, instance)


def read_run(environ: Mapping[str, str]) -> Run | None:
    """The run that this process belongs to; None where it belongs to none, or cannot be told."""
    value = environ.get(VARIABLE)
    if not value:
        return None
    try:
        fields = json.loads(value)
        run = Run(**{**fields, "libraries": tuple(fields["libraries"])})
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return run if _is_usable(run) else None


def run_folder(process: int) -> Folder:
    """The folder in which the processes of this run leave word; OSError where there can be none."""
    return Folder(default_folder() / f"run-{process}")


def leave_word(run: Run, name: str, content: str) -> bool:
    """Whether this word was left now: whoever comes first has it.

    OSError where the run's folder is gone, or is not this user's alone.
    """
    path = Path(run.folder, name)
    found = path.parent.stat(follow_symlinks=False)
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(f"{path.parent} is no folder of this user's alone")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    return True


def _is_usable(run: Run) -> bool:
    """Whether each field is of its type: anybody can set a variable."""
    texts = (run.name, run.version, run.environment, run.instance, run.team, run.folder)
    return (
        all(type(text) is str for text in (*texts, *run.libraries))
        and run.type in get_args(AgentType)
        and type(run.process) is int
        and run.process > 0
    )
