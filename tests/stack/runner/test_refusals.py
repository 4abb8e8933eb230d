"""What keeps a stack from starting is one line with the mend, before anything has been started."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from pulseguard_stack.errors import CannotStart
from pulseguard_stack.runner.database import require_database
from pulseguard_stack.runner.ports import claim_ports
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
    assert "has stopped" not in ended.stdout, "it did not run"
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


def test_two_of_one_port_are_named_with_both_flags(idle):
    line = refusal(idle, "--registry-port", "18123", "--prometheus-port", "18123")

    assert "--registry-port and --prometheus-port are both 18123" in line


def test_a_data_folder_that_links_to_itself_is_named(idle):
    idle.data_dir.symlink_to(idle.data_dir)

    assert f"{idle.data_dir} cannot be written" in refusal(idle)


@pytest.mark.parametrize("name", ["lock", "logs/runner.log"])
def test_a_file_that_cannot_be_written_is_named(idle, name):
    in_the_way = idle.data_dir / "stack" / name
    in_the_way.mkdir(parents=True)

    line = refusal(idle)

    assert f"{in_the_way} cannot be used (Is a directory)" in line


def test_a_log_of_a_component_that_cannot_be_written_is_named(stack: Stack):
    in_the_way = stack.data_dir / "stack" / "logs" / "registry.log"
    in_the_way.mkdir(parents=True)

    assert f"{in_the_way} cannot be used (Is a directory)" in refusal(stack)


def test_a_full_disk_is_said(idle):
    log = idle.data_dir / "stack" / "logs" / "runner.log"
    log.parent.mkdir(parents=True)
    log.symlink_to("/dev/full")

    line = refusal(idle)

    assert f"{log} cannot be used (No space left on device); make room there" in line


def test_a_state_folder_that_is_none_is_named_with_its_variable(idle, tmp_path):
    (tmp_path / "state").write_text("in the way")

    line = refusal(idle)

    assert str(tmp_path / "state") in line
    assert "XDG_STATE_HOME" in line


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
    assert require_database(Path("/data"), {"DATABASE_URL": "postgresql://db/pulseguard"})


def test_a_space_in_the_data_folder_is_refused_unless_there_is_another_database():
    with pytest.raises(CannotStart, match="space"):
        require_database(Path("/my data"), {})
    assert require_database(Path("/my data"), {"DATABASE_URL": "postgresql://db/pulseguard"})


def test_the_database_is_named_without_its_password(tmp_path):
    url, file = "postgresql://me:hush@db.example:5433/fleet", tmp_path / "url"
    file.write_text(f"{url}\n")

    named = require_database(Path("/data"), {"DATABASE_URL": url})
    named_in_file = require_database(Path("/data"), {"DATABASE_URL_FILE": str(file)})

    assert named == "database 'fleet' on db.example:5433  (from DATABASE_URL)"
    assert named_in_file == named.replace("DATABASE_URL", f"DATABASE_URL_FILE={file}")
    assert require_database(Path("/data"), {}) == "embedded PostgreSQL in /data/postgresql"


def test_a_database_url_that_is_none_is_refused_without_a_word_of_it(tmp_path):
    with pytest.raises(CannotStart, match="DATABASE_URL is no URL") as refused:
        require_database(Path("/data"), {"DATABASE_URL": "postgresql://me:hu@sh/db@host/x"})
    assert "sh/db" not in str(refused.value)
    with pytest.raises(CannotStart, match="cannot be read"):
        require_database(Path("/data"), {"DATABASE_URL_FILE": str(tmp_path / "none")})


def test_free_ports_are_never_given_out_twice():
    ports = claim_ports({f"component-{number}": 0 for number in range(50)})

    assert len(set(ports.values())) == 50
    assert 0 not in ports.values()


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_is_a_usage_error(idle, port):
    ended = idle.run("up", "--registry-port", port)

    assert ended.returncode == 2
    assert "--registry-port: a port is a number from 0 to 65535" in ended.stderr
