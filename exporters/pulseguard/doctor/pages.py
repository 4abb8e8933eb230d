"""Whether /metrics of agents answers, seen from this machine."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Final

from pulseguard.catalog import AGENT_INFO
from pulseguard.doctor.registry import Known
from pulseguard.doctor.web import NoAnswer, ask
from pulseguard.scraping.answer import AGENT_PARAMETER, ANOTHER_AGENT, PATH

_AT_ONCE: Final = 16


def faults(agents: Sequence[Known]) -> dict[str, str]:
    """Those agents, by id, that do not answer as themselves at their address, with the reason."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = zip(agents, pool.map(_fault, agents), strict=True)
        return {each.agent_id: f"{each.metrics_address}: {fault}" for each, fault in found if fault}


def _fault(agent: Known) -> str:
    url = f"http://{agent.metrics_address}{PATH}"
    try:
        answer = ask(url, query={AGENT_PARAMETER: agent.agent_id})
    except (NoAnswer, ValueError) as error:
        return str(error)
    if answer.status == HTTPStatus.NOT_FOUND and ANOTHER_AGENT.encode() in answer.content:
        return ANOTHER_AGENT
    if not answer.ok:
        return f"it answers {answer.status}"
    if AGENT_INFO.name.encode() not in answer.content:
        return "what answers there is no agent of PulseGuard"
    return ""
