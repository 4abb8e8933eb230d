"""What a deployment tells of itself: to people, to its admin, and in Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.second_week.month import AGENTS, Month

QUEUE_LONG = "QueueLong"
# The name of the alert, that of the agent, and whether it began or ended.
Told = tuple[str, str, str]


# Any: whatever is not as it is to be.
def wrong(month: Month) -> dict[str, Any]:
    """What is not well: all agents are to be ONLINE and scraped, the rule loaded, alerts told."""
    up = month.prometheus.query('up{job="agents"} == 1')
    syncs = month.get("/sync")["prometheus"]
    found: dict[str, tuple[Any, Any]] = {
        "statuses": (statuses(month), dict.fromkeys(AGENTS, "ONLINE")),
        "unheard": (unheard(month), set()),
        "scraped": ({each.labels["agent"] for each in up}, set(AGENTS)),
        "syncs that tell": ([each["current"] for each in syncs], [True]),
        "rules not loaded": ([each["pending"] + each["rejected"] for each in syncs], [0]),
        "groups": ("queues" in month.prometheus.rule_groups(), True),
        "alerts arrive": (month.get("/alerts/path")["arrives"], True),
    }
    return {name: is_ for name, (is_, wanted) in found.items() if is_ != wanted}


def statuses(month: Month) -> dict[str, str]:
    """That of each agent, by its name."""
    return {agent["name"]: agent["status"] for agent in month.listed("/agents")}


def ids(month: Month) -> dict[str, str]:
    """That of each agent, retired ones too; fails where a name is there twice."""
    agents = month.listed("/agents", include_retired="true")
    found = {agent["name"]: agent["id"] for agent in agents}
    assert len(found) == len(agents)
    return found


def pages(month: Month) -> list[Told]:
    """What people were told, each once: what is over is told again beside others of its group."""
    alerts = [alert for page in month.web.on("/page") for alert in page["alerts"]]
    once = {(*_told(alert), alert["startsAt"]): _told(alert) for alert in alerts}
    return list(once.values())


def history(month: Month) -> list[Told]:
    """The alerts that the registry has, the oldest first."""
    return [_told(entry) for entry in reversed(month.listed("/alerts"))]


def fire_now(month: Month) -> list[Told]:
    """Those of them that fire."""
    return [_told(entry) for entry in month.listed("/alerts", status="firing")]


def records(month: Month) -> list[int]:
    """The audit, the oldest first."""
    return [record["id"] for record in reversed(month.listed("/audit"))]


# Any: JSON.
def events(month: Month, agent_id: str) -> list[Any]:
    """What has happened to an agent, the oldest first."""
    return month.listed(f"/agents/{agent_id}/events")[::-1]


def unheard(month: Month) -> set[str]:
    """The agents that have said nothing for a while, whatever their status is."""
    just_now = datetime.now(UTC) + timedelta(seconds=month.seconds - 5)
    agents = month.listed("/agents")
    return {
        agent["name"]
        for agent in agents
        if datetime.fromisoformat(agent["last_seen_at"]) < just_now
    }


def taken_on(month: Month, agent_id: str, day: int) -> set[str]:
    """When the snapshots of an agent were taken that are there of this day."""
    moment = datetime.now(UTC) + timedelta(days=day)
    query = {"from": moment - timedelta(hours=1), "to": moment + timedelta(hours=1)}
    asked = {name: each.isoformat() for name, each in query.items()}
    page = month.get(f"/agents/{agent_id}/ai-metrics", limit="1000", **asked)
    return {each["taken_at"] for each in page["items"]}


def scraped_on(month: Month, day: int) -> set[str]:
    """The agents that Prometheus has as up on that day."""
    moment = (datetime.now(UTC) + timedelta(days=day, minutes=10)).timestamp()
    up = f'max_over_time(up{{job="agents"}}[1h] @ {moment:.0f}) == 1'
    return {each.labels["agent"] for each in month.prometheus.query(up)}


def answers(month: Month, keys: dict[str, str]) -> dict[str, int]:
    """The status that each key gets which asks for the targets."""
    path = "/discovery/targets"
    return {name: month.ask("GET", path, key=key).status for name, key in keys.items()}


# Any: JSON.
def _told(alert: Any) -> Told:
    labels = alert["labels"]
    return labels["alertname"], labels.get("agent", ""), alert["status"]
