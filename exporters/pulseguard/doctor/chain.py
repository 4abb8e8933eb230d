"""The chain from an agent's settings to Prometheus: each link is asked of whoever knows it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pulseguard.description import host_name
from pulseguard.doctor import pages
from pulseguard.doctor.link import Link, Name, broken, holds, unknown
from pulseguard.doctor.prometheus import Target, read_targets
from pulseguard.doctor.registry import Known, Registry
from pulseguard.doctor.settings import Found
from pulseguard.doctor.web import NoAnswer
from pulseguard.key_file import read_key_file
from pulseguard.reporting.client import RegistryClient

_MOST_NAMED: Final = 5
_ANY_PORT: Final = 9464
# Stands in a check for an agent that was not named; a check stores nothing.
_NOBODY: Final = "pulseguard-doctor"
_KEY_MEND: Final = (
    "an admin makes a key of role agent for this environment (POST /api/v1/keys); put it into the"
    " file that PULSEGUARD_KEY_FILE names"
)
_BOUND_MEND: Final = (
    "say --environment and --team as the agent's program has them, or give it a key of role agent"
    " that speaks for them"
)


def walk(found: Found, name: str | None) -> Iterator[Link]:
    """Every link in its order; behind the first broken one nothing is asked any more."""
    chain = _Chain(found, name)
    steps: dict[Name, Callable[[], Link]] = {
        "settings": chain.settings,
        "registry": chain.registry,
        "key": chain.key,
        "address": chain.address,
        "registered": chain.registered,
        "metrics": chain.metrics,
        "discovered": chain.discovered,
        "scraped": chain.scraped,
    }
    is_broken = False
    for step, look in steps.items():
        if is_broken:
            yield Link(step, "not checked", "")
            continue
        link = _looked(step, look)
        is_broken = link.state == "broken"
        yield link


def _looked(name: Name, look: Callable[[], Link]) -> Link:
    try:
        return look()
    except NoAnswer as error:
        return broken(name, f"{error}", "it answered a moment ago; try again")


class _Chain:
    """What one link finds out, the next ones use."""

    def __init__(self, found: Found, name: str | None) -> None:
        self._found = found
        self._settings = found.settings
        self._name = name
        self._registry = Registry(found.settings.registry_url or "", None)
        self._agents: Sequence[Known] = ()
        self._chosen: Sequence[Known] = ()
        self._targets: dict[str, Target] | None = None
        self._silence = ""

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
        try:
            key = self._read_key()
        except OSError as error:
            said = f"{self._settings.key_file} cannot be read ({error.strerror})"
            return broken("key", said, _KEY_MEND)
        if not key or not key.isascii() or not key.isprintable():
            return broken("key", f"{self._settings.key_file} holds no key", _KEY_MEND)
        self._registry = Registry(self._registry.url, key)
        answer = self._registry.check(self._registration(None))
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
        for address in sorted(set(addresses)):
            answer = self._registry.check(self._registration(address))
            if not answer.ok:
                mend = (
                    "set PULSEGUARD_METRICS_HOST (what is listened on) or"
                    " PULSEGUARD_METRICS_ADVERTISE (host:port as others reach it)"
                )
                return broken("address", f"{address} is refused: {answer.detail}", mend)
        return holds("address", f"{_listed(sorted(set(addresses)))} may be scraped")

    def registered(self) -> Link:
        """Whether the registry knows the agent, and it has not said goodbye."""
        where = f"in environment {self._settings.environment}"
        wanted = f"agent {self._name}" if self._name else "agent"
        start = (
            "start it, with agent.start(); its log (logger `pulseguard`) says what the registry"
            " answered"
        )
        if not self._agents:
            return broken("registered", f"no {wanted} is registered {where}", start)
        matching = self._matching()
        if not matching:
            others = _listed([agent.instance for agent in self._agents])
            said = f"{wanted} has no instance {self._settings.instance}, but {others}"
            return broken("registered", said, "give one of these with --instance")
        self._chosen = [agent for agent in matching if agent.reason != "stopped"]
        if not self._chosen:
            said = f"{_titles(matching)} said goodbye: stopped"
            return broken("registered", said, "start it again")
        return holds("registered", _listed([_described(agent) for agent in self._chosen]))

    def metrics(self) -> Link:
        """Whether /metrics answers where the registry sends Prometheus."""
        closed = [agent for agent in self._chosen if agent.metrics_address is None]
        if closed:
            said = f"{_titles(closed)} registered without an address: /metrics is not open"
            mend = "its log says why; PULSEGUARD_METRICS_PORT=0 takes any free port"
            return broken("metrics", said, mend)
        faults = pages.faults(self._chosen)
        silent = [agent for agent in self._chosen if agent.agent_id in faults]
        if not silent:
            addresses = [agent.metrics_address or "" for agent in self._chosen]
            return holds("metrics", f"{_listed(addresses)} answers")
        said = _listed([f"{agent.title} at {faults[agent.agent_id]}" for agent in silent])
        here = [agent for agent in silent if agent.host == host_name()]
        if here:
            mend = "is the agent still running? start it again, or see its log"
            return broken("metrics", said, mend)
        return unknown("metrics", said, "it is on another host: see whether Prometheus reaches it")

    def discovered(self) -> Link:
        """Whether Prometheus has the agents in its list of targets."""
        url = self._found.prometheus_url
        if url is None:
            said = "the registry offers it; Prometheus was not asked, its address is not known"
            return unknown("discovered", said, "give --prometheus-url http://host:port")
        try:
            self._targets = dict(read_targets(url))
        except NoAnswer as error:
            mend = "start it with `make up`, or mend --prometheus-url"
            return broken("discovered", f"Prometheus at {url}: {error}", mend)
        missing = [agent for agent in self._chosen if agent.agent_id not in self._targets]
        if missing:
            said = f"Prometheus at {url} has no target for {_titles(missing)}"
            mend = (
                "it takes up to 10 s after registration; then see that `pulseguard sync` runs"
                " beside this Prometheus and writes the file that its prometheus.yml reads"
            )
            return broken("discovered", said, mend)
        return holds("discovered", f"Prometheus at {url} has {_titles(self._chosen)}")

    def scraped(self) -> Link:
        """Whether Prometheus' last scrape of each went well."""
        if self._targets is None:
            return unknown("scraped", "Prometheus was not asked", "give --prometheus-url")
        targets = {agent: self._targets[agent.agent_id] for agent in self._chosen}
        failing = {agent: each for agent, each in targets.items() if each.health == "down"}
        if failing:
            errors = [f"{agent.title}: {each.last_error}" for agent, each in failing.items()]
            mend = (
                "the address must be reachable from where Prometheus runs, and the answer within"
                " the limits of its prometheus.yml"
            )
            return broken("scraped", f"the last scrape failed: {_listed(errors)}", mend)
        waiting = [agent for agent, each in targets.items() if each.health != "up"]
        if waiting:
            said = f"{_titles(waiting)} was not scraped yet"
            return unknown("scraped", said, "try again after one scrape interval")
        return holds("scraped", f"the last scrape of {_titles(self._chosen)} went well")

    def _read_key(self) -> str | None:
        settings = self._settings
        return settings.key or (read_key_file(settings.key_file) if settings.key_file else None)

    def _registration(self, address: str | None) -> dict[str, object]:
        settings = self._settings
        return {
            "name": self._name or _NOBODY,
            "instance": settings.instance or f"{host_name()[:100]}-0",
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
            host = RegistryClient(self._registry.url, lambda: None).local_address()
        return f"{f'[{host}]' if ':' in host else host}:{settings.metrics_port or _ANY_PORT}"

    def _matching(self) -> Sequence[Known]:
        wanted = self._settings.instance
        return [agent for agent in self._agents if wanted in (None, agent.instance)]


def _titles(agents: Sequence[Known]) -> str:
    return _listed([agent.title for agent in agents])


def _described(agent: Known) -> str:
    return f"{agent.title} is {' '.join(filter(None, (agent.status, agent.reason)))}"


def _listed(words: Sequence[str]) -> str:
    more = len(words) - _MOST_NAMED
    return ", ".join(words[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
