"""The agent's side of PulseGuard: `Agent`, observed by Prometheus and known to the registry."""

from typing import TYPE_CHECKING

from pulseguard.agent import Agent
from pulseguard.errors import ConfigurationError, PulseGuardError
from pulseguard.recording.calls import ApiCall, LlmCall
from pulseguard.recording.work import Task, Tool
from pulseguard.version import VERSION

if TYPE_CHECKING:
    from pulseguard.instrumentation import instrument, uninstrument

__all__ = [
    "Agent",
    "ApiCall",
    "ConfigurationError",
    "LlmCall",
    "PulseGuardError",
    "Task",
    "Tool",
    "__version__",
    "instrument",
    "uninstrument",
]

__version__ = VERSION


def __getattr__(name: str) -> object:
    # On first use: an agent that calls its models by hand pays nothing for instrumentation.
    if name in ("instrument", "uninstrument"):
        from pulseguard import instrumentation

        return getattr(instrumentation, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
