"""The agent's side of PulseGuard: `Agent`, observed by Prometheus and known to the registry."""

from pulseguard.agent import Agent
from pulseguard.errors import ConfigurationError, PulseGuardError
from pulseguard.version import installed_version

__all__ = ["Agent", "ConfigurationError", "PulseGuardError", "__version__"]

__version__ = installed_version()
