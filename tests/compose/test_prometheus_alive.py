"""docker/prometheus-alive, which tells a Prometheus that keeps nothing from one that works."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.compose.compose_file import REPOSITORY

SCRIPT = REPOSITORY / "docker" / "prometheus-alive"
FAILED = "prometheus_tsdb_wal_writes_failed_total"
METRICS = "# TYPE {0} counter\n{0} {1}\nprometheus_tsdb_wal_truncations_total 3\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a Prometheus, on a disk with room."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def is_alive(data: Path, metrics: str | None) -> bool:
    """What it says of a Prometheus that tells these metrics, or does not answer."""
    wget = data.parent / "bin" / "wget"
    wget.parent.mkdir(exist_ok=True)
    told = data.parent / "metrics"
    told.write_text(metrics or "")
    answer = f"cat '{told}'" if metrics is not None else "exit 4"
    wget.write_text(f"#!/bin/sh\n{answer}\n")
    wget.chmod(0o755)
    environment = {**os.environ, "PATH": f"{wget.parent}:{os.environ['PATH']}"}
    command = [str(SCRIPT), "http://prometheus:9090", str(data)]
    return subprocess.run(command, env=environment, timeout=10).returncode == 0


def test_one_that_answers_and_has_never_failed_to_write_is_alive(data: Path) -> None:
    assert is_alive(data, METRICS.format(FAILED, 0))
    # So early in its start that it has no log yet.
    assert is_alive(data, "process_open_fds 8\n")


def test_one_that_does_not_answer_is_not(data: Path) -> None:
    assert not is_alive(data, None)


@pytest.mark.parametrize("failed", ["1", "12", "1.2e+06"])
def test_one_whose_log_is_torn_is_to_be_started_again_once_there_is_room(
    data: Path, failed: str
) -> None:
    torn = METRICS.format(FAILED, failed)
    # Any byte that is written there finds no room.
    (data / "room").symlink_to("/dev/full")
    assert is_alive(data, torn)

    assert not is_alive(data, torn)
    assert list(data.iterdir()) == []
