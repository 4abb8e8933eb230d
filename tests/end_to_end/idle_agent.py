"""An agent that does nothing but be there, until its input ends. Usage: idle_agent.py NAME."""

from __future__ import annotations

import sys

from pulseguard import Agent
from tests.started_program import eventually

if __name__ == "__main__":
    with Agent(sys.argv[1]) as agent:
        sys.stdout.write(f"{eventually(lambda: agent.metrics_address)}\n")
        sys.stdout.flush()
        sys.stdin.read()
