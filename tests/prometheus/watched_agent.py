"""An agent that does what it is told, a process of its own: it says goodbye when its input ends.

Usage: watched_agent.py NAME. Each line on standard input is how accurate an answer of it is, as
0.25; else it does nothing.
"""

import sys

from pulseguard import Agent


def main() -> None:
    """Run under the name that is the only argument."""
    with Agent(sys.argv[1], version="2.1.0") as agent:
        for line in sys.stdin:
            agent.evaluation("accuracy", float(line))


if __name__ == "__main__":
    main()
