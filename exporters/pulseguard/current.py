"""Which agent the calls in this context belong to, for code that is not told: instrumentation."""

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pulseguard.agent import Agent

# The agent of the task around this code.
WORKING_AGENT: Final[ContextVar["Agent | None"]] = ContextVar(
    "pulseguard_working_agent", default=None
)

_started: list["Agent"] = []


def current_agent() -> "Agent | None":
    """The agent whose task is open here, else the one started last and not stopped since."""
    working = WORKING_AGENT.get()
    if working is not None:
        return working
    return _started[-1] if _started else None


def note_start(agent: "Agent") -> None:
    """This agent is there from now on."""
    note_stop(agent)
    _started.append(agent)


def note_stop(agent: "Agent") -> None:
    """This agent is gone."""
    if agent in _started:
        _started.remove(agent)
