"""The link of the key: the one that the agent would use, and what the registry says to it."""

from typing import Final

from pulseguard.doctor import commands
from pulseguard.doctor.link import Link, broken, holds
from pulseguard.doctor.registry import Registry
from pulseguard.doctor.subject import Subject
from pulseguard.doctor.web import Answer
from pulseguard.errors import ConfigurationError
from pulseguard.key_file import read_secret_file
from pulseguard.reporting.keys import ENROLS, Keys
from pulseguard.settings import variable

_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_OWN_MEND: Final = (
    "say --name, --instance and --environment as the agent has them, run the doctor as its user and"
    " with its PULSEGUARD_KEY_FOLDER, or give it a key of role agent or editor: --key-file"
)
_AGAIN_MEND: Final = (
    "start the agent, or leave it running: it is enrolled again as soon as it has been silent for"
    " as long as makes it OFFLINE"
)
_FILE: Final = "the file that PULSEGUARD_KEY_FILE names"


class KeyCheck:
    """Finds the key as the agent does; `registry` is then the one that is asked with it."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.registry = Registry(subject.registry_url, None)

    def look(self) -> Link:
        """Whether the key may register agents of this environment and team."""
        subject = self._subject
        complaints: list[ConfigurationError] = []
        keys = Keys(self._read_set, subject.own_key_path, complaints.append, variable("key_folder"))
        try:
            given, key = self._read_set(), keys.read()
        except ConfigurationError as error:
            return broken("key", str(error), self._mend())
        if key is not None and key.startswith(ENROLS):
            return self._not_enrolled(key, complaints)
        self.registry = Registry(subject.registry_url, key)
        answer = self.registry.check(subject.registration(None))
        if retired := _retired_by(answer):
            said = f"agent {retired} is retired, and its own key ended with it"
            return broken("key", said, _restoring(retired))
        if answer.status == _UNAUTHORIZED and key != given:
            return self._to_be_enrolled(given, answer)
        if not answer.ok:
            return broken("key", f"the registry {_words(answer)}", self._mend(answer))
        environment = subject.found.settings.environment
        return holds("key", f"accepted; it may register agents of environment {environment}")

    def _not_enrolled(self, key: str, complaints: list[ConfigurationError]) -> Link:
        """The agent has no key of its own that can be used: only the one that enrols it."""
        answer = self._check(key)
        if not answer.ok:
            said = f"to the key of role enrolment the registry {_words(answer)}"
            return broken("key", said, enrolment_mend(self._subject))
        path = self._subject.own_key_path()
        why = str(complaints[0]) if complaints else f"there is no {path}"
        said = f"the key enrols agents and may not look at them; of the agent's own: {why}"
        return broken("key", said, _OWN_MEND)

    def _to_be_enrolled(self, given: str | None, refused: Answer) -> Link:
        """The agent's own key has ended: what it then meets with the one that enrols it."""
        path, answer = self._subject.own_key_path(), self._check(given)
        said = f"to the agent's own key, in {path}, the registry {_words(refused)}"
        if answer.ok:
            taken = f"{said}. The key of role enrolment that is set is accepted"
            return broken("key", taken, _AGAIN_MEND)
        refused_too = f"{said}. To the key of role enrolment that is set it {_words(answer)}"
        return broken("key", refused_too, enrolment_mend(self._subject))

    def _check(self, key: str | None) -> Answer:
        return Registry(self.registry.url, key).check(self._subject.registration(None))

    def _mend(self, answer: Answer | None = None) -> str:
        if answer is None or answer.status != _FORBIDDEN:
            return key_mend(self._subject)
        return (
            "say --environment and --team as the agent's program has them, or give it a key of role"
            f" agent that speaks for them; an admin makes one: {commands.make_key(self._subject)}"
        )

    def _read_set(self) -> str | None:
        found = self._subject.found
        if found.settings.key or found.settings.key_file is None:
            return found.settings.key
        return read_secret_file(found.spelled("key_file"), found.settings.key_file)


def key_mend(subject: Subject) -> str:
    """What to do where the agent has no key that is taken."""
    return (
        "an admin makes a key of role agent for this environment:"
        f" {commands.make_key(subject)}; what it writes belongs into {_FILE}"
    )


def enrolment_mend(subject: Subject) -> str:
    """What to do where the agent is to be enrolled, and has no key for that which is taken."""
    return (
        "an admin makes a new key of role enrolment:"
        f" {commands.make_enrolment_key(subject)}; what it writes belongs into {_FILE}, as the"
        " agent has it; then start the agent again"
    )


def _restoring(agent_id: str) -> str:
    return (
        f"an operator brings it back: {commands.restore(agent_id)}; then it is enrolled again, with"
        " a key of role enrolment that has not ended, within a minute or at its next start"
    )


def _words(answer: Answer) -> str:
    return f"answers {answer.status}: {answer.detail}"


def _retired_by(answer: Answer) -> str | None:
    """The agent whose own key this was until it was retired, if the registry refuses so."""
    faults = answer.fields().get("errors")
    for fault in faults if answer.status == _UNAUTHORIZED and isinstance(faults, list) else ():
        if isinstance(fault, dict) and fault.get("field") == "agent_id":
            return str(fault.get("value"))
    return None
