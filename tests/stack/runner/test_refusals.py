"""What keeps a stack from starting is one line with the mend, before anything has been started."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from pulseguard_stack.errors import CannotStart
from pulseguard_stack.runner.ports import claim_ports
from pulseguard_stack.runner.requirements import require_database
from tests.stack.runner.running import FREE_PORTS, Stack


@pytest.fixture
def idle(tmp_path: Path) -> Stack:
    """A stack that never gets as far as to start anything."""
    return Stack(tmp_path)


def refusal(stack: Stack, *arguments: str, **environment: str) -> str:
    """The one line that `pulseguard up` says."""
    stack.environment = {**stack.environment, **environment}
    ended = stack.run("up", "--no-demo", *FREE_PORTS, *arguments)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith("pulseguard up: ")
    assert stack.processes() == []
    return line


def put_program(folder: Path, name: str, says: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)


def test_a_taken_port_is_named_with_its_holder_and_the_flag(idle):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        line = refusal(idle, "--prometheus-port", str(port))

    assert f"port {port} for prometheus" in line
    assert f"process {os.getpid()}" in line
    assert "--prometheus-port" in line


def test_a_missing_program_is_named_with_where_to_get_it(idle, tmp_path):
    (tmp_path / "empty").mkdir()

    line = refusal(idle, PATH=str(tmp_path / "empty"), XDG_CACHE_HOME=str(tmp_path / "cache"))

    assert "prometheus is missing" in line
    assert "https://prometheus.io/download" in line


def test_a_prometheus_that_is_too_old_is_named_with_its_version(idle, tmp_path):
    put_program(tmp_path / "bin", "prometheus", "prometheus, version 2.36.2 (branch: HEAD)")
    put_program(tmp_path / "bin", "alertmanager", "alertmanager, version 0.25.0")

    line = refusal(idle, PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    assert str(tmp_path / "bin" / "prometheus") in line
    assert "2.36.2" in line
    assert "2.42.0" in line


def test_a_folder_that_cannot_be_written_is_named_with_the_flag(idle, tmp_path):
    (tmp_path / "file").write_text("in the way")

    line = refusal(idle, "--data-dir", str(tmp_path / "file" / "data"))

    assert str(tmp_path / "file") in line
    assert "--data-dir" in line


def test_a_component_that_ends_at_its_start_is_named_with_its_log(stack: Stack):
    stack.data_dir.mkdir()
    (stack.data_dir / "secrets").write_text("no folder")

    line = refusal(stack)

    assert "registry ended at its start" in line
    assert str(stack.data_dir / "stack" / "logs" / "registry.log") in line
    assert "cannot be written" in line, "what it said last"


def test_a_missing_database_is_said_with_both_ways_out(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(CannotStart, match=r"pulseguard-monitor\[embedded\].*DATABASE_URL"):
        require_database(Path("/data"), {})
    require_database(Path("/data"), {"DATABASE_URL": "postgresql://db/pulseguard"})


def test_a_space_in_the_data_folder_is_refused_unless_there_is_another_database():
    with pytest.raises(CannotStart, match="space"):
        require_database(Path("/my data"), {})
    require_database(Path("/my data"), {"DATABASE_URL_FILE": "/run/secrets/database"})


def test_free_ports_are_never_given_out_twice():
    ports = claim_ports({f"component-{number}": 0 for number in range(50)})

    assert len(set(ports.values())) == 50
    assert 0 not in ports.values()


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_is_a_usage_error(idle, port):
    ended = idle.run("up", "--registry-port", port)

    assert ended.returncode == 2
    assert "--registry-port" in ended.stderr
