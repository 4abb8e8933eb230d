"""Whose the data folder is, and by which path it is reached, decide what is ended and what not."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from pulseguard_registry.embedded import owner_of
from tests.prometheus_server import eventually
from tests.stack.runner.running import COMMAND, FREE_PORTS, Stack


@contextmanager
def registry_by_hand(stack: Stack) -> Iterator[subprocess.Popen[bytes]]:
    """A registry of the user's own, on the data folder of the stack."""
    serve = [str(COMMAND), "registry", "serve", "--port", "0"]
    with subprocess.Popen(serve, env=stack.environment, stderr=subprocess.DEVNULL) as registry:
        try:
            eventually(lambda: postgresql(stack), timeout_seconds=30)
            yield registry
        finally:
            registry.terminate()


def postgresql(stack: Stack) -> str:
    """The number of the embedded PostgreSQL, once it takes connections."""
    try:
        lines = (stack.data_dir / "postgresql" / "postmaster.pid").read_text().splitlines()
    except OSError:
        return ""
    return lines[0] if lines and lines[-1].strip() == "ready" else ""


def test_a_registry_that_is_run_by_hand_keeps_its_database(stack: Stack):
    with registry_by_hand(stack) as registry:
        before = postgresql(stack)

        up = stack.run("up", "--no-demo", *FREE_PORTS)
        down = stack.run("down")

        assert up.returncode == 1
        (line,) = up.stderr.splitlines()
        assert f"a registry (process {registry.pid}) uses the data folder" in line
        assert "--data-dir" in line
        assert down.returncode == 0
        assert down.stdout.startswith(f"no stack of {stack.data_dir} runs")
        assert postgresql(stack) == before
        assert registry.poll() is None
        log = (stack.data_dir / "postgresql" / "log").read_text()
        assert "shutdown request" not in log.rpartition("ready to accept connections")[2]
    assert owner_of(stack.data_dir) is None


def test_a_database_that_a_killed_run_left_to_a_registry_by_hand_is_left_to_it(stack: Stack):
    assert stack.up("--no-demo").returncode == 0
    runner, registry = stack.run_file()["runner_pid"], stack.pids()["registry"]
    before = postgresql(stack)
    for pid in (runner, registry):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: owner_of(stack.data_dir) is None)

    with registry_by_hand(stack) as by_hand:
        eventually(lambda: owner_of(stack.data_dir), timeout_seconds=30)
        down = stack.run("down")

        assert down.stdout == "PulseGuard has stopped; its data are kept.\n"
        assert not stack.agent_file.exists()
        assert postgresql(stack) == before
        assert by_hand.poll() is None
    assert stack.processes() == []


def test_a_data_folder_behind_a_symlink_is_run_and_cleared_like_any_other(stack: Stack):
    stack.data_dir.mkdir()
    link = stack.data_dir.with_name("link")
    link.symlink_to(stack.data_dir)
    stack.environment = {**stack.environment, "PULSEGUARD_DATA_DIR": str(link)}

    started = stack.up("--no-demo")

    assert started.returncode == 0, started.stderr
    assert f"embedded PostgreSQL in {stack.data_dir / 'postgresql'}\n" in started.stdout
    assert "does not start" not in (stack.data_dir / "stack" / "logs" / "registry.log").read_text()
    for pid in (stack.run_file()["runner_pid"], stack.pids()["registry"]):
        os.kill(pid, signal.SIGKILL)
    assert stack.run("down").returncode == 0
    assert stack.processes() == []
    assert "received fast shutdown" in (stack.data_dir / "postgresql" / "log").read_text()
