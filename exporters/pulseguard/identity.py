"""Who an agent is, as every registry computes it, and which process speaks for it."""

import os
from typing import Final, NamedTuple

from pulseguard.description import host_name

# The registry's own; fixed, since another one would give every agent a new id.
_NAMESPACE: Final = "6f9a1c9e-0c61-5c0b-9f0a-7d3c2f4b8e11"


_LONGEST_HOST: Final = 80


class Heard(NamedTuple):
    """As whom the registry has heard the agent beat: nobody else's goodbye would stop it."""

    agent_id: str
    process: str


def compute_agent_id(environment: str, name: str, instance: str) -> str:
    """A UUID version 5 (RFC 9562) of the three that make an agent who it is."""
    # Here: only a scrape that names an agent asks, and all pay for an import.
    import json
    import uuid

    return str(uuid.uuid5(uuid.UUID(_NAMESPACE), json.dumps([environment, name, instance])))


def name_reporter() -> str:
    """A name that nobody else has: two processes that report as one agent are told by it.

    Each reporter has its own: so has a forked child, and so has one that reports again after
    another process of its group. Who only says the last word says it as who was `Heard` before.
    """
    host = "".join(each for each in host_name() if "!" <= each <= "~")[:_LONGEST_HOST]
    return f"{host}:{os.getpid()}:{os.urandom(6).hex()}"
