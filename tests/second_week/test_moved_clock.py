"""Programs whose wall clock is moved: it is what they go by, and nothing else of theirs changes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.prometheus_server import PrometheusServer
from tests.second_week.moved_clock import moved_command
from tests.second_week.moving import move_clocks
from tests.second_week.postgres import MovedPostgres
from tests.server_folder import server_folder

DAYS_31 = 31 * 86_400
# All ways by which a program asks, those of forked ones too, with the clocks that are not moved.
ASK = """
import datetime, json, os, sys, time
def told():
    wall = [time.time(), time.clock_gettime(time.CLOCK_REALTIME), time.clock_gettime(5)]
    wall.append(datetime.datetime.now(datetime.UTC).timestamp())
    return {"pid": os.getpid(), "wall": wall, "steady": [time.monotonic(), time.clock_gettime(7)]}
for line in sys.stdin:
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, json.dumps(told()).encode())
        os._exit(0)
    os.wait()
    print(json.dumps([told(), json.loads(os.read(reading, 10000))]), flush=True)
"""


@contextmanager
def moved_python(seconds: int) -> Iterator[subprocess.Popen[str]]:
    """One that tells its times for each line."""
    command = [*moved_command(seconds), sys.executable, "-c", ASK]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()
        assert process.wait(20) == 0


def assert_ahead(process: subprocess.Popen[str], seconds: int) -> None:
    """Itself and what it forks are so many seconds ahead by the wall, and not otherwise."""
    assert process.stdin
    assert process.stdout
    process.stdin.write("\n")
    process.stdin.flush()
    itself, forked = json.loads(process.stdout.readline())
    assert itself["pid"] == process.pid
    for told in (itself, forked):
        assert told["wall"] == pytest.approx([time.time() + seconds] * 4, abs=5)
        steady = [time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)]
        assert told["steady"] == pytest.approx(steady, abs=5)


@pytest.mark.parametrize("seconds", [DAYS_31, 0, -86_400])
def test_a_program_and_what_it_forks_go_by_it_from_the_start_on(seconds: int) -> None:
    with moved_python(seconds) as process:
        assert_ahead(process, seconds)


def test_it_is_moved_again_while_the_program_runs() -> None:
    with moved_python(3600) as process:
        assert_ahead(process, 3600)
        for seconds in (DAYS_31, 0, -5000):
            move_clocks([psutil.Process(process.pid)], seconds)
            assert_ahead(process, seconds)


def test_of_a_script_the_program_that_takes_its_place_goes_by_it(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text('#!/bin/sh\ncd "$(dirname "$0")" && exec date +%s\n')
    script.chmod(0o755)

    said = subprocess.run([*moved_command(DAYS_31), script], capture_output=True, check=True)

    assert int(said.stdout) == pytest.approx(time.time() + DAYS_31, abs=5)


def test_prometheus_goes_by_it(tmp_path: Path) -> None:
    server = PrometheusServer(tmp_path, "global: {}\n")
    server.launcher = moved_command(DAYS_31)
    with server:
        told = server.value("vector(time())")
    assert told == pytest.approx(time.time() + DAYS_31, abs=5)


def test_postgresql_goes_by_it_and_is_moved_again() -> None:
    with server_folder() as folder:
        server = MovedPostgres(folder)
        server.start(DAYS_31)
        try:
            assert ahead(server) == pytest.approx(DAYS_31, abs=5)
            assert server.process
            move_clocks([psutil.Process(server.process.pid)], DAYS_31 + 3600)
            assert ahead(server) == pytest.approx(DAYS_31 + 3600, abs=5)
        finally:
            server.stop()


def ahead(server: MovedPostgres) -> float:
    """How many seconds, by a new connection."""
    with psycopg.connect(server.url) as connection:
        row = connection.execute("SELECT now()").fetchone()
    assert row
    return float((row[0] - datetime.now(UTC)).total_seconds())


def test_a_program_that_is_not_there_is_refused_as_ever() -> None:
    ended = subprocess.run([*moved_command(60), "/nonexistent"], capture_output=True, text=True)

    assert ended.returncode == 1
    assert "FileNotFoundError" in ended.stderr
