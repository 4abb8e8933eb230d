"""The chain from an agent's settings to Prometheus: each link is asked of whoever knows it."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from pulseguard.doctor import commands
from pulseguard.doctor.agents import Agents, titles
from pulseguard.doctor.health import health
from pulseguard.doctor.keys import KeyCheck, key_mend
from pulseguard.doctor.link import Link, Name, broken, holds, listed
from pulseguard.doctor.registry import Known, Registry
from pulseguard.doctor.settings import Found
from pulseguard.doctor.subject import Subject
from pulseguard.doctor.web import NoAnswer


def walk(found: Found, name: str | None) -> Iterator[Link]:
    """Every link in its order; behind one that is broken for all agents nothing more is asked."""
    agents = Agents(found)
    chain = _Chain(Subject(found, name), agents)
    steps: dict[Name, Callable[[], Link]] = {
        "settings": chain.settings,
        "registry": chain.registry,
        "key": chain.key,
        "address": chain.address,
        "registered": chain.registered,
        "metrics": agents.metrics,
        "discovered": agents.discovered,
        "scraped": agents.scraped,
        "health": chain.health,
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

    def __init__(self, subject: Subject, examined: Agents) -> None:
        self._subject = subject
        self._found = subject.found
        self._settings = subject.found.settings
        self._name = subject.name
        self._registry = Registry(subject.registry_url, None)
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
            return broken("settings", f"{registry}, no key{note}", key_mend(self._subject))
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
        check = KeyCheck(self._subject)
        link = check.look()
        self._registry = check.registry
        return link

    def address(self) -> Link:
        """Whether the registry lets Prometheus be sent to where the agents are."""
        self._agents = self._registry.agents(self._settings.environment, self._name)
        addresses = [agent.metrics_address for agent in self._matching() if agent.metrics_address]
        told = {"metrics_advertise", "metrics_host"} & self._found.origins.keys()
        if told or not addresses:
            addresses.append(self._subject.own_address())
        registration, check = self._subject.registration, self._registry.check
        asked = {each: check(registration(each)) for each in set(addresses)}
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
            said = f"{titles(retired)} is retired"
            return broken("registered", said, _restoring(retired[0].agent_id))
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

    def health(self) -> Link:
        """What the registry itself says of those that are left."""
        return health(self._subject, self._registry, self._examined.left)

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


def _restoring(agent_id: str) -> str:
    return (
        f"{commands.restore(agent_id)} brings it back, one with a key of its own once it is"
        " enrolled again; with a key of role agent, starting it does too"
    )


def _described(agent: Known) -> str:
    return f"{agent.title} is {' '.join(filter(None, (agent.status, agent.reason)))}"
