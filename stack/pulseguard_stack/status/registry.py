"""Asks the registry: every agent, the firing alerts, and what does not fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pulseguard.doctor.web import NoAnswer, ask
from pulseguard.recording.labels import clean_line
from pulseguard_stack.status.fleet import Alert, Disagreement, Disagreements, Registered

# Of the key: there is none that it knows, or it may not look.
_NO_ACCESS: Final = (401, 403)
# More pages than any fleet has: a cursor that turns in circles must end.
_MOST_PAGES: Final = 200
_LIMIT: Final = "500"
# The dead man's switch, and its severity.
_ALWAYS_FIRING: Final = ("Watchdog", "none")
# As many as the registry takes in one query.
_MOST_IDS: Final = 100


class KeyRefused(NoAnswer):
    """The registry answers, and not to this key: with which status, and what it says."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"it answers {status}: {said}")
        self.status = status
        self.said = said


def read_inventory(url: str, key: str | None) -> Sequence[Registered]:
    """All agents that were not retired; NoAnswer says why there is no list."""
    return [_agent(item) for item in _pages(f"{url}/api/v1/agents", key)]


def read_retired(url: str, key: str | None, ids: Sequence[str]) -> Sequence[Registered]:
    """Those of these agents that were retired; NoAnswer says why that is not known."""
    parts = [ids[start : start + _MOST_IDS] for start in range(0, len(ids), _MOST_IDS)]
    pages = [_pages(f"{url}/api/v1/agents", key, id=part, only_retired="true") for part in parts]
    return [_agent(item) for page in pages for item in page]


def read_alerts(url: str, key: str | None) -> Sequence[Alert]:
    """What fires now, newest first; NoAnswer says why there is no list."""
    items = _pages(f"{url}/api/v1/alerts", key, status="firing")
    return [_alert(item) for item in items if not _is_of_the_way(item)]


def read_disagreements(url: str, key: str | None) -> Disagreements:
    """Where inventory, heartbeats and scrapes disagree; NoAnswer says why there is no list."""
    page = _page(f"{url}/api/v1/system/disagreements", key, {})
    try:
        listed = [_disagreement(item) for item in page["items"]]
        return Disagreements(listed, {kind: int(n) for kind, n in page["totals"].items()})
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise NoAnswer(f"its disagreements are of another version ({error!r})") from error


# Any: objects of the registry's API, as JSON gives them.
def _pages(url: str, key: str | None, **query: str | Sequence[str]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        page = _page(url, key, {"limit": _LIMIT, **query, **cursor})
        items += page["items"]
        if not (after := page.get("next_cursor")):
            break
        cursor = {"cursor": str(after)}
    return items


# Any: see above.
def _page(url: str, key: str | None, query: Mapping[str, str | Sequence[str]]) -> Mapping[str, Any]:
    """One answer, which has a list of items."""
    answer = ask(url, key=key, query=query)
    page = answer.fields()
    if answer.status in _NO_ACCESS:
        raise KeyRefused(answer.status, answer.detail)
    if not answer.ok:
        raise NoAnswer(f"it answers {answer.status}: {answer.detail}")
    if not isinstance(page.get("items"), list):
        raise NoAnswer("what answers there is no PulseGuard registry")
    return page


# Any: see above.
def _agent(item: Mapping[str, Any]) -> Registered:
    try:
        return Registered(
            item["id"],
            item["name"],
            item["instance"],
            item["environment"],
            item["team"],
            item["type"],
            item["version"],
            item["status"],
            item["status_reason"],
            item["metrics_address"],
            datetime.fromisoformat(item["registered_at"]),
            _time(item["last_seen_at"]),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise NoAnswer(f"its list of agents is of another version ({error!r})") from error


# Any: see above.
def _is_of_the_way(item: Mapping[str, Any]) -> bool:
    """Of the dead man's switch and of the test of the way of alerts: that they fire is no news."""
    if not isinstance(item, dict):
        return False
    return (
        bool(item.get("is_test"))
        or (
            item.get("alertname"),
            item.get("severity"),
        )
        == _ALWAYS_FIRING
    )


# Any: see above.
def _alert(item: Mapping[str, Any]) -> Alert:
    try:
        labels, annotations = item["labels"], item["annotations"]
        since = datetime.fromisoformat(item["starts_at"])
        return Alert(
            item["alertname"],
            item["severity"] or "",
            item["agent_id"],
            labels.get("agent", ""),
            since,
            clean_line(annotations.get("summary", "")),
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise NoAnswer(f"its list of alerts is of another version ({error!r})") from error


# Any: see above.
def _disagreement(item: Mapping[str, Any]) -> Disagreement:
    processes = [clean_line(str(process)) for process in item["processes"]]
    return Disagreement(item["kind"], item["agent_id"], item["name"], item["instance"], processes)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
