"""The watched agent as a process, at a registry."""

import sys
from contextlib import AbstractContextManager
from pathlib import Path

from tests.end_to_end.processes import Started, started

REPOSITORY = Path(__file__).parents[2]


def watched_agent(
    name: str, folder: Path, registry_url: str, key_file: Path, **settings: str
) -> AbstractContextManager[Started]:
    """An agent that lives until it is killed or its input ends; its log is in this folder."""
    known = {
        "PULSEGUARD_REGISTRY_URL": registry_url,
        "PULSEGUARD_KEY_FILE": str(key_file),
        "PULSEGUARD_INSTANCE": "only",
        "PULSEGUARD_METRICS_PORT": "0",
        "PULSEGUARD_HEARTBEAT_SECONDS": "0.5",
        "PYTHONPATH": str(REPOSITORY),
        "TMPDIR": str(folder),
    }
    command: list[str | Path] = [sys.executable, "-m", "tests.prometheus.watched_agent", name]
    return started(command, folder / f"{name}.log", **known | settings)
