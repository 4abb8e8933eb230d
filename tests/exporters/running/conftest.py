"""What these tests share: programs run by `pulseguard run`, all of them ended in the end."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import wait_until

PULSEGUARD = str(Path(sys.executable).with_name("pulseguard"))
# The same, with another patience for agents that the program makes itself.
OTHERWISE = (
    "import sys; from pulseguard import command; from pulseguard.running import supervision;"
    " supervision.SECONDS_FOR_OWN_AGENT = {seconds}; sys.exit(command.main())"
)


@dataclass
class Runner:
    """Runs programs as a user would, in an environment of their own."""

    folder: Path
    registry: FakeRegistry
    variables: dict[str, str] = field(default_factory=dict)
    # None: as it is shipped.
    patience_seconds: float | None = 0.5
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "PULSEGUARD_REGISTRY_URL": self.registry.url,
            "PULSEGUARD_METRICS_PORT": "0",
            "PULSEGUARD_HEARTBEAT_SECONDS": "0.1",
            **self.variables,
        }

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """`pulseguard run` with these arguments."""
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        options = {"env": self.environment, "text": True, **pipes, **options}
        command = [PULSEGUARD]
        if self.patience_seconds is not None:
            command = [sys.executable, "-c", OTHERWISE.format(seconds=self.patience_seconds)]
        process = subprocess.Popen([*command, "run", *arguments], **options)
        self.started.append(process)
        return process

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """The same, to its end."""
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=20)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def python(self, code: str, *options: str, **more: Any) -> subprocess.Popen[str]:
        """A Python program of this code, called agent.py."""
        return self.start(*options, "--", sys.executable, str(self.script(code)), **more)

    def script(self, code: str) -> Path:
        path = self.folder / "agent.py"
        path.write_text(code)
        return path

    def agents(self) -> list[Mapping[str, Any]]:
        """The registered agents, by the time at which they came."""
        with self.registry.lock:
            return list(self.registry.agents.values())

    def agent(self) -> Mapping[str, Any]:
        """The only one, as soon as it is registered."""
        wait_until(self.agents)
        found = self.agents()
        assert len(found) == 1, found
        (agent,) = found
        return agent

    def page(self) -> str:
        """What /metrics of the only agent says."""
        return fetch(self.agent()["metrics_address"])

    def page_of(self, name: str) -> str:
        """The same of the agent of this name, as soon as it is registered."""
        wait_until(lambda: name in self.names())
        (agent,) = (agent for agent in self.agents() if agent["name"] == name)
        return fetch(agent["metrics_address"])

    def names(self) -> list[str]:
        return [agent["name"] for agent in self.agents()]

    def states(self) -> list[str]:
        """Of all heartbeats, with `goodbye` for those."""
        with self.registry.lock:
            bodies = [each.body for each in self.registry.requests if "heartbeat" in each.path]
        return ["goodbye" if body["goodbye"] else body["state"] for body in bodies]

    def end(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


@pytest.fixture
def runner(tmp_path: Path, registry: FakeRegistry) -> Iterator[Runner]:
    runner = Runner(tmp_path, registry)
    yield runner
    runner.end()


def fetch(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as response:
        content: bytes = response.read()
        return content.decode()


def line(process: subprocess.Popen[str]) -> str:
    """The next line that the program writes."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def process_exists(number: int) -> bool:
    status = Path(f"/proc/{number}/status")
    try:
        return not re.search(r"^State:\s+[ZX]", status.read_text(), re.M)
    except (FileNotFoundError, ProcessLookupError):
        return False
