"""What the registry is asked: whether it is one, what it thinks of a key, and whom it knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pulseguard.doctor.web import Answer, NoAnswer, ask

_LIMIT: Final = "500"
_MOST_PAGES: Final = 200


@dataclass(frozen=True)
class Known:
    """An agent as the registry knows it."""

    agent_id: str
    name: str
    instance: str
    host: str
    status: str
    reason: str
    metrics_address: str | None

    @property
    def title(self) -> str:
        """How it is called in a sentence."""
        return f"{self.name}/{self.instance}"


class Registry:
    """One registry, asked with one key."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url = url
        self._key = key

    def health(self) -> Answer:
        """Whether it lives; NoAnswer where nothing does."""
        return ask(f"{self.url}/api/v1/health")

    def readiness(self) -> Answer:
        """Whether it can do its work."""
        return ask(f"{self.url}/api/v1/health/ready")

    def check(self, registration: Mapping[str, object]) -> Answer:
        """What registering so would be answered; nothing is registered."""
        return ask(f"{self.url}/api/v1/agents/check", key=self._key, body=registration)

    def agents(self, environment: str, name: str | None) -> Sequence[Known]:
        """The agents of an environment, or those of one name in it, that were not retired."""
        return self._agents(environment, {"name": name} if name else {})

    def health_of(self, agent_id: str) -> Answer:
        """What it says of this agent: its status, what does not fit, and whether it has a key."""
        return ask(f"{self.url}/api/v1/agents/{agent_id}/health", key=self._key)

    def retired(self, environment: str, name: str) -> Sequence[Known]:
        """Those of this name that were retired."""
        found = self._agents(environment, {"name": name, "include_retired": "true"})
        return [agent for agent in found if agent.reason == "retired"]

    def _agents(self, environment: str, chosen: Mapping[str, str]) -> Sequence[Known]:
        query = {"environment": environment, "limit": _LIMIT, **chosen}
        found: list[Known] = []
        for _ in range(_MOST_PAGES):
            answer = ask(f"{self.url}/api/v1/agents", key=self._key, query=query)
            page = answer.fields()
            items = page.get("items")
            if not answer.ok or not isinstance(items, list):
                raise NoAnswer(f"it answers {answer.status}: {answer.detail}")
            found += [_known(item) for item in items]
            if not page.get("next_cursor"):
                break
            query["cursor"] = str(page["next_cursor"])
        return found


# Any: an object of the registry's API, as JSON gives it.
def _known(item: Mapping[str, Any]) -> Known:
    return Known(
        item["id"],
        item["name"],
        item["instance"],
        item["host"],
        item["status"],
        item["status_reason"] or "",
        item["metrics_address"],
    )
