"""Whether /metrics of agents answers, seen from this machine."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final

from pulseguard.catalog import AGENT_INFO
from pulseguard.doctor.registry import Known
from pulseguard.doctor.web import NoAnswer, ask
from pulseguard.scraping.answer import AGENT_PARAMETER, ANOTHER_AGENT, PATH

_AT_ONCE: Final = 16


@dataclass(frozen=True)
class Fault:
    """Why an agent does not answer as itself; `is_closed` where it is for want of its token."""

    said: str
    is_closed: bool = False


def faults(agents: Sequence[Known], token: str | None) -> Mapping[str, Fault]:
    """Those agents, by id, that do not answer as themselves at their address, with the reason."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = zip(agents, pool.map(partial(_fault, token=token), agents), strict=True)
        return {agent.agent_id: fault for agent, fault in found if fault is not None}


def _fault(agent: Known, token: str | None) -> Fault | None:
    url = f"http://{agent.metrics_address}{PATH}"
    query = {AGENT_PARAMETER: agent.agent_id}
    try:
        answer = ask(url, query=query)
        # Only who wants a token gets to see it.
        if answer.status == HTTPStatus.UNAUTHORIZED and token is not None:
            answer = ask(url, key=token, query=query)
    except (NoAnswer, ValueError) as error:
        return Fault(str(error))
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return Fault("it answers 401", is_closed=True)
    if answer.status == HTTPStatus.NOT_FOUND and ANOTHER_AGENT.encode() in answer.content:
        return Fault(ANOTHER_AGENT)
    if not answer.ok:
        return Fault(f"it answers {answer.status}")
    if AGENT_INFO.name.encode() not in answer.content:
        return Fault("what answers there is no agent of PulseGuard")
    return None
