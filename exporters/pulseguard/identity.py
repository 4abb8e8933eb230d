"""The id of an agent, as every registry computes it: known before, and without, any of them."""

from typing import Final

# The registry's own; fixed, since another one would give every agent a new id.
_NAMESPACE: Final = "6f9a1c9e-0c61-5c0b-9f0a-7d3c2f4b8e11"


def compute_agent_id(environment: str, name: str, instance: str) -> str:
    """A UUID version 5 (RFC 9562) of the three that make an agent who it is."""
    # Here: only a scrape that names an agent asks, and all pay for an import.
    import json
    import uuid

    return str(uuid.uuid5(uuid.UUID(_NAMESPACE), json.dumps([environment, name, instance])))
