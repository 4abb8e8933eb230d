"""One request that holds for each operation of the API, kept complete by a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pulseguard_registry.agents.identity import agent_id
from tests.registry.events import ahead
from tests.registry.notifications import alert, tell
from tests.registry.rule_groups import GROUP_ID, RULE_ID, group, reset_rules, rule
from tests.registry.running import RunningRegistry, registration, snapshot

V1 = "/api/v1"
# The id of the agent that RunningRegistry.register registers.
REGISTERED = str(agent_id("production", "invoice-bot", "web-1-0"))
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()


@dataclass(frozen=True)
class Call:
    """Method, path, and a body that holds (None: the operation takes none)."""

    method: str
    template: str
    body: dict[str, Any] | None = None
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    roles: tuple[str, ...] = ("viewer", "editor", "admin")
    # Whether other fields may be there: the sender is not ours.
    tolerant: bool = False
    # Whether it asks a Prometheus, without which it is a 404.
    asks_prometheus: bool = False
    # How much is taken at once.
    most_kib: int = 1024

    def __str__(self) -> str:
        return f"{self.method} {self.template}"

    def path(self, agent_id: str) -> str:
        """The path with an id in it."""
        path = self.template.replace("{agent_id}", agent_id).replace("{key_id}", agent_id)
        # Of alerts the first is taken, which `send` has told.
        alert_id = "1" if agent_id == REGISTERED else agent_id
        path = path.replace("{alert_id}", alert_id).replace("{template_id}", "error-rate")
        path = path.replace("{group_id}", GROUP_ID).replace("{rule_id}", RULE_ID)
        return path.replace("{prometheus}", "main").replace("{number}", "1")

    def target(self, registry: RunningRegistry) -> str:
        """The id of what its path names, which is there then."""
        agent_id: str = registry.register()["id"]
        if "rule" in self.template:
            reset_rules(registry)
        if "{key_id}" in self.template:
            key = registry.post(f"{V1}/keys", {"name": "to be ended", "role": "viewer"})
            return str(key.json()["id"])
        places = {"{group_id}": GROUP_ID, "{rule_id}": RULE_ID, "{prometheus}": "main"}
        return next((each for place, each in places.items() if place in self.template), agent_id)

    @property
    def is_hot(self) -> bool:
        """Whether it is of the hot path, which looks at nothing but the body."""
        hot = ("/heartbeat", "/heartbeats", "/ai-metrics")
        return self.method == "POST" and self.template.endswith(hot)

    def is_taken(self, answer: Any) -> bool:
        """Whether this is the answer to a call that holds, of a registry that has no Prometheus."""
        status: int = answer.status_code
        return status == 404 if self.asks_prometheus else status < 300

    def send(
        self, registry: RunningRegistry, agent_id: str, key: str | None = None, **changed: Any
    ) -> Any:
        """Send it, with what is changed: `json`, `content`, `headers`, `params`."""
        if "{alert_id}" in self.template and not registry.rows("SELECT FROM alerts LIMIT 1"):
            tell(registry, alert())
        options: dict[str, Any] = {"params": self.query} if self.query else {}
        if self.body is not None and "content" not in changed:
            options["json"] = self.body
        headers = registry.bearer(key) if key != "" else {}
        options["headers"] = self.headers | headers | changed.pop("headers", {})
        return registry.client.request(self.method, self.path(agent_id), **(options | changed))


# What a key of these roles has to say besides.
BOUNDS: dict[str, dict[str, str]] = {
    "agent": {"environment": "production"},
    "enrolment": {"environment": "production", "expires_at": ahead(hours=12)},
}
EVERYBODY = ("agent", "enrolment", "prometheus", "viewer", "editor", "admin")
OPERATORS = ("editor", "admin")
REGISTRARS = ("agent", "enrolment", "editor", "admin")
ANY = {"if-match": "*"}
REPORT = {"version": 1, "groups": {GROUP_ID: {"loaded": 1}}}
CALLS = (
    Call("POST", f"{V1}/agents", registration("another"), roles=REGISTRARS),
    Call("POST", f"{V1}/agents/check", registration("another"), roles=REGISTRARS),
    Call("GET", f"{V1}/agents", roles=("agent", "viewer", "editor", "admin")),
    Call("GET", f"{V1}/agents/{{agent_id}}", roles=("agent", "viewer", "editor", "admin")),
    Call(
        "PATCH",
        f"{V1}/agents/{{agent_id}}",
        {"config": {"temperature": 0.2}},
        headers={"if-match": "*"},
        roles=("agent", "editor", "admin"),
    ),
    Call("DELETE", f"{V1}/agents/{{agent_id}}", roles=("editor", "admin")),
    Call("POST", f"{V1}/agents/{{agent_id}}/restore", roles=("editor", "admin")),
    Call(
        "PUT",
        f"{V1}/agents/{{agent_id}}/maintenance",
        {"until": TOMORROW, "reason": "new disks"},
        roles=("editor", "admin"),
    ),
    Call("DELETE", f"{V1}/agents/{{agent_id}}/maintenance", roles=("editor", "admin")),
    Call("GET", f"{V1}/agents/{{agent_id}}/health", roles=("agent", "viewer", "editor", "admin")),
    Call("GET", f"{V1}/agents/{{agent_id}}/events", roles=("agent", "viewer", "editor", "admin")),
    Call("GET", f"{V1}/agents/{{agent_id}}/timeline"),
    Call(
        "POST",
        f"{V1}/agents/{{agent_id}}/heartbeat",
        {"state": "idle", "snapshot": snapshot()},
        roles=("agent", "admin"),
    ),
    Call(
        "POST",
        f"{V1}/heartbeats",
        {"heartbeats": [{"agent_id": REGISTERED, "state": "idle", "snapshot": snapshot()}]},
        roles=("agent", "admin"),
    ),
    Call(
        "POST",
        f"{V1}/agents/{{agent_id}}/ai-metrics",
        {"snapshots": [snapshot()]},
        roles=("agent", "admin"),
    ),
    Call(
        "GET",
        f"{V1}/agents/{{agent_id}}/ai-metrics",
        roles=("agent", "viewer", "editor", "admin"),
    ),
    Call("GET", f"{V1}/discovery/targets", roles=("prometheus", "viewer", "editor", "admin")),
    Call("GET", f"{V1}/discovery/state", roles=("prometheus", "viewer", "editor", "admin")),
    Call("POST", f"{V1}/discovery/release", roles=("editor", "admin")),
    Call(
        "POST",
        f"{V1}/alerts/webhook",
        {"version": "4", "alerts": []},
        roles=("prometheus", "admin"),
        tolerant=True,
    ),
    Call("GET", f"{V1}/alerts"),
    Call("GET", f"{V1}/alerts/path"),
    Call("GET", f"{V1}/alerts/receivers"),
    Call("POST", f"{V1}/alerts/test", roles=("editor", "admin")),
    Call("GET", f"{V1}/alerts/test"),
    Call("GET", f"{V1}/alerts/{{alert_id}}"),
    Call("POST", f"{V1}/alerts/{{alert_id}}/ack", {"note": "seen"}, roles=("editor", "admin")),
    Call("DELETE", f"{V1}/alerts/{{alert_id}}/ack", roles=("editor", "admin")),
    Call("GET", f"{V1}/rule-templates"),
    Call("GET", f"{V1}/rule-templates/{{template_id}}"),
    Call(
        "POST",
        f"{V1}/rule-templates/{{template_id}}/build",
        {"parameters": {"for": "10m"}, "scope": {"team": "finance"}},
    ),
    Call("GET", f"{V1}/system/status"),
    Call("GET", f"{V1}/system/disagreements"),
    Call("PUT", f"{V1}/sync/{{prometheus}}", {"scrapes": {}}, roles=("prometheus", "admin")),
    Call("PUT", f"{V1}/sync/{{prometheus}}/rules", REPORT, roles=("prometheus", "admin")),
    Call("GET", f"{V1}/sync"),
    Call("GET", f"{V1}/rules/bundle", roles=("prometheus", "admin")),
    Call("POST", f"{V1}/rule-groups", group(), roles=OPERATORS),
    Call("GET", f"{V1}/rule-groups"),
    Call("POST", f"{V1}/rule-groups/check", group()),
    Call("POST", f"{V1}/rule-groups/apply", {"groups": [group()]}, roles=OPERATORS, most_kib=4096),
    Call("GET", f"{V1}/rule-groups/deleted"),
    Call("GET", f"{V1}/rule-groups/{{group_id}}"),
    Call("PUT", f"{V1}/rule-groups/{{group_id}}", group(), headers=ANY, roles=OPERATORS),
    Call("DELETE", f"{V1}/rule-groups/{{group_id}}", roles=OPERATORS),
    Call("POST", f"{V1}/rule-groups/{{group_id}}/enable", roles=OPERATORS),
    Call("POST", f"{V1}/rule-groups/{{group_id}}/disable", roles=OPERATORS),
    Call("POST", f"{V1}/rule-groups/{{group_id}}/rollback", {"revision": 1}, roles=OPERATORS),
    Call("GET", f"{V1}/rule-groups/{{group_id}}/revisions"),
    Call("GET", f"{V1}/rule-groups/{{group_id}}/revisions/{{number}}"),
    Call("POST", f"{V1}/alert-rules", {"group_id": GROUP_ID, **rule()}, roles=OPERATORS),
    Call("GET", f"{V1}/alert-rules"),
    Call("POST", f"{V1}/alert-rules/check", rule()),
    Call("POST", f"{V1}/alert-rules/preview", rule(), asks_prometheus=True),
    Call("GET", f"{V1}/alert-rules/{{rule_id}}"),
    Call("PUT", f"{V1}/alert-rules/{{rule_id}}", rule(), headers=ANY, roles=OPERATORS),
    Call("DELETE", f"{V1}/alert-rules/{{rule_id}}", roles=OPERATORS),
    Call("POST", f"{V1}/alert-rules/{{rule_id}}/enable", roles=OPERATORS),
    Call("POST", f"{V1}/alert-rules/{{rule_id}}/disable", roles=OPERATORS),
    Call("GET", f"{V1}/alert-rules/{{rule_id}}/revisions"),
    Call("GET", f"{V1}/system/deployment-map"),
    Call("POST", f"{V1}/keys", {"name": "people", "role": "viewer"}, roles=("admin",)),
    Call("GET", f"{V1}/keys", roles=("admin",)),
    Call("DELETE", f"{V1}/keys/{{key_id}}", roles=("admin",)),
    Call("GET", f"{V1}/audit", roles=("admin",)),
    Call("GET", "/metrics", roles=("prometheus", "viewer", "editor", "admin")),
    Call("GET", "/metrics/agents", roles=("prometheus", "viewer", "editor", "admin")),
)
OPEN = (
    Call("GET", f"{V1}/health", roles=EVERYBODY),
    Call("GET", f"{V1}/health/ready", roles=EVERYBODY),
)
