"""The chain from an agent's settings to Prometheus: each link is asked of whoever knows it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from pulseguard.description import host_name
from pulseguard.doctor.agents import Agents, titles
from pulseguard.doctor.link import Link, Name, broken, holds, listed
from pulseguard.doctor.registry import Known, Registry
from pulseguard.doctor.settings import Found
from pulseguard.doctor.web import Answer, NoAnswer
from pulseguard.errors import ConfigurationError
from pulseguard.identity import compute_agent_id
from pulseguard.key_file import read_secret_file
from pulseguard.reporting.client import RegistryClient
from pulseguard.reporting.keys import ENROLS, Keys, own_key_path
from pulseguard.settings import variable

_ANY_PORT: Final = 9464
# Stands in a check for an agent that was not named; a check stores nothing.
_NOBODY: Final = "pulseguard-doctor"
_KEY_MEND: Final = (
    "an admin makes a key of role agent for this environment (POST /api/v1/keys); put it into the"
    " file that PULSEGUARD_KEY_FILE names"
)
_RETIRED_MEND: Final = (
    "an operator brings it back: `pulseguard agents restore {}`; then it is enrolled again, with a"
    " key of role enrolment that has not ended, within a minute or at its next start"
)
_RESTORED_MEND: Final = (
    "`pulseguard agents restore {}` brings it back, one with a key of its own once it is enrolled"
    " again; with a key of role agent, starting it does too"
)
_OWN_MEND: Final = (
    "say --name, --instance and --environment as the agent has them, run the doctor as its user and"
    " with its PULSEGUARD_KEY_FOLDER, or give it a key of role agent or editor: --key-file"
)
_BOUND_MEND: Final = (
    "say --environment and --team as the agent's program has them, or give it a key of role agent"
    " that speaks for them"
)


def walk(found: Found, name: str | None) -> Iterator[Link]:
    """Every link in its order; behind one that is broken for all agents nothing more is asked."""
    agents = Agents(found)
    chain = _Chain(found, name, agents)
    steps: dict[Name, Callable[[], Link]] = {
        "settings": chain.settings,
        "registry": chain.registry,
        "key": chain.key,
        "address": chain.address,
        "registered": chain.registered,
        "metrics": agents.metrics,
        "discovered": agents.discovered,
        "scraped": agents.scraped,
    }
    has_ended = False
    for step, look in steps.items():
        if has_ended:
            yield Link(step, "not checked", "")
            continue
        link = _looked(step, look)
        has_ended = link.state == "broken" and not link.goes_on
        yield link


def _looked(name: Name, look: Callable[[], Link]) -> Link:
    try:
        return look()
    except NoAnswer as error:
        return broken(name, f"{error}", "it answered a moment ago; try again")


class _Chain:
    """What one link finds out, the next ones use."""

    def __init__(self, found: Found, name: str | None, examined: Agents) -> None:
        self._found = found
        self._settings = found.settings
        self._name = name
        self._registry = Registry(found.settings.registry_url or "", None)
        self._agents: Sequence[Known] = ()
        self._examined = examined
        self._refused: Mapping[str, str] = {}

    def settings(self) -> Link:
        """Whether a registry and a key are known at all."""
        found, settings = self._found, self._settings
        note = f"; {found.note}" if found.note else ""
        if settings.registry_url is None:
            return broken(
                "settings",
                f"no registry is known{note}",
                "run `make up`, or set PULSEGUARD_REGISTRY_URL and PULSEGUARD_KEY_FILE",
            )
        registry = f"registry {settings.registry_url} ({found.origin('registry_url')})"
        environment = f"environment {settings.environment} ({found.origin('environment')})"
        if settings.key:
            key = f"a key ({found.origin('key')})"
        elif settings.key_file:
            key = f"the key in {settings.key_file} ({found.origin('key_file')})"
        else:
            return broken("settings", f"{registry}, no key{note}", _KEY_MEND)
        return holds("settings", f"{registry}, {key}, {environment}{note}")

    def registry(self) -> Link:
        """Whether a registry answers, and can do its work."""
        url = self._registry.url
        start = "start it with `make up` or `pulseguard registry serve`"
        try:
            answer = self._registry.health()
        except NoAnswer as error:
            mend = f"{start}, or mend PULSEGUARD_REGISTRY_URL"
            return broken("registry", f"{url}: {error}", mend)
        if not answer.ok or answer.fields().get("status") != "alive":
            said = f"what answers at {url} is no PulseGuard registry"
            return broken("registry", said, "mend PULSEGUARD_REGISTRY_URL: http://host:port")
        ready = self._registry.readiness()
        if not ready.ok:
            mend = "mend its database; it goes on by itself as soon as that answers"
            return broken("registry", f"{url} is not ready: {ready.detail}", mend)
        return holds("registry", f"{url} is ready, version {answer.fields().get('version')}")

    def key(self) -> Link:
        """Whether the key may register agents of this environment and team."""
        complaints: list[ConfigurationError] = []
        own_path = self._own_key_path()
        folder = variable("key_folder")
        try:
            key = Keys(self._read_key, lambda: own_path, complaints.append, folder).read()
        except ConfigurationError as error:
            return broken("key", str(error), _KEY_MEND)
        if key is not None and key.startswith(ENROLS):
            why = str(complaints[0]) if complaints else f"there is no {own_path}"
            said = f"the key enrols agents and may not look at them; of the agent's own: {why}"
            return broken("key", said, _OWN_MEND)
        self._registry = Registry(self._registry.url, key)
        answer = self._registry.check(self._registration(None))
        if retired := _retired_by(answer):
            said = f"agent {retired} is retired, and its own key ended with it"
            return broken("key", said, _RETIRED_MEND.format(retired))
        if not answer.ok:
            mend = _BOUND_MEND if answer.status == 403 else _KEY_MEND
            return broken("key", f"the registry answers {answer.status}: {answer.detail}", mend)
        environment = self._settings.environment
        return holds("key", f"accepted; it may register agents of environment {environment}")

    def address(self) -> Link:
        """Whether the registry lets Prometheus be sent to where the agents are."""
        self._agents = self._registry.agents(self._settings.environment, self._name)
        addresses = [agent.metrics_address for agent in self._matching() if agent.metrics_address]
        told = {"metrics_advertise", "metrics_host"} & self._found.origins.keys()
        if told or not addresses:
            addresses.append(self._own_address())
        asked = {each: self._registry.check(self._registration(each)) for each in set(addresses)}
        self._refused = {each: answer.detail for each, answer in asked.items() if not answer.ok}
        if not self._refused:
            return holds("address", f"{listed(sorted(asked))} may be scraped")
        mend = (
            "set PULSEGUARD_METRICS_HOST (what is listened on) or"
            " PULSEGUARD_METRICS_ADVERTISE (host:port as others reach it)"
        )
        said = [f"{each} is refused: {why}" for each, why in sorted(self._refused.items())]
        return broken("address", listed(said), mend, goes_on=bool(self._allowed()))

    def registered(self) -> Link:
        """Whether the registry knows the agent, and it has not said goodbye."""
        where = f"in environment {self._settings.environment}"
        wanted = f"agent {self._name}" if self._name else "agent"
        start = (
            "start it, with agent.start(); its log (logger `pulseguard`) says what the registry"
            " answered"
        )
        if retired := self._retired():
            mend = _RESTORED_MEND.format(retired[0].agent_id)
            return broken("registered", f"{titles(retired)} is retired", mend)
        if not self._agents:
            return broken("registered", f"no {wanted} is registered {where}", start)
        matching = self._matching()
        if not matching:
            others = listed([agent.instance for agent in self._agents])
            said = f"{wanted} has no instance {self._settings.instance}, but {others}"
            return broken("registered", said, "give one of these with --instance")
        allowed = self._allowed()
        chosen = [agent for agent in allowed if agent.reason != "stopped"]
        if not chosen:
            said = f"{titles(allowed)} said goodbye: stopped"
            return broken("registered", said, "start it again")
        self._examined.choose(chosen)
        return holds("registered", listed([_described(agent) for agent in chosen]))

    def _read_key(self) -> str | None:
        settings = self._settings
        if settings.key or settings.key_file is None:
            return settings.key
        return read_secret_file(self._found.spelled("key_file"), settings.key_file)

    def _own_key_path(self) -> Path:
        """Where the agent keeps its own key, if a key of role enrolment was given to it."""
        settings, name = self._settings, self._name or _NOBODY
        agent_id = compute_agent_id(settings.environment, name, self._instance())
        return own_key_path(settings.key_folder, self._registry.url, agent_id)

    def _instance(self) -> str:
        return self._settings.instance or f"{host_name()[:100]}-0"

    def _registration(self, address: str | None) -> dict[str, object]:
        settings = self._settings
        return {
            "name": self._name or _NOBODY,
            "instance": self._instance(),
            "environment": settings.environment,
            "team": settings.team,
            "metrics_address": address,
        }

    def _own_address(self) -> str:
        """The address that an agent with these settings would give to the registry."""
        settings = self._settings
        if settings.metrics_advertise:
            return settings.metrics_advertise
        host = settings.metrics_host
        if host in ("", "0.0.0.0", "::"):
            host = RegistryClient(self._registry.url).local_address()
        return f"{f'[{host}]' if ':' in host else host}:{settings.metrics_port or _ANY_PORT}"

    def _matching(self) -> Sequence[Known]:
        wanted = self._settings.instance
        return [agent for agent in self._agents if wanted in (None, agent.instance)]

    def _retired(self) -> Sequence[Known]:
        """Who is meant and retired, where nobody else is meant."""
        if self._name is None or self._matching():
            return ()
        wanted, known = self._settings, self._registry
        found = known.retired(wanted.environment, self._name)
        return [agent for agent in found if wanted.instance in (None, agent.instance)]

    def _allowed(self) -> Sequence[Known]:
        """Those of them whose address is not refused."""
        return [each for each in self._matching() if each.metrics_address not in self._refused]


def _retired_by(answer: Answer) -> str | None:
    """The agent whose own key this was until it was retired, if the registry refuses so."""
    faults = answer.fields().get("errors")
    for fault in faults if answer.status == 401 and isinstance(faults, list) else ():
        if isinstance(fault, dict) and fault.get("field") == "agent_id":
            return str(fault.get("value"))
    return None


def _described(agent: Known) -> str:
    return f"{agent.title} is {' '.join(filter(None, (agent.status, agent.reason)))}"
