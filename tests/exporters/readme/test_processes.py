"""The README's advice for several processes, with the real servers: every task counts once."""

import os
import shlex
import signal
import sys
import urllib.error
import urllib.request

import psutil
import pytest

from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.group.programs import Program, Programs, wait_for_tasks
from tests.exporters.observing import wait_until
from tests.exporters.readme.fences import text_of
from tests.prometheus_server import free_port

WORKERS = 2
TASKS = 100

# Tasks by way of a folder instead of a broker; each that is done leaves its process' id.
CELERY_TEST = f"""
import os
from celery.signals import task_postrun, worker_ready

os.mkdir("broker")
folders = dict.fromkeys(("data_folder_in", "data_folder_out", "control_folder"), "broker")
app.conf.broker_transport_options = folders
worker_ready.connect(lambda **_: [summarize.delay("mail") for _ in range({TASKS})], weak=False)
ledger = os.open("ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
task_postrun.connect(lambda **_: os.write(ledger, b"%d\\n" % os.getpid()), weak=False)
"""
# A sandbox is frozen as soon as it has answered, and may never be thawed.
SANDBOX = """
import os, signal
from handler import handler

for _ in range(2):
    assert handler({}, None) == {"status": "done"}
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("command", text_of("gunicorn").splitlines())
def test_gunicorn_shows_true_sums_when_each_worker_has_been_replaced(
    command: str, registry: FakeRegistry, programs: Programs
) -> None:
    port = free_port()
    save(programs, "app.py")
    program = programs.run(shlex.split(command), GUNICORN_CMD_ARGS=f"--bind=127.0.0.1:{port}")
    wait_until(lambda: len(workers(program)) == WORKERS and answers(port))
    answered = 1

    for worker in workers(program):
        answered += sum(answers(port) for _ in range(20))
        wait_until(lambda: programs.living() >= WORKERS)
        replace(program, worker)
    answered += sum(answers(port) for _ in range(20))

    (agent,) = registry.agents.values()
    wait_for_tasks(agent["metrics_address"], answered)
    program.process.terminate()
    assert program.end() == 0
    assert answered == 1 + 20 * (WORKERS + 1)
    assert registry.total("tasks_completed") == answered
    assert registry.contradictions == []
    assert len(registry.agents) == 1


def test_celery_counts_every_task_of_recycled_processes_once(
    registry: FakeRegistry, programs: Programs
) -> None:
    save(programs, "tasks.py", CELERY_TEST)
    programs.run(shlex.split(text_of("celery")), CELERY_BROKER_URL="filesystem://")

    wait_until(lambda: registry.total("tasks_completed") >= TASKS)

    done_by = (programs.folder / "ledger").read_text().split()
    assert registry.total("tasks_completed") == len(done_by) == TASKS
    assert len(set(done_by)) > WORKERS
    assert registry.contradictions == []
    assert len(registry.agents) == 1


def test_serverless_each_invocation_has_told_the_registry_before_it_answers(
    registry: FakeRegistry, programs: Programs
) -> None:
    save(programs, "handler.py")
    usual = dict.fromkeys(("PULSEGUARD_HEARTBEAT_SECONDS", "PULSEGUARD_SNAPSHOT_SECONDS"), "")

    for _ in range(2):
        assert programs.run([sys.executable, "-c", SANDBOX], **usual).end() == -signal.SIGKILL

    assert [snapshot["tasks_completed"] for snapshot in registry.stored()] == [1, 1, 1, 1]
    assert len(registry.agents) == 1
    assert len(registry.goodbyes) == 4


def save(programs: Programs, name: str, more: str = "") -> None:
    """Have a file of the README, with what the test adds to it."""
    (programs.folder / name).write_text(text_of(name) + more)


def workers(program: Program) -> list[int]:
    return [child.pid for child in psutil.Process(program.process.pid).children()]


def replace(program: Program, worker: int) -> None:
    """Have it end as it does after so many requests: when it has answered."""

    def is_replaced() -> bool:
        found = workers(program)
        return worker not in found and len(found) == WORKERS

    os.kill(worker, signal.SIGTERM)
    wait_until(is_replaced)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as response:
            return bool(response.read() == b"done")
    except (urllib.error.URLError, ConnectionError):
        return False
