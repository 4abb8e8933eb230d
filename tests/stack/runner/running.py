"""The installed command's stack, in folders of its own and on free ports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("pulseguard")
SERVER_PORTS = ["--registry-port", "0", "--prometheus-port", "0", "--alertmanager-port", "0"]
# A Grafana or a Docker of this machine is not to be run by tests that are about something else.
FREE_PORTS = [*SERVER_PORTS, "--no-grafana"]
MODEL_SERVER = ["--model-server-port", "0"]


class Stack:
    """A data folder, and what runs in it."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self.agent_file = folder / "state" / "pulseguard" / "agent.json"
        self.environment: Mapping[str, str] = {
            **{name: value for name, value in os.environ.items() if "DATABASE" not in name},
            "PULSEGUARD_DATA_DIR": str(self.data_dir),
            "XDG_STATE_HOME": str(folder / "state"),
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A verb of the command, to its end."""
        return subprocess.run(
            [COMMAND, *arguments],
            env=self.environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
        )

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`pulseguard up --detach` on free ports."""
        return self.run("up", "--detach", *FREE_PORTS, *MODEL_SERVER, *arguments)

    def foreground(self, *arguments: str) -> subprocess.Popen[str]:
        """`pulseguard up` on free ports and without demo agents, as a process that stays."""
        return subprocess.Popen(
            [COMMAND, "up", "--no-demo", *FREE_PORTS, *arguments],
            env=self.environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run_file(self) -> dict[str, Any]:  # Any: decoded JSON
        """What run.json says."""
        return dict(json.loads((self.data_dir / "stack" / "run.json").read_text()))

    def pids(self) -> dict[str, int]:
        """The components that run, by name."""
        return {each["name"]: each["pid"] for each in self.run_file()["components"]}

    def log(self) -> str:
        """What the runner has written into its log."""
        return (self.data_dir / "stack" / "logs" / "runner.log").read_text()

    def agents_up(self) -> set[str]:
        """The agents that Prometheus reaches."""
        query = urllib.parse.urlencode({"query": 'up{job="agents"} == 1'})
        url = f"{self.run_file()['prometheus_url']}/api/v1/query?{query}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                found = json.load(answer)["data"]["result"]
        except OSError:
            return set()
        return {each["metric"]["agent"] for each in found}

    def agent_ids(self) -> dict[str, str]:
        """The ids of the agents that are ONLINE, by name; empty where the registry is away."""
        run = self.run_file()
        key = Path(run["viewer_key_file"]).read_text().strip()
        request = urllib.request.Request(f"{run['registry_url']}/api/v1/agents?status=ONLINE")
        request.add_header("Authorization", f"Bearer {key}")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return {each["name"]: each["id"] for each in json.load(answer)["items"]}
        except OSError:
            return {}

    def processes(self) -> list[str]:
        """The command lines of everything that runs for this data folder, PostgreSQL too."""
        folder = os.fsencode(self.data_dir)
        found = []
        for entry in Path("/proc").iterdir():
            try:
                said = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:
                continue
            ours = folder in said[0] or b"PULSEGUARD_STACK_DIR=" + folder in said[1]
            if ours and entry.name != str(os.getpid()):
                found.append(f"{entry.name} {said[0].replace(bytes(1), b' ').decode()}")
        return found
