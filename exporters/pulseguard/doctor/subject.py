"""Whom the doctor is asked about: the agent that would be started with these settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pulseguard.description import host_name
from pulseguard.doctor.settings import Found
from pulseguard.identity import compute_agent_id
from pulseguard.reporting.client import RegistryClient
from pulseguard.reporting.keys import own_key_path

_ANY_PORT: Final = 9464
# Stands in a check for an agent that was not named; a check stores nothing.
_NOBODY: Final = "pulseguard-doctor"


@dataclass(frozen=True)
class Subject:
    """An agent by its settings; `name` is None where all of the environment are meant."""

    found: Found
    name: str | None

    @property
    def registry_url(self) -> str:
        """Its registry; empty where none is known."""
        return self.found.settings.registry_url or ""

    def registration(self, address: str | None) -> Mapping[str, object]:
        """What it would say of itself at this address."""
        settings = self.found.settings
        return {
            "name": self.name or _NOBODY,
            "instance": self._instance(),
            "environment": settings.environment,
            "team": settings.team,
            "metrics_address": address,
        }

    def own_key_path(self) -> Path:
        """Where it keeps its own key, if a key of role enrolment was given to it."""
        settings, name = self.found.settings, self.name or _NOBODY
        agent_id = compute_agent_id(settings.environment, name, self._instance())
        return own_key_path(settings.key_folder, self.registry_url, agent_id)

    def own_address(self) -> str:
        """The address that it would give to the registry."""
        settings = self.found.settings
        if settings.metrics_advertise:
            return settings.metrics_advertise
        host = settings.metrics_host
        if host in ("", "0.0.0.0", "::"):
            host = RegistryClient(self.registry_url).local_address()
        return f"{f'[{host}]' if ':' in host else host}:{settings.metrics_port or _ANY_PORT}"

    def _instance(self) -> str:
        return self.found.settings.instance or f"{host_name()[:100]}-0"
