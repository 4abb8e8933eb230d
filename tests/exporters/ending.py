"""Agents in a process of their own, of which some code decides how it ends."""

import os
import subprocess
import sys
from pathlib import Path

from tests.exporters.fake_registry import FakeRegistry

AGENT = """
import os, signal, sys, threading, time
from pulseguard import Agent
agent = Agent("invoice-bot", metrics_port=0)
{before}
agent.start()
with agent.task():
    pass
print(agent.instance, agent.metrics_address, flush=True)
{after}
"""
Processes = list[subprocess.Popen[str]]


def run_agent(
    processes: Processes,
    registry_url: str,
    folder: Path,
    after: str,
    before: str = "",
) -> subprocess.Popen[str]:
    code = AGENT.format(before=before, after=after)
    return start(processes, registry_url, folder, "-c", code)


def start(
    processes: Processes, registry_url: str, folder: Path, *arguments: str
) -> subprocess.Popen[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(folder),
        "PULSEGUARD_REGISTRY_URL": registry_url,
        "PULSEGUARD_HEARTBEAT_SECONDS": "0.1",
    }
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    processes.append(process)
    return process


def heartbeats(registry: FakeRegistry) -> list[dict[str, object]]:
    """What they said of the agent."""
    with registry.lock:
        bodies = [each.body for each in registry.requests if each.path.endswith("/heartbeat")]
    return [{name: body[name] for name in ("state", "goodbye")} for body in bodies]
