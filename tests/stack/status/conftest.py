"""A stack with one agent for a module's tests, and the status verb run against it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pulseguard_stack.status.document import document
from pulseguard_stack.status.settings import find_endpoints
from pulseguard_stack.status.sources import Sources
from tests.end_to_end.conftest import Stack
from tests.end_to_end.processes import Started
from tests.prometheus_server import eventually
from tests.server_folder import server_folder

COMMAND = [sys.executable, "-m", "pulseguard_stack.status.command"]


class WatchedStack:
    """Registry, sync and Prometheus, described by a run.json as `make up` leaves it."""

    agent: Started
    agent_seen_at: float

    def __init__(self, folder: Path, parts: ExitStack) -> None:
        self.stack = Stack(folder, parts)
        self.data_dir = folder / "data"
        key_file = folder / "viewer.key"
        made = self.stack.api("/api/v1/keys", {"name": "viewer", "role": "viewer"})
        key_file.write_text(made["key"])
        run = {
            "registry_url": self.stack.registry_url,
            "prometheus_url": self.stack.prometheus.url,
            "viewer_key_file": str(key_file),
            "demo": False,
        }
        (self.data_dir / "stack").mkdir()
        (self.data_dir / "stack" / "run.json").write_text(json.dumps(run))

    def status(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`pulseguard status` as a user of this machine runs it, without a terminal."""
        return run_status(*arguments, PULSEGUARD_DATA_DIR=str(self.data_dir), **environment)

    def look(self) -> dict[str, Any]:
        """What `--json` would answer, without the time that a process takes to start."""
        variables = {"PULSEGUARD_DATA_DIR": str(self.data_dir)}
        endpoints = find_endpoints(None, None, None, None, variables)
        return document(Sources(endpoints).look())


def run_status(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`pulseguard status` in an environment of its own."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.fixture(scope="module")
def watched() -> Iterator[WatchedStack]:
    """A whole stack, scraped every second."""
    with server_folder() as folder, ExitStack() as parts:
        one = WatchedStack(folder, parts)
        one.agent = one.stack.start_agent()
        eventually(one.stack.is_up, timeout_seconds=30)
        one.agent_seen_at = time.monotonic()
        yield one
