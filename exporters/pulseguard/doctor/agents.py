"""The links of the agents themselves: each is looked at on its own, and none keeps others back."""

from collections.abc import Mapping, Sequence
from typing import Final

from pulseguard.description import host_name
from pulseguard.doctor import pages
from pulseguard.doctor.link import Link, broken, holds, listed, unknown
from pulseguard.doctor.pages import Fault
from pulseguard.doctor.prometheus import Target, read_targets
from pulseguard.doctor.registry import Known
from pulseguard.doctor.settings import Found
from pulseguard.doctor.web import NoAnswer
from pulseguard.errors import ConfigurationError
from pulseguard.key_file import read_secret_file

_CLOSED_MEND: Final = "its log says why; PULSEGUARD_METRICS_PORT=0 takes any free port"
_DEAD_MEND: Final = (
    "is the agent still running? start it again, or see its log; one that is gone for good can be"
    " retired (docs/troubleshooting.md)"
)
_FAR_MEND: Final = "it is on another host: see whether Prometheus reaches it"
_TOKEN_MEND: Final = (
    "set PULSEGUARD_METRICS_TOKEN or PULSEGUARD_METRICS_TOKEN_FILE for the doctor as for the agent"
)
_SENDING_MEND: Final = (
    "let Prometheus send the token: authorization: {credentials_file: /path/of/token} in the job"
    " `agents` of its prometheus.yml. That of `make up` sends none; it reads"
    " prometheus/prometheus.yml at its start: write it there, then `make down` and `make up`"
)


class Agents:
    """The agents that are left: whom a link is broken for, the next one does not ask about."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._left: Sequence[Known] = ()
        self._targets: Mapping[str, Target] | None = None

    @property
    def left(self) -> Sequence[Known]:
        """Those for whom no link was broken yet."""
        return self._left

    def choose(self, agents: Sequence[Known]) -> None:
        """Look at these from now on."""
        self._left = agents

    def metrics(self) -> Link:
        """Whether /metrics answers where the registry sends Prometheus."""
        closed = [agent for agent in self._left if agent.metrics_address is None]
        asked = [agent for agent in self._left if agent.metrics_address is not None]
        token, trouble = self._token()
        faults = pages.faults(asked, token)
        silent = [agent for agent in asked if agent.agent_id in faults]
        locked = [agent for agent in silent if faults[agent.agent_id].is_closed]
        mute = [agent for agent in silent if agent not in locked]
        dead = [agent for agent in mute if agent.host == host_name()]
        far = [agent for agent in mute if agent not in dead]
        answering = [agent for agent in asked if agent not in silent]
        if not closed and not silent:
            return holds("metrics", f"{listed(_addresses(answering))} answers")
        without = f"{titles(closed)} registered without an address: /metrics is not open"
        findings = [
            (closed, without, _CLOSED_MEND),
            (dead, _faulty(dead, faults), _DEAD_MEND),
            (far, _faulty(far, faults), _FAR_MEND),
            (locked, f"{_faulty(locked, faults)}: {trouble}", self._token_mend()),
        ]
        found = [each for each in findings if each[0]]
        said = "; ".join([words for _, words, _ in found] + _others(answering))
        if len(found) == 1:
            mend = found[0][2]
        else:
            mend = "; ".join(f"{titles(agents)}: {mend}" for agents, _, mend in found)
        if closed or dead:
            return self._broken_for([*closed, *dead], Link("metrics", "broken", said, mend))
        return unknown("metrics", said, mend)

    def discovered(self) -> Link:
        """Whether Prometheus has the agents in its list of targets."""
        url = self._found.prometheus_url
        if url is None:
            said = "the registry offers it; Prometheus was not asked, its address is not known"
            return unknown("discovered", said, "give --prometheus-url http://host:port")
        try:
            self._targets = targets = read_targets(url)
        except NoAnswer as error:
            mend = "start it with `make up`, or mend --prometheus-url"
            return broken("discovered", f"Prometheus at {url}: {error}", mend)
        missing = [agent for agent in self._left if agent.agent_id not in targets]
        there = [agent for agent in self._left if agent not in missing]
        if not missing:
            return holds("discovered", f"Prometheus at {url} has {titles(there)}")
        said = f"Prometheus at {url} has no target for {titles(missing)}"
        mend = (
            "it takes up to 10 s after registration; then see that `pulseguard sync` runs"
            " beside this Prometheus and writes the file that its prometheus.yml reads"
        )
        said += f"; it has {titles(there)}" if there else ""
        return self._broken_for(missing, Link("discovered", "broken", said, mend))

    def scraped(self) -> Link:
        """Whether Prometheus' last scrape of each went well."""
        if self._targets is None:
            return unknown("scraped", "Prometheus was not asked", "give --prometheus-url")
        targets = {agent: self._targets[agent.agent_id] for agent in self._left}
        failing = {agent: each for agent, each in targets.items() if each.health == "down"}
        well = [agent for agent, each in targets.items() if each.health == "up"]
        if failing:
            errors = {f"{agent.title}: {each.last_error}": each for agent, each in failing.items()}
            said = "; ".join([f"the last scrape failed: {listed(list(errors))}", *_went(well)])
            mends = dict.fromkeys(_scrape_mend(each) for each in failing.values())
            link = Link("scraped", "broken", said, "; ".join(mends))
            return self._broken_for(list(failing), link)
        waiting = [agent for agent in self._left if agent not in well]
        if waiting:
            said = f"{titles(waiting)} was not scraped yet"
            return unknown("scraped", said, "try again after one scrape interval")
        return holds("scraped", *_went(well))

    def _broken_for(self, agents: Sequence[Known], link: Link) -> Link:
        self._left = [agent for agent in self._left if agent not in agents]
        return broken(link.name, link.said, link.mend, goes_on=bool(self._left))

    def _token_mend(self) -> str:
        # Where Prometheus is asked, the link `scraped` says whether it sends the token.
        if self._found.prometheus_url is not None:
            return _TOKEN_MEND
        return f"{_TOKEN_MEND}; {_SENDING_MEND}"

    def _token(self) -> tuple[str | None, str]:
        """The token, and what is to be said where an agent does not open to it."""
        settings, origin = self._found.settings, self._found.origin
        if settings.metrics_token:
            return settings.metrics_token, f"{origin('metrics_token')} is not its token"
        if settings.metrics_token_file is None:
            return None, "it wants its token, and none is set here"
        name = origin("metrics_token_file")
        try:
            token = read_secret_file(name, settings.metrics_token_file)
        except ConfigurationError as error:
            return None, f"it wants its token, and {error}"
        return token, f"what {name} holds is not its token"


def titles(agents: Sequence[Known]) -> str:
    """How they are called in a sentence."""
    return listed([agent.title for agent in agents])


def _addresses(agents: Sequence[Known]) -> Sequence[str]:
    return [agent.metrics_address or "" for agent in agents]


def _faulty(agents: Sequence[Known], faults: Mapping[str, Fault]) -> str:
    return listed(
        [
            f"{agent.title} at {agent.metrics_address}: {faults[agent.agent_id].said}"
            for agent in agents
        ]
    )


def _others(answering: Sequence[Known]) -> list[str]:
    if not answering:
        return []
    one = len(answering) == 1
    return ["1 other answers" if one else f"{len(answering)} others answer"]


def _went(well: Sequence[Known]) -> list[str]:
    return [f"the last scrape of {titles(well)} went well"] if well else []


def _scrape_mend(target: Target) -> str:
    if "status 401" in target.last_error:
        return _SENDING_MEND
    return (
        "the address must be reachable from where Prometheus runs, and the answer within"
        " the limits of its prometheus.yml"
    )
