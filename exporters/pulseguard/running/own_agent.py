"""An agent that the program makes itself: the run's own makes way for it."""

import functools
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pulseguard.running.run import OWN_AGENT, Run, leave_word, read_run

if TYPE_CHECKING:
    from pulseguard.agent import Agent

SAME: Final = "same"
OTHER: Final = "other"


@functools.cache
def _claimed(run: Run, process: int, word: str) -> bool:
    """Whether this process is the first of the run that has an agent of its own.

    Where no word can be left, the run is over or somebody else's: whoever set the variable, this
    process is not part of it.
    """
    try:
        return leave_word(run, OWN_AGENT, word)
    except (OSError, ValueError):  # ValueError: of a path with a null character
        return False


def instance_of_run(environment: str, name: str) -> str | None:
    """The instance of the run, for the first agent of its name that the program makes itself."""
    run = read_run(os.environ)
    if run is None or not run.is_agent(environment, name, run.instance):
        return None
    return run.instance if _claimed(run, os.getpid(), SAME) else None


def make_way(agent: "Agent", show_tree: Callable[[int], None]) -> None:
    """This agent of the program has started: the run's agent goes, and it tells of the whole tree.

    The first one does, where there are several.
    """
    run = read_run(os.environ)
    if run is None:
        return
    inside = sys.modules.get("pulseguard.running.inside")
    if inside is not None:
        inside.end()
    is_same = run.is_agent(agent.environment, agent.name, agent.instance)
    if _claimed(run, os.getpid(), SAME if is_same else OTHER):
        show_tree(run.process)
