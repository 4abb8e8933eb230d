"""An agent whose queue is as long as it is told, until its input ends: then it says goodbye.

Usage: queueing_agent.py NAME. Each line on standard input is how many tasks wait.
"""

from __future__ import annotations

import sys

from pulseguard import Agent


def main() -> None:
    """Run under the name that is the only argument."""
    with Agent(sys.argv[1]) as agent:
        agent.queue(pending=0)
        for line in sys.stdin:
            agent.queue(pending=int(line))


if __name__ == "__main__":
    main()
