"""Grafana beside the stack: run where there is one, told and done without where there is none.

Grafana and Docker are stand-ins here; their own docstrings say what they do.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from pulseguard_grafana.configuration import shipped_dashboards
from pulseguard_stack.runner.configuration import write_grafana_configuration
from pulseguard_stack.runner.grafana import IMAGE
from pulseguard_stack.runner.places import Places
from tests.prometheus_server import eventually
from tests.stack.runner.conftest import a_stack
from tests.stack.runner.running import SERVER_PORTS, Stack
from tests.stack.runner.stand_ins import path_with, put_docker, put_grafana, put_script

PORTS = [*SERVER_PORTS, "--grafana-port", "0"]


def offer(stack: Stack, *folders: Path) -> None:
    """Puts these folders on the PATH of the stack, and no other Grafana or Docker."""
    path = path_with(folders, stack.data_dir.with_name("spare"))
    variables = {"PATH": path, "GF_SERVER_HTTP_PORT": "1", "GF_PATHS_HOME": ""}
    stack.environment = {**stack.environment, **variables}


def up(stack: Stack, *arguments: str) -> str:
    """`pulseguard up --detach` with Grafana and without the demo; what it has said."""
    started = stack.run("up", "--detach", "--no-demo", *PORTS, *arguments)
    assert started.returncode == 0, started.stdout + started.stderr
    return started.stdout


def ask(url: str, password: str | None = None) -> Any:  # Any: decoded JSON
    request = urllib.request.Request(url)
    if password:
        code = base64.b64encode(f"admin:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {code}")
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def is_healthy(stack: Stack) -> bool:
    try:
        return bool(ask(f"{stack.run_file()['grafana_url']}/api/health")["database"] == "ok")
    except OSError:
        return False


def data_sources(stack: Stack) -> list[dict[str, Any]]:
    password = (stack.data_dir / "stack" / "keys" / "grafana-admin.password").read_text()
    assert "$" not in password
    return list(ask(f"{stack.run_file()['grafana_url']}/api/datasources", password))


def assert_names_our_prometheus(stack: Stack) -> None:
    (source,) = data_sources(stack)
    assert source["uid"] == "prometheus"
    assert source["url"] == stack.run_file()["prometheus_url"]
    assert source["isDefault"]
    assert source["jsonData"]["timeInterval"] == "5s"


def assert_shows_our_dashboards(stack: Stack) -> None:
    url = stack.run_file()["grafana_url"]
    shipped = [json.loads(text) for text in shipped_dashboards().values()]

    found = ask(f"{url}/api/search")

    assert shipped
    assert {each["uid"] for each in found} == {each["uid"] for each in shipped}
    assert {each["folderTitle"] for each in found} == {"PulseGuard"}
    assert ask(f"{url}/api/dashboards/home")["dashboard"]["uid"] == "pulseguard-fleet"


@pytest.fixture(scope="module")
def installed() -> Iterator[tuple[Stack, str]]:
    """A stack with an installed Grafana, in a folder with a space, and what `up` has said."""
    with a_stack() as stack:
        home = stack.data_dir.with_name("grafana 13")
        offer(stack, put_grafana(home))
        yield stack, up(stack)


def test_an_installed_grafana_is_run_and_told_of_our_prometheus(installed):
    stack, said = installed

    assert is_healthy(stack)
    assert f"{stack.run_file()['grafana_url']}  (admin: " in said
    assert_names_our_prometheus(stack)


def test_an_installed_grafana_shows_the_dashboards_and_the_fleet_first(installed):
    stack, _ = installed

    assert_shows_our_dashboards(stack)


def test_a_dashboard_that_is_not_shipped_any_more_is_gone_at_the_next_start(tmp_path):
    places = Places(tmp_path)
    places.make_folders()
    write_grafana_configuration(places)
    (places.grafana_dashboards / "former.json").write_text("{}")

    write_grafana_configuration(places)

    held = {file.name: file.read_text() for file in places.grafana_dashboards.iterdir()}
    assert held == {f"{name}.json": text for name, text in shipped_dashboards().items()}


def test_its_password_is_for_its_owner_only(installed):
    stack, said = installed
    (file,) = (stack.data_dir / "stack" / "keys").glob("*.password")

    assert str(file) in said
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    assert file.read_text() not in said


def test_a_grafana_that_is_killed_is_started_again(installed):
    stack, _ = installed
    before = stack.pids()["grafana"]
    (plugin,) = psutil.Process(before).children()

    os.kill(before, signal.SIGKILL)

    eventually(lambda: not plugin.is_running(), timeout_seconds=10)
    eventually(lambda: stack.pids()["grafana"] != before, timeout_seconds=10)
    eventually(lambda: is_healthy(stack), timeout_seconds=10)
    assert "grafana              died (SIGKILL)" in stack.log()


def test_down_ends_it_and_its_password_stays(installed):
    stack, _ = installed
    password = (stack.data_dir / "stack" / "keys" / "grafana-admin.password").read_text()

    assert stack.run("down").returncode == 0
    assert stack.processes() == []

    up(stack)
    assert (stack.data_dir / "stack" / "keys" / "grafana-admin.password").read_text() == password
    assert is_healthy(stack)


def test_without_grafana_and_docker_the_rest_runs_and_it_is_said_how_to_get_it(stack: Stack):
    offer(stack)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = up(stack, "--grafana-port", str(taken.getsockname()[1]))

    (line,) = [line for line in said.splitlines() if line.startswith("  Grafana ")]
    assert line.endswith("neither it nor Docker is on PATH; see docs/troubleshooting.md")
    assert "not run" not in said.replace(line, ""), "once, and not before what matters more"
    assert "is not run: neither it nor Docker" in stack.log()
    assert stack.run_file()["grafana_url"] is None
    assert set(stack.pids()) == {"registry", "sync", "prometheus", "alertmanager"}


def test_a_grafana_that_ends_at_its_start_is_left_out(stack: Stack):
    broken = put_grafana(stack.data_dir.with_name("grafana"))
    put_script(broken / "grafana", "echo 'database is locked' >&2; exit 1")
    offer(stack, broken)

    said = up(stack)

    (line,) = [line for line in said.splitlines() if line.startswith("  Grafana ")]
    assert "database is locked" in said
    assert str(stack.data_dir / "stack" / "logs" / "grafana.log") in line
    assert stack.run_file()["grafana_url"] is None
    assert set(stack.pids()) == {"registry", "sync", "prometheus", "alertmanager"}


def calls(docker: Path, verb: str) -> list[Sequence[str]]:
    lines = (docker / "state" / "calls.jsonl").read_text().splitlines()
    return [each for each in map(json.loads, lines) if each[0] == verb]


def containers(docker: Path) -> list[Path]:
    return list((docker / "state" / "containers").iterdir())


def test_docker_runs_the_pinned_image_and_no_container_is_left_whatever_is_killed(stack: Stack):
    docker = put_docker(stack.data_dir.with_name("docker"))
    offer(stack, docker)

    up(stack)

    assert_names_our_prometheus(stack)
    assert_shows_our_dashboards(stack)
    (called,) = calls(docker, "run")
    assert called[-1] == IMAGE
    assert calls(docker, "pull") == [["pull", IMAGE]]
    assert f"{os.getuid()}:{os.getgid()}" == called[called.index("--user") + 1]
    assert [called[called.index(flag) + 1] for flag in ("--network", "--cap-drop")] == [
        "host",
        "ALL",
    ]
    read_only = [each.endswith(",ro") for each in called if each.startswith("type=bind")]
    assert read_only == [False, True, True, True], "all but its data"
    password = (stack.data_dir / "stack" / "keys" / "grafana-admin.password").read_text()
    assert password not in " ".join(called)

    client = stack.pids()["grafana"]
    os.kill(client, signal.SIGKILL)
    eventually(lambda: stack.pids()["grafana"] != client and is_healthy(stack), timeout_seconds=15)
    assert len(containers(docker)) == 1

    os.kill(stack.run_file()["runner_pid"], signal.SIGKILL)
    os.kill(stack.pids()["grafana"], signal.SIGKILL)
    (left,) = containers(docker)
    before = left.read_text()
    up(stack)
    (now,) = containers(docker)
    assert (now.name, now.read_text() != before) == (left.name, True)
    assert_names_our_prometheus(stack)
    assert len(calls(docker, "pull")) == 1

    assert stack.run("down").returncode == 0
    assert containers(docker) == []
    assert stack.processes() == []


def test_down_ends_the_container_of_a_killed_runner(stack: Stack):
    docker = put_docker(stack.data_dir.with_name("docker"))
    offer(stack, docker)
    said = up(stack)
    client = stack.pids().get("grafana")
    assert client, said

    os.kill(stack.run_file()["runner_pid"], signal.SIGKILL)
    os.kill(client, signal.SIGKILL)

    assert stack.run("down").returncode == 0
    assert containers(docker) == []
    assert stack.processes() == []
