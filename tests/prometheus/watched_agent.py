"""An agent that does nothing, a process of its own: it says goodbye when its input ends."""

import sys

from pulseguard import Agent


def main() -> None:
    """Run under the name that is the only argument."""
    with Agent(sys.argv[1]):
        sys.stdin.read()


if __name__ == "__main__":
    main()
