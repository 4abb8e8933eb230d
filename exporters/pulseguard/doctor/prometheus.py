"""What Prometheus is asked: which agents are its targets, and how their scrapes go."""

from collections.abc import Mapping
from dataclasses import dataclass

from pulseguard.catalog import LABEL_AGENT_ID
from pulseguard.doctor.web import NoAnswer, ask


@dataclass(frozen=True)
class Target:
    """An agent in Prometheus' list; health is up, down, or unknown before the first scrape."""

    health: str
    last_error: str


def read_targets(url: str) -> Mapping[str, Target]:
    """The targets by agent id; NoAnswer says why there is no list."""
    answer = ask(f"{url}/api/v1/targets", query={"state": "active"})
    data = answer.fields().get("data")
    active = data.get("activeTargets") if isinstance(data, dict) else None
    if not answer.ok or not isinstance(active, list):
        raise NoAnswer(f"what answers there is no Prometheus (status {answer.status})")
    return {
        each["labels"][LABEL_AGENT_ID]: Target(each["health"], each["lastError"])
        for each in active
        if each["labels"].get(LABEL_AGENT_ID)
    }
