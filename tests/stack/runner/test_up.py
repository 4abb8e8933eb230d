"""The installed command runs the whole stack, heals it, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import suppress

import pytest

from pulseguard_stack.runner.loopback import ask
from pulseguard_stack.runner.processes import process
from tests.end_to_end.pages import page, panel, said
from tests.prometheus_server import eventually
from tests.stack.runner.running import FREE_PORTS, Stack

AGENTS = {"support-chat", "coder", "researcher", "invoice-extraction", "data-pipeline"}
SERVERS = {"registry", "sync", "prometheus", "alertmanager", "model-server"}
POSTGRESQL = "postgresql"
HEALING_SECONDS = 30
# Nothing fires about the monitor, and nobody has been told of anything.
OF_WHAT_IS_TOLD = {
    *("Firing alerts about the monitor", "Dead man's switch heard", "Notifications by integration")
}
LONG = bool(os.environ.get("PULSEGUARD_TEST_LONG"))
# The agents together and last: they come back with other addresses, so that every server has to
# do its work. In the long run each by itself as well.
VICTIMS = [
    *([name] for name in sorted(SERVERS | {POSTGRESQL})),
    *([name] for name in sorted(AGENTS) if LONG),
    sorted(AGENTS),
]


def wait_for_line(process: subprocess.Popen[str], words: str) -> None:
    """Reads what a foreground stack prints until a line has these words."""
    assert process.stdout
    said = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            return
    pytest.fail("".join(said))


def pids(fleet: Stack) -> dict[str, int]:
    """The components that run, and PostgreSQL, which the registry runs."""
    postmaster = (fleet.data_dir / "postgresql" / "postmaster.pid").read_text().split("\n")[0]
    return {**fleet.pids(), POSTGRESQL: int(postmaster)}


def is_back(name: str, pid_before: int, fleet: Stack, log: str) -> bool:
    """Whether another process does its work, and the log of the runner since then says so."""
    if name == POSTGRESQL:
        with suppress(OSError, ValueError):
            return pids(fleet)[name] != pid_before
        return False
    told = re.search(rf"{name} +died .*\n(.*\n)*.*{name} +ready after", log)
    return bool(told) and fleet.pids()[name] != pid_before


def everything_answers(fleet: Stack) -> bool:
    """Whether all processes live and all servers say that they are ready."""
    run = fleet.run_file()
    ready = [f"{run[each]}/-/ready" for each in ("prometheus_url", "alertmanager_url")]
    ready += [f"{run['registry_url']}/api/v1/health/ready", f"{run['model_server_url']}/v1/models"]
    alive = all(process(pid) for pid in fleet.pids().values())
    return alive and all(ask(url).is_success for url in ready)


def agents_scraped(fleet: Stack, since: float) -> set[str]:
    """The agents that Prometheus has reached since a moment, the last time that it tried."""
    up = 'up{job="agents"}'
    query = urllib.parse.urlencode({"query": f"(timestamp({up}) > {since}) and ({up} == 1)"})
    answer = ask(f"{fleet.run_file()['prometheus_url']}/api/v1/query?{query}")
    found = answer.document()["data"]["result"] if answer.is_success else []
    return {each["metric"]["agent"] for each in found}


def test_five_agents_are_up_within_30_seconds_of_readiness(fleet):
    assert eventually(lambda: fleet.agents_up() == AGENTS, timeout_seconds=30)
    assert set(fleet.agent_ids()) == AGENTS
    assert set(fleet.pids()) == SERVERS | AGENTS


def test_the_user_alone_can_read_keys_and_what_runs(fleet):
    secret = [fleet.data_dir / "stack" / "run.json", fleet.agent_file]
    secret += list((fleet.data_dir / "stack" / "keys").iterdir())

    assert {oct(path.stat().st_mode & 0o777) for path in secret} == {"0o600"}
    assert len(secret) == 6


@pytest.mark.parametrize("victims", VICTIMS, ids=" ".join)
def test_what_is_killed_is_healthy_again_within_30_seconds(fleet, victims):
    eventually(lambda: set(fleet.agent_ids()) == AGENTS, timeout_seconds=30)
    before, ids, said, now = pids(fleet), fleet.agent_ids(), len(fleet.log()), time.time()
    # A new scrape takes 5 s: in the short run only the agents, who come last, are asked for one.
    since = now if LONG or victims == sorted(AGENTS) else 0

    for name in victims:
        os.kill(before[name], signal.SIGKILL)

    def is_healthy() -> bool:
        return (
            all(is_back(name, before[name], fleet, fleet.log()[said:]) for name in victims)
            and everything_answers(fleet)
            and fleet.agent_ids() == ids
            and agents_scraped(fleet, since) == AGENTS
        )

    eventually(is_healthy, timeout_seconds=HEALING_SECONDS)
    after = pids(fleet)
    assert {name for name in before if after[name] != before[name]} == set(victims)


def test_the_status_tells_of_a_death_and_of_the_return(fleet):
    os.kill(fleet.pids()["sync"], signal.SIGKILL)

    def told() -> list[str]:
        document = json.loads(fleet.run("status", "--json").stdout)
        restarts = [each for each in document["restarts"] if each["component"] == "sync"]
        return [each["ended_with"] for each in restarts if each["ready_at"]]

    assert eventually(told, timeout_seconds=HEALING_SECONDS) == ["SIGKILL"]


def test_a_second_up_says_what_runs_and_how_to_stop_it(fleet):
    running = set(fleet.pids().values())

    second = fleet.run("up", "--no-demo")

    assert second.returncode == 1
    (line,) = second.stderr.splitlines()
    assert fleet.run_file()["registry_url"] in line
    assert f"stop it with pulseguard down --data-dir {fleet.data_dir}" in line
    assert "runner.log" in line
    assert set(fleet.pids().values()) == running


def test_the_page_of_the_monitor_has_a_value_in_every_panel(fleet):
    def empty() -> set[str]:
        shown = page(fleet.run_file()["prometheus_url"], "monitor", scrape_seconds=5)
        return {panel.title for panel in shown.panels if not panel.has_data}

    eventually(lambda: empty() <= OF_WHAT_IS_TOLD, timeout_seconds=60)


@pytest.mark.parametrize("name", ["fleet", "agent", "models", "cost"])
def test_a_page_of_nothing_but_the_simulated_fleet_says_so(fleet, name):
    def told() -> str:
        return said(
            panel(page(fleet.run_file()["prometheus_url"], name, scrape_seconds=5), "Simulated")
        )

    eventually(lambda: told() == "Simulated fleet", timeout_seconds=60)


def test_ids_keys_and_data_survive_a_restart_and_nothing_is_left_in_between(fleet):
    eventually(lambda: set(fleet.agent_ids()) == AGENTS, timeout_seconds=30)
    ids = fleet.agent_ids()
    keys, admin_key = fleet.data_dir / "stack" / "keys", fleet.data_dir / "secrets" / "admin.key"
    key = (keys / "agent.key").read_text()

    stopped = fleet.run("down")
    left, agent_file_left = fleet.processes(), fleet.agent_file.exists()
    # As in a folder that was restored from a backup: nobody has the admin key that makes others.
    admin_key.unlink()
    (keys / "viewer.key").unlink()
    started = fleet.up("--new-admin-key")

    assert (stopped.returncode, left, agent_file_left) == (0, [], False)
    assert started.returncode == 0, started.stderr
    assert fleet.agent_ids() == ids
    assert (keys / "agent.key").read_text() == key
    made = ask(f"{fleet.run_file()['registry_url']}/api/v1/keys", key=admin_key.read_text().strip())
    assert [each["role"] for each in made.document()["items"]].count("admin") == 2
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

        assert process.wait(30) == 130

    assert stack.processes() == []


def test_a_detached_start_that_is_interrupted_is_no_success(stack: Stack):
    with stack.foreground("--detach") as process:
        eventually(lambda: (stack.data_dir / "stack" / "run.json").exists())
        process.send_signal(signal.SIGINT)

        assert process.wait(30) == 130

    assert stack.processes() == []


def test_a_reader_that_has_gone_stops_nothing(stack: Stack):
    with stack.foreground("--detach") as process:
        assert process.stdout
        assert "ready after" in process.stdout.readline()
        process.stdout.close()

        assert process.wait(30) == 0

    assert set(stack.pids()) == {"registry", "sync", "prometheus", "alertmanager"}
    assert "PulseGuard is running" in stack.log()
    assert "has stopped" not in stack.log()


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

    assert (ended.returncode, ended.stdout.count("\n")) == (0, 1)
    assert ended.stdout.startswith(f"no stack of {stack.data_dir} runs")
    assert "`make up` started with PULSEGUARD_DATA_DIR" in ended.stdout
