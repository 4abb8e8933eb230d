"""The registry as a process: its embedded database, its end, and what it will not start with."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pulseguard_registry.embedded import owner_of, remove_stale_pid_file
from tests.registry.process import RegistryProcess, registry_process
from tests.registry.running import eventually
from tests.registry.starts import serve
from tests.server_folder import server_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the embedded server's own user can reach too."""
    with server_folder() as made:
        yield made


def postgres_in(folder: Path) -> list[psutil.Process]:
    """The PostgreSQL processes whose data lie there."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        if str(folder) in " ".join(process.info["cmdline"] or []) and "postgres" in (
            process.info["name"] or ""
        ):
            found.append(process)
    return found


def test_without_a_database_url_it_brings_its_own_and_leaves_no_process(folder: Path) -> None:
    with registry_process(folder, None) as registry:
        eventually(registry.is_ready, 20)
        key = registry.admin_key()
        assert len(postgres_in(folder)) > 0

        assert registry.stop() == 0
        assert postgres_in(folder) == []

    with registry_process(folder, None) as again:
        eventually(again.is_ready, 20)
        assert again.get("/api/v1/keys", key).status == 200
        assert (folder / "data" / "secrets").stat().st_mode & 0o077 == 0


def test_after_kill_9_the_next_start_finds_the_database_running(folder: Path) -> None:
    first = RegistryProcess(folder, None)
    first.wait_until_it_listens()
    eventually(first.is_ready, 20)
    first.process.kill()
    first.process.wait()
    assert len(postgres_in(folder)) > 0

    with registry_process(folder, None) as again:
        eventually(again.is_ready, 20)
        assert again.get("/api/v1/keys", again.admin_key()).status == 200
    assert postgres_in(folder) == []


def test_an_embedded_database_that_dies_is_started_again(folder: Path) -> None:
    with registry_process(folder, None) as registry:
        eventually(registry.is_ready, 20)
        key = registry.admin_key()
        for process in postgres_in(folder):
            process.kill()
        eventually(lambda: registry.get("/api/v1/agents", key).status == 503, 5)

        eventually(lambda: registry.get("/api/v1/agents", key).status == 200, 10)


def test_a_second_registry_on_the_folder_is_refused_and_harms_nothing(folder: Path) -> None:
    with registry_process(folder, None) as registry:
        eventually(registry.is_ready, 20)

        second = serve("--port", "0", PULSEGUARD_DATA_DIR=str(registry.data_dir))

        assert second.returncode == 2
        assert "another registry runs on this folder" in second.stderr
        assert second.stderr.count("\n") == 1
        assert registry.is_ready()
        assert len(postgres_in(folder)) > 0


def test_a_pid_file_that_names_somebody_else_is_not_believed(folder: Path) -> None:
    with registry_process(folder, None) as registry:
        eventually(registry.is_ready, 20)
        pid_file = registry.data_dir / "postgresql" / "postmaster.pid"
        content = pid_file.read_text(encoding="utf-8")
    with subprocess.Popen(["sleep", "60"]) as bystander:
        # As after a power cut, when the number belongs to another process by now.
        pid_file.write_text(content.replace(content.split("\n")[0], str(bystander.pid), 1))
        os.chown(
            pid_file, *[getattr(pid_file.parent.stat(), f"st_{who}") for who in ("uid", "gid")]
        )

        with registry_process(folder, None) as again:
            eventually(again.is_ready, 20)
        assert bystander.poll() is None
        bystander.kill()


def test_a_data_folder_behind_a_symlink_keeps_its_running_database(folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "data").symlink_to(folder / "real")
    with registry_process(folder, None) as registry:
        eventually(registry.is_ready, 20)
        pid_file = folder / "real" / "postgresql" / "postmaster.pid"
        before = pid_file.read_text(encoding="utf-8").split("\n")[0]

        for name in ("data", "real"):
            remove_stale_pid_file(folder / name / "postgresql")

        assert pid_file.read_text(encoding="utf-8").split("\n")[0] == before
        assert registry.is_ready()
        assert "does not start" not in registry.log_path.read_text(encoding="utf-8")


def test_who_owns_the_embedded_database_is_known_by_the_process(folder: Path) -> None:
    assert owner_of(folder / "data") is None
    with registry_process(folder, None) as registry:
        eventually(registry.is_ready, 20)

        assert owner_of(folder / "data") == f"process {registry.process.pid}"
        refused = serve("--port", "0", PULSEGUARD_DATA_DIR=str(registry.data_dir))
        assert f"(process {registry.process.pid})" in refused.stderr
        assert owner_of(folder / "data") == f"process {registry.process.pid}"
    assert owner_of(folder / "data") is None


def test_the_lock_of_the_embedded_database_is_not_shared_with_other_users(tmp_path: Path) -> None:
    ask = (
        "from pulseguard_registry.embedded import _server_module;"
        "print(_server_module().postgres_server.PostgresServer.lock_path)"
    )
    environment = {"TMPDIR": str(tmp_path), "XDG_RUNTIME_DIR": "/somebody/else"}

    path = Path(subprocess.check_output([sys.executable, "-c", ask], env=environment, text=True))

    assert path.is_relative_to(tmp_path / f"pulseguard-runtime-{os.geteuid()}")
    assert path.parents[1].stat().st_mode & 0o077 == 0


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        ended = serve("--port", port, PULSEGUARD_DATA_DIR=str(tmp_path))

    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in ended.stderr
    assert "--port" in ended.stderr


def test_what_is_wrong_with_a_setting_is_told_without_waiting_for_the_server_to_be_imported():
    code = (
        "import sys, pulseguard_registry.command; print({'fastapi', 'sqlalchemy'} & {*sys.modules})"
    )

    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("PULSEGUARD_PORT", "eighty", "eighty"),
        ("PULSEGUARD_OFFLINE_AFTER_SECONDS", "-1", "greater than 0"),
        ("PULSEGUARD_TARGET_LABELS", "a,b,c", "2 items"),
        ("PULSEGUARD_ALLOWED_NETWORKS", "10.0.0.1/8", "network"),
        ("PULSEGUARD_PEPPER", "short", "32"),
        ("PULSEGUARD_PEPPER_FILE", "/nowhere", "cannot be read"),
        ("DATABASE_URL", "mysql://x", "postgresql://"),
        ("PULSEGUARD_DATA_DIR", "/proc/pulseguard", "folder"),
        ("PULSEGUARD_DATA_DIR", "/nowhere/with a space", "DATABASE_URL"),
        ("PULSEGUARD_DATA_DIR", "/nowhere/" + "a" * 100, "long"),
        ("PULSEGUARD_TARGET_LABELS", "job", "reserved"),
        ("PULSEGUARD_OFFLINE_AFTER_SECONDS", "inf", "finite"),
        ("PULSEGUARD_SNAPSHOT_RETENTION_DAYS", "9999999", "3650"),
        ("PULSEGUARD_HOST", "a" * 64, "cannot listen"),
        ("PULSEGUARD_PEPPER", " " * 40, "32"),
        ("PULSEGUARD_PEPPER", "changeme" * 4, "random"),
        ("PULSEGUARD_ACCESS_CONTROL", "perhaps", "'off'"),
        ("PULSEGUARD_WATCHDOG", "perhaps", "'off'"),
        ("DATABASE_URL", "postgresql://u:hun/ter2@127.0.0.1/db", "percent-encoded"),
        ("DATABASE_URL", "host=localhost password=hunter2", "postgresql://"),
        ("DATABASE_URL", "postgresql://h1:1,h2:2/db", "postgresql://"),
    ],
)
def test_a_bad_setting_stops_the_start_with_its_name_and_the_mend(
    tmp_path: Path, variable: str, value: str, words: str
) -> None:
    environment = {"PULSEGUARD_DATA_DIR": str(tmp_path), variable: value}

    ended = serve(*([] if variable == "PULSEGUARD_PORT" else ["--port", "0"]), **environment)

    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert variable in ended.stderr
    assert words in ended.stderr
    assert "short" not in ended.stderr or "PEPPER" not in variable or value != "short"
    assert "ter2" not in ended.stderr


def test_a_bad_flag_is_named_as_it_was_given(tmp_path: Path) -> None:
    ended = serve("--port", "80000", PULSEGUARD_DATA_DIR=str(tmp_path))

    assert ended.returncode == 2
    assert ended.stderr.startswith("pulseguard registry: --port 80000: ")
    assert "PULSEGUARD_PORT" not in ended.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "registry.example"])
def test_without_access_control_it_listens_to_this_machine_only(tmp_path: Path, host: str) -> None:
    variables = {"PULSEGUARD_DATA_DIR": str(tmp_path), "PULSEGUARD_ACCESS_CONTROL": "off"}

    ended = serve("--port", "0", "--host", host, **variables)

    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert f"PULSEGUARD_HOST={host}" in ended.stderr
    assert "listen on 127.0.0.1" in ended.stderr


def test_a_kept_pepper_that_was_cut_short_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "pepper").touch()
    variables = {"PULSEGUARD_DATA_DIR": str(tmp_path), "DATABASE_URL": "postgresql://h/d"}

    ended = serve("--port", "0", **variables)

    assert ended.returncode == 2
    assert "secrets/pepper" in ended.stderr
