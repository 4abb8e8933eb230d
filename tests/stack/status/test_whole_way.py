"""`pulseguard status` beside a real registry, a real Prometheus and a real agent."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from typing import Any

from tests.prometheus_server import eventually, free_port
from tests.stack.status.conftest import COMMAND, WatchedStack

NAME = "agent-under-test"
FRESH_WITHIN_SECONDS = 20
ALTERNATE_SCREEN, MAIN_SCREEN, CURSOR_SHOWN = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"
NUMBERS = (
    "model_calls_per_second",
    "model_call_p95_seconds",
    "tokens_per_second",
    "task_success_ratio",
    "context_tokens",
    "context_window_used_ratio",
)


def agent(watched: WatchedStack, name: str = NAME) -> dict[str, Any]:
    """This agent, as `--json` tells of it."""
    (found,) = [one for one in watched.look()["agents"] if one["name"] == name]
    return dict(found)


def test_a_single_call_of_a_new_agent_is_counted_within_20_seconds(watched: WatchedStack) -> None:
    before = agent(watched)
    assert {before[name] for name in NUMBERS} == {None}

    watched.agent.ask("calls 1 1")
    assert watched.agent.line().startswith("done")

    def calls() -> float:
        # A young agent's rate is over the time that it is there, and half a scrape of 5 s.
        seconds = min(time.monotonic() - watched.agent_seen_at + 2.5, 30)
        return seconds * (agent(watched)["model_calls_per_second"] or 0)

    eventually(calls, timeout_seconds=FRESH_WITHIN_SECONDS)
    assert 0.6 < calls() < 1.4


def test_finished_calls_change_every_number_within_20_seconds(watched: WatchedStack) -> None:
    began = time.monotonic()
    watched.agent.ask("calls 60 1")
    assert watched.agent.line().startswith("done")

    eventually(
        lambda: all(agent(watched)[name] for name in NUMBERS), timeout_seconds=FRESH_WITHIN_SECONDS
    )
    seen = agent(watched)
    # Rates look back 30 s at most: about all 60 calls.
    seconds = min(time.monotonic() - watched.agent_seen_at, 30)
    assert 30 < seen["model_calls_per_second"] * seconds < 90
    assert 0 < seen["model_call_p95_seconds"] < time.monotonic() - began
    assert 0 < seen["task_success_ratio"] < 1
    assert 0 < seen["context_window_used_ratio"] < 0.1
    assert seen["cost_usd_per_hour"] is None or seen["cost_usd_per_hour"] > 0
    assert (seen["status"], seen["scrape"], seen["version"]) == ("ONLINE", "up", "1.2.3")


def test_without_a_terminal_a_plain_table_is_shown_once(watched: WatchedStack) -> None:
    for arguments in ((), ("--watch",)):
        done = watched.status(*arguments)

        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout
        (row,) = [line for line in done.stdout.splitlines() if NAME in line]
        assert {"ONLINE", "production", "quality", "1.2.3"} <= set(row.split())


def test_agents_that_the_two_sources_disagree_about_come_first(watched: WatchedStack) -> None:
    said = {"instance": "web-1", "environment": "production"}
    watched.stack.api("/api/v1/agents", {"name": "closed", **said})
    nowhere = f"127.0.0.1:{free_port()}"
    watched.stack.api("/api/v1/agents", {"name": "unreachable", **said, "metrics_address": nowhere})
    eventually(lambda: agent(watched, "unreachable")["scrape"] == "down")

    document = json.loads(watched.status("--json").stdout)
    table = watched.status(COLUMNS="80").stdout

    levels = {one["name"]: one["level"] for one in document["agents"]}
    assert list(levels.values()) == sorted(levels.values(), key=["bad", "doubtful", "good"].index)
    assert (levels["unreachable"], levels["closed"]) == ("bad", "doubtful")
    troubles = {one["name"]: one["troubles"] for one in document["agents"]}
    assert troubles["unreachable"] == ["never heard", "scrape fails"]
    assert troubles["closed"] == ["never heard", "registered without an address, not scraped"]
    assert "3 agents" in table
    assert "!! unreachable: never heard, scrape fails" in table


def test_the_live_view_fits_80_columns_and_leaves_the_terminal_as_it_was(
    watched: WatchedStack,
) -> None:
    terminal = Terminal(80, 24)
    try:
        terminal.run([*COMMAND, "--watch"], PULSEGUARD_DATA_DIR=str(watched.data_dir))
        terminal.read_until(lambda: terminal.screens_drawn() >= 2)
        attributes = termios.tcgetattr(terminal.slave)
        os.write(terminal.master, b"\x03")
        status = terminal.wait()
    finally:
        terminal.close()

    assert status == 0
    assert terminal.text.index(ALTERNATE_SCREEN) < terminal.text.index(MAIN_SCREEN)
    assert terminal.text.rstrip().endswith((MAIN_SCREEN, CURSOR_SHOWN))
    assert terminal.text.rindex(CURSOR_SHOWN) > terminal.text.rindex("\x1b[?25l")
    assert attributes == terminal.attributes
    # The terminal itself echoes Ctrl-C.
    lines = [line.removesuffix("^C") for line in terminal.lines()]
    assert [line for line in lines if len(line) > 80] == []
    assert any(line.startswith("PulseGuard") for line in lines)
    assert any("agent-u…r-test" in line and "ONLINE" in line for line in lines)


class Terminal:
    """A terminal of this size with a program in it."""

    def __init__(self, columns: int, rows: int) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.attributes = termios.tcgetattr(self.slave)
        self._received = b""
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def text(self) -> str:
        """Everything that was written to it."""
        return self._received.decode(errors="replace")

    def run(self, command: list[str], **environment: str) -> None:
        """Start a program whose terminal this is, so that Ctrl-C reaches it."""
        variables = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", **environment}
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            env=variables,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
        )

    def read_until(self, holds: Any, seconds: float = 20) -> None:
        """Read what is drawn until it holds."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self.text
            if select.select([self.master], [], [], 0.1)[0]:
                self._received += os.read(self.master, 65536)

    def screens_drawn(self) -> int:
        """How often the view was drawn."""
        return self.text.count("PulseGuard")

    def lines(self) -> list[str]:
        """All lines ever drawn, without what moves the cursor or colours."""
        uncoloured = re.sub(r"\x1b\[[0-9;]*m", "", self.text)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "\n", uncoloured).split("\n")

    def wait(self) -> int:
        """Read to the end; the exit status."""
        assert self.process
        process = self.process
        self.read_until(lambda: process.poll() is not None)
        while select.select([self.master], [], [], 0)[0]:
            self._received += os.read(self.master, 65536)
        return process.returncode

    def close(self) -> None:
        """End the program where it still runs."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)
