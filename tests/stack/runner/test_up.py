"""The installed command runs the whole stack, heals it, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import urllib.request

import pytest

from tests.prometheus_server import eventually
from tests.stack.runner.running import FREE_PORTS, Stack

AGENTS = {"support-chat", "coder", "researcher", "invoice-extraction", "data-pipeline"}
SERVERS = {"registry", "sync", "prometheus", "alertmanager", "model-server"}
HEALING_SECONDS = 30


def wait_for_line(process: subprocess.Popen[str], words: str) -> None:
    """Reads what a foreground stack prints until a line has these words."""
    assert process.stdout
    said = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            return
    pytest.fail("".join(said))


def test_five_agents_are_up_within_30_seconds_of_readiness(fleet):
    assert eventually(lambda: fleet.agents_up() == AGENTS, timeout_seconds=30)
    assert set(fleet.agent_ids()) == AGENTS
    assert set(fleet.pids()) == SERVERS | AGENTS


def test_the_user_alone_can_read_keys_and_what_runs(fleet):
    secret = [fleet.data_dir / "stack" / "run.json", fleet.agent_file]
    secret += list((fleet.data_dir / "stack" / "keys").iterdir())

    assert {oct(path.stat().st_mode & 0o777) for path in secret} == {"0o600"}
    assert len(secret) == 6


@pytest.mark.parametrize("name", sorted(SERVERS | {"coder"}))
def test_what_is_killed_is_healthy_again_within_30_seconds(fleet, name):
    eventually(lambda: set(fleet.agent_ids()) == AGENTS, timeout_seconds=30)
    before, ids, said = fleet.pids()[name], fleet.agent_ids(), len(fleet.log())

    os.kill(before, signal.SIGKILL)

    def healed() -> bool:
        log = fleet.log()[said:]
        return bool(re.search(rf"{name} +died .*\n(.*\n)*.*{name} +ready after", log))

    eventually(healed, timeout_seconds=HEALING_SECONDS)
    eventually(lambda: fleet.agent_ids() == ids, timeout_seconds=HEALING_SECONDS)
    eventually(lambda: fleet.agents_up() == AGENTS, timeout_seconds=HEALING_SECONDS)
    assert fleet.pids()[name] != before


def test_a_second_up_says_what_runs_and_how_to_stop_it(fleet):
    running = set(fleet.pids().values())

    second = fleet.run("up", "--no-demo")

    assert second.returncode == 1
    (line,) = second.stderr.splitlines()
    assert fleet.run_file()["registry_url"] in line
    assert "make down" in line
    assert "runner.log" in line
    assert set(fleet.pids().values()) == running


def test_ids_keys_and_data_survive_a_restart_and_nothing_is_left_in_between(fleet):
    eventually(lambda: set(fleet.agent_ids()) == AGENTS, timeout_seconds=30)
    ids = fleet.agent_ids()
    key = (fleet.data_dir / "stack" / "keys" / "agent.key").read_text()

    stopped = fleet.run("down")
    left, agent_file_left = fleet.processes(), fleet.agent_file.exists()
    started = fleet.up()

    assert (stopped.returncode, left, agent_file_left) == (0, [], False)
    assert started.returncode == 0, started.stderr
    assert fleet.agent_ids() == ids
    assert (fleet.data_dir / "stack" / "keys" / "agent.key").read_text() == key
    url = f"{fleet.run_file()['prometheus_url']}/api/v1/query?query=count_over_time(up[10m])"
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert b'"agent":"coder"' in answer.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything(stack: Stack, number):
    with stack.foreground() as process:
        wait_for_line(process, "PulseGuard is running")
        process.send_signal(number)

        assert process.wait(20) == 0

    assert stack.processes() == []
    assert not stack.agent_file.exists()
    assert not (stack.data_dir / "stack" / "run.json").exists()


def test_a_signal_while_it_starts_ends_everything(stack: Stack):
    with stack.foreground() as process:
        eventually(lambda: (stack.data_dir / "stack" / "run.json").exists())
        process.send_signal(signal.SIGINT)
        process.wait(30)

    assert stack.processes() == []


@pytest.mark.parametrize("verb", ["down", "up"])
def test_what_a_killed_runner_leaves_is_ended(stack: Stack, verb):
    with stack.foreground() as process:
        wait_for_line(process, "PulseGuard is running")
        registry = stack.pids()["registry"]
        process.kill()
        # So nobody is left who knows of PostgreSQL.
        os.kill(registry, signal.SIGKILL)
    orphans = set(stack.processes())
    assert any("postgres" in each for each in orphans)
    assert any("prometheus" in each for each in orphans)

    arguments = ["up", "--detach", "--no-demo", *FREE_PORTS] if verb == "up" else ["down"]
    ended = stack.run(*arguments)

    assert ended.returncode == 0, ended.stderr
    running = set(stack.processes())
    assert running & orphans == set()
    assert bool(running) == (verb == "up")
    database = (stack.data_dir / "postgresql" / "log").read_text()
    assert "received fast shutdown request" in database
    assert "not properly shut down" not in database


def test_down_is_harmless_when_nothing_runs(stack: Stack):
    ended = stack.run("down")

    assert (ended.returncode, ended.stdout) == (0, "PulseGuard does not run.\n")
