"""The commands that the mends name, whole: an admin pastes them as they are."""

import shlex
from datetime import UTC, datetime, timedelta
from typing import Final

from pulseguard.doctor.subject import Subject

# Of a key of role enrolment; the registry takes 24 h at most.
_LASTING: Final = timedelta(hours=12)
_FILES: Final = {"agent": "agent.key", "enrolment": "enrolment.key"}


def make_key(subject: Subject) -> str:
    """Makes a key of role agent for the environment."""
    return f"`{_create(subject, 'agent')}`"


def make_enrolment_key(subject: Subject) -> str:
    """Makes a key that enrols agents of the environment, for half a day from now on."""
    until = (datetime.now(UTC) + _LASTING).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"`{_create(subject, 'enrolment')} --expires-at {until}`"


def restore(agent_id: str) -> str:
    """Brings a retired agent back."""
    return f"`pulseguard agents restore {agent_id}`"


def _create(subject: Subject, role: str) -> str:
    environment = subject.found.settings.environment
    words = ["pulseguard", "keys", "create", f"{environment} agents", "--role", role]
    words += ["--environment", environment, "--registry-url", subject.registry_url]
    return shlex.join([*words, "--out", _FILES[role]])
