"""Whether /metrics of agents answers, seen from this machine."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pulseguard.catalog import AGENT_INFO
from pulseguard.doctor.web import NoAnswer, ask
from pulseguard.scrape_answer import PATH

_AT_ONCE: Final = 16


def faults(addresses: Sequence[str]) -> dict[str, str]:
    """Those addresses (host:port) that do not answer as an agent does, each with the reason."""
    unique = sorted(set(addresses))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = zip(unique, pool.map(_fault, unique), strict=True)
        return {address: f"{address}: {fault}" for address, fault in found if fault}


def _fault(address: str) -> str:
    try:
        answer = ask(f"http://{address}{PATH}")
    except (NoAnswer, ValueError) as error:
        return str(error)
    if not answer.ok:
        return f"it answers {answer.status}"
    if AGENT_INFO.name.encode() not in answer.content:
        return "what answers there is no agent of PulseGuard"
    return ""
