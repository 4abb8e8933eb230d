"""The agents of a whole stack, and what the doctor says of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.end_to_end.conftest import Stack
from tests.end_to_end.processes import Started
from tests.exporters.examining import Verdict, doctor

NAME = "agent-under-test"


def named(stack: Stack) -> dict[str, str]:
    """Settings that name its registry and a key."""
    key_file = str(stack.agent_key_file)
    return {"PULSEGUARD_REGISTRY_URL": stack.registry_url, "PULSEGUARD_KEY_FILE": key_file}


def examine(stack: Stack, instance: str = "healthy", **environment: str) -> Verdict:
    """Examine an agent of the stack, with the settings that this agent has."""
    settings = {**named(stack), "PULSEGUARD_INSTANCE": instance, **environment}
    prometheus = ("--prometheus-url", stack.prometheus.url)
    return doctor("--name", NAME, *prometheus, "--json", **settings)


@contextmanager
def another_agent(stack: Stack, **environment: str) -> Iterator[Started]:
    """A second agent, ended afterwards."""
    agent = stack.start_agent(**environment)
    try:
        yield agent
    finally:
        agent.close()


def instances(stack: Stack) -> dict[str, str]:
    """The status of each instance, as the registry has it."""
    return {item["instance"]: item["status"] for item in listed(stack)}


def id_of(stack: Stack, instance: str) -> str:
    """The id of this instance."""
    (found,) = (each["id"] for each in listed(stack) if each["instance"] == instance)
    return str(found)


def retire(stack: Stack, instance: str) -> None:
    """Take out of the lists one whose goodbye was not taken."""
    stack.api(f"/api/v1/agents/{id_of(stack, instance)}", method="DELETE")


def listed(stack: Stack) -> list[dict[str, Any]]:
    """The agents that the registry lists."""
    return list(stack.api("/api/v1/agents")["items"])
