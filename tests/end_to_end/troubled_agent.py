"""An agent of which every panel has something to show, until its input ends.

It waits, its queue grows old, its model has no price and does not always tell its tokens, and its
tools are more than it has room for.
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from itertools import count

from pulseguard import Agent


def work(agent: Agent, is_over: threading.Event) -> None:
    """One round of everything each tenth of a second, on one of two tasks: it is at work."""
    with agent.task(), agent.task():
        go_round(agent, is_over)


def go_round(agent: Agent, is_over: threading.Event) -> None:
    """Until it is over."""
    for number in count():
        agent.queue(pending=3, oldest_age_seconds=60.0 + number / 10)
        with agent.tool(f"tool-{number}"):
            pass
        with suppress(LookupError), agent.tool("broken"):
            raise LookupError
        with agent.llm_call("nobody", "unheard-of") as call:
            call.usage(input_tokens=100, output_tokens=10)
        with agent.llm_call("nobody", "unheard-of"):
            pass
        with agent.waiting("rate_limit"):
            if is_over.wait(0.1):
                return


def main() -> None:
    """Work until standard input ends."""
    is_over = threading.Event()
    with Agent("troubled", team="chaos") as agent:
        worker = threading.Thread(target=work, args=(agent, is_over))
        worker.start()
        sys.stdout.write("works\n")
        sys.stdout.flush()
        sys.stdin.read()
        is_over.set()
        worker.join()


if __name__ == "__main__":
    main()
