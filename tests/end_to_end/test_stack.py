"""The stack that `make up` runs, with an agent of the user's own: the README's, word for word."""

from __future__ import annotations

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from pulseguard_prometheus.configuration import render_rules
from pulseguard_stack.status.command import main
from tests.prometheus_server import eventually
from tests.stack.runner.conftest import a_stack
from tests.stack.runner.running import Stack

LONG = bool(os.environ.get("PULSEGUARD_TEST_LONG"))
BURSTS = 20 if LONG else 1
# More than Prometheus takes to notice that a target has left its list: two throttles of 5 s each.
PENDING_SECONDS = 15
README = Path(__file__).parents[2] / "README.md"


class Operator:
    """What an operator sees of a stack, by its status view and the addresses that it prints."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        run = stack.run_file()
        self._registry, self._alertmanager = run["registry_url"], run["alertmanager_url"]
        self._prometheus = run["prometheus_url"]
        self._key = Path(run["viewer_key_file"]).read_text(encoding="ascii").strip()

    def status(self, name: str) -> dict[str, Any]:
        """One agent as `pulseguard status --json` shows it; empty while it does not.

        Asked for all the time, so without the half second of work that a process begins with.
        """
        with redirect_stdout(StringIO()) as said:
            main(["--json", "--data-dir", str(self.stack.data_dir)])
        agents = json.loads(said.getvalue())["agents"]
        return next((agent for agent in agents if agent["name"] == name), {})

    def is_seen(self, name: str) -> bool:
        """Whether an agent is in the view, ONLINE and scraped."""
        shown = self.status(name)
        return (shown.get("status"), shown.get("scrape")) == ("ONLINE", "up")

    def agent(self, name: str) -> dict[str, Any]:
        """One agent of the inventory."""
        (only,) = self._ask(f"{self._registry}/api/v1/agents?name={name}")["items"]
        return dict(only)

    def history(self, alert: str) -> list[dict[str, Any]]:
        """What the registry has kept of an alert, the newest first."""
        found = self._ask(f"{self._registry}/api/v1/alerts?alertname={alert}")["items"]
        return [dict(entry) for entry in found]

    def firing(self) -> list[str]:
        """The names of the alerts about agents that Alertmanager holds, but for the demo's.

        Its agents are slow now and then: after seconds, not minutes, that may well fire.
        """
        held = [alert["labels"] for alert in self._ask(f"{self._alertmanager}/api/v2/alerts")]
        agents = [each for each in held if "agent_id" in each]
        return [each["alertname"] for each in agents if each["environment"] != "demo"]

    def shorten_alerts(self) -> None:
        """Let alerts fire after seconds instead of minutes."""
        folder = self.stack.data_dir / "stack" / "prometheus" / "rules"
        for file in folder.glob("*.yml"):
            text = file.read_text(encoding="utf-8")
            file.write_text(render_rules(text, pending_seconds=PENDING_SECONDS), encoding="utf-8")
        request = urllib.request.Request(f"{self._prometheus}/-/reload", method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    def _ask(self, url: str) -> Any:  # Any: decoded JSON
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self._key}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def operator() -> Iterator[Operator]:
    """A running stack, whose agents beat and are missed within seconds."""
    with a_stack() as stack:
        stack.environment = {
            **stack.environment,
            "PULSEGUARD_OFFLINE_AFTER_SECONDS": "5",
            "PULSEGUARD_HEARTBEAT_SECONDS": "1",
        }
        started = stack.up()
        assert started.returncode == 0, started.stdout + started.stderr
        made = Operator(stack)
        made.shorten_alerts()
        yield made


def start_own_agent(stack: Stack) -> subprocess.Popen[bytes]:
    """The README's snippet, verbatim; the file that the stack left tells it where to go."""
    (snippet,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    environment = {
        "PATH": os.environ["PATH"],
        "XDG_STATE_HOME": stack.environment["XDG_STATE_HOME"],
        "TMPDIR": str(stack.data_dir.parent),
        "PULSEGUARD_HEARTBEAT_SECONDS": "1",
    }
    return subprocess.Popen([sys.executable, "-c", snippet], env=environment)


def test_an_agent_that_dies_fires_once_and_its_return_resolves_it(operator: Operator) -> None:
    agent = start_own_agent(operator.stack)
    eventually(lambda: operator.is_seen("invoice-bot"), timeout_seconds=30)
    known = operator.agent("invoice-bot")

    agent.kill()
    agent.wait()

    eventually(lambda: "AgentDown" in operator.firing(), timeout_seconds=60)
    (fired,) = eventually(lambda: operator.history("AgentDown"), timeout_seconds=30)
    assert (fired["status"], fired["agent_id"]) == ("firing", known["id"])
    assert operator.agent("invoice-bot")["status"] == "OFFLINE"

    agent = start_own_agent(operator.stack)
    try:
        eventually(lambda: operator.agent("invoice-bot")["status"] == "ONLINE", timeout_seconds=30)
        assert operator.agent("invoice-bot")["id"] == known["id"]
        eventually(lambda: len(operator.history("AgentDown")) == 2, timeout_seconds=60)
        resolved, _ = operator.history("AgentDown")
        assert resolved["status"] == "resolved"
        assert resolved["starts_at"] == fired["starts_at"]
    finally:
        agent.terminate()
        agent.wait(10)


def test_a_clean_stop_and_a_restart_fire_nothing(operator: Operator) -> None:
    before = operator.history("AgentDown")
    for _ in range(2):
        agent = start_own_agent(operator.stack)
        eventually(lambda: operator.is_seen("invoice-bot"), timeout_seconds=30)
        agent.send_signal(signal.SIGTERM)
        agent.wait(10)
        assert operator.agent("invoice-bot")["status_reason"] == "stopped"

    deadline = time.monotonic() + PENDING_SECONDS + 10
    while time.monotonic() < deadline:
        assert operator.firing() == []
        time.sleep(0.5)
    assert operator.history("AgentDown") == before


def test_a_burst_of_calls_changes_the_status_view_within_20_seconds(operator: Operator) -> None:
    waits = [seconds_until_seen(operator) for _ in range(BURSTS)]

    slowest = statistics.quantiles(waits, n=20)[-1] if len(waits) > 2 else max(waits)
    sys.stderr.write(f"seen after {sorted(round(wait, 1) for wait in waits)} s\n")
    assert slowest < 20


def seconds_until_seen(operator: Operator) -> float:
    """How long a burst of 50 calls takes until the numbers of the view show it."""
    rate = "model_calls_per_second"
    eventually(lambda: (operator.status("coder").get(rate) or 0) < 1.2, timeout_seconds=60)
    os.kill(operator.stack.pids()["coder"], signal.SIGUSR1)
    started = time.monotonic()
    eventually(lambda: (operator.status("coder").get(rate) or 0) > 1.4, timeout_seconds=40)
    return time.monotonic() - started
