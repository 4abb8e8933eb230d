"""All that can be asked of a registry at work, over and over, and left as it was found.

What is written is about an agent and rules of its own, which nobody scrapes and which never fire.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from bench.asked import V1, text
from bench.requests import SNAPSHOT
from bench.soak.asking import Asker

ENVIRONMENT = "probe"
# What changes rules, keys and silences is asked in every so many rounds: people do it now and then.
SELDOM = 4
ANY = {"If-Match": "*"}
AGENT = f"{V1}/agents/{{agent_id}}"
GROUP, RULE = f"{V1}/rule-groups/{{group_id}}", f"{V1}/alert-rules/{{rule_id}}"
PROMETHEUS = {"prometheus": "probe"}
PAGES = ("/", "/docs", "/docs/oauth2-redirect", "/openapi.json", "/runbooks", "/metrics")
LISTS = ("keys", "audit", "alerts", "alerts/path", "rule-groups", "rule-groups/deleted")
STATES = ("health", "health/ready", "discovery/targets", "discovery/state", "sync")
# These wait for another server, and take as long as that does.
OF_OTHERS = (
    f"GET {V1}/alerts/receivers",
    f"GET {V1}/alerts/test",
    f"POST {V1}/alerts/test",
    f"POST {V1}/alert-rules/preview",
)


class Round:
    """One round after the other; `turn` is the number of the next."""

    def __init__(self, asker: Asker, agents: Sequence[str]) -> None:
        """`agents`: the ids of those whose pages are read."""
        self.turn = 0
        self._ask = asker.ask
        self._agents = agents
        self._began = datetime.now(UTC)
        self._moments = (self._began + timedelta(milliseconds=each) for each in count())

    def run(self) -> None:
        """All of it once; NotServed where an answer does not hold."""
        turn, self.turn = self.turn, self.turn + 1
        self._read()
        self._read_agent(self._agents[turn * 37 % len(self._agents)])
        self._write_agent()
        self._tell_scrapes()
        self._tell_alerts()
        if turn % SELDOM == 0:
            self._change_keys()
            self._change_rules()
            self._maintain()
            self._ask_others()

    def _read(self) -> None:
        for page in PAGES:
            self._ask(f"GET {page}")
        for path in (*LISTS, *STATES):
            self._ask(f"GET {V1}/{path}")
        for path in ("status", "deployment-map", "disagreements"):
            self._ask(f"GET {V1}/system/{path}")
        self._ask("GET /metrics/agents")
        self._ask(f"GET {V1}/agents")
        for query in ({"limit": "500"}, {"text": "simulated-77"}, {"status": "OFFLINE"}):
            self._ask(f"GET {V1}/agents", query=query)
        for template in self._ask(f"GET {V1}/rule-templates")["items"][:1]:
            named = {"template_id": template["id"]}
            self._ask(f"GET {V1}/rule-templates/{{template_id}}", named=named)
            scope = {"scope": {"environment": ENVIRONMENT}}
            self._ask(f"POST {V1}/rule-templates/{{template_id}}/build", scope, named=named)

    def _read_agent(self, agent_id: str) -> None:
        named = {"agent_id": agent_id}
        for path in ("", "/health", "/events", "/timeline", "/ai-metrics"):
            self._ask(f"GET {AGENT}{path}", named=named)
        now = datetime.now(UTC)
        since = {"from": text(now - timedelta(days=1)), "to": text(now)}
        for more in ({"limit": "1000"}, {"step": "1h", "aggregation": "avg"}):
            self._ask(f"GET {AGENT}/ai-metrics", query={**since, **more}, named=named)

    def _write_agent(self) -> None:
        said = {"name": "probe", "instance": "0", "environment": ENVIRONMENT, "team": "probe"}
        self._ask(f"POST {V1}/agents/check", said)
        named = {"agent_id": self._ask(f"POST {V1}/agents", said)["id"]}
        self._ask(f"POST {AGENT}/heartbeat", {"snapshot": self._snapshot()}, named=named)
        self._ask(f"POST {AGENT}/ai-metrics", {"snapshots": [self._snapshot()]}, named=named)
        beats = {"heartbeats": [{**named, "snapshot": self._snapshot()}]}
        self._ask(f"POST {V1}/heartbeats", beats)
        config = {"config": {"number": self.turn}}
        self._ask(f"PATCH {AGENT}", config, headers=ANY, named=named)
        self._ask(f"DELETE {AGENT}", named=named)
        self._ask(f"POST {AGENT}/restore", named=named)
        self._ask(f"DELETE {AGENT}", named=named)

    def _maintain(self) -> None:
        said = {"name": "probe-maintained", "instance": "0", "environment": ENVIRONMENT}
        named = {"agent_id": self._ask(f"POST {V1}/agents", said)["id"]}
        until = {"until": text(datetime.now(UTC) + timedelta(hours=1)), "reason": "probed"}
        self._ask(f"PUT {AGENT}/maintenance", until, named=named)
        self._ask(f"DELETE {AGENT}/maintenance", named=named)
        self._ask(f"DELETE {AGENT}", named=named)

    def _tell_scrapes(self) -> None:
        """As a second Prometheus, which has what the first one has: nothing disagrees."""
        targets = self._ask(f"GET {V1}/discovery/targets")
        scrapes = {each["labels"]["agent_id"]: "up" for each in targets}
        self._ask(f"PUT {V1}/sync/{{prometheus}}", {"scrapes": scrapes}, named=PROMETHEUS)
        self._tell_rules()
        self._ask(f"POST {V1}/discovery/release")

    def _tell_rules(self) -> None:
        bundle = self._ask(f"GET {V1}/rules/bundle")
        loads = {each["id"]: {"loaded": each["revision"]} for each in bundle["groups"]}
        report = {"version": bundle["version"], "groups": loads}
        self._ask(f"PUT {V1}/sync/{{prometheus}}/rules", report, named=PROMETHEUS)

    def _tell_alerts(self) -> None:
        """One alert that fires and ends, the same each time."""
        for status in ("firing", "resolved"):
            self._ask(f"POST {V1}/alerts/webhook", self._notification(status))
        found = self._ask(f"GET {V1}/alerts", query={"alertname": "Probed"})["items"][0]
        named = {"alert_id": str(found["id"])}
        self._ask(f"GET {V1}/alerts/{{alert_id}}", named=named)
        self._ask(f"POST {V1}/alerts/{{alert_id}}/ack", {"note": "probed"}, named=named)
        self._ask(f"DELETE {V1}/alerts/{{alert_id}}/ack", named=named)

    def _notification(self, status: str) -> Mapping[str, object]:
        alert = {
            **{"status": status, "fingerprint": "probe", "annotations": {}},
            "labels": {"alertname": "Probed", "severity": "info", "environment": ENVIRONMENT},
            "startsAt": text(self._began),
            "endsAt": text(self._began + timedelta(minutes=1)),
        }
        return {"version": "4", "alerts": [alert]}

    def _change_keys(self) -> None:
        made = self._ask(f"POST {V1}/keys", {"name": "probe", "role": "viewer"})
        self._ask(f"DELETE {V1}/keys/{{key_id}}", named={"key_id": made["id"]})

    def _change_rules(self) -> None:
        group = _group()
        self._ask(f"POST {V1}/rule-groups/check", group)
        self._ask(f"POST {V1}/rule-groups/apply", {"groups": [group]})
        found = self._ask(f"POST {V1}/rule-groups", group)
        named = {"group_id": found["id"]}
        for path in ("", "/revisions"):
            self._ask(f"GET {GROUP}{path}", named=named)
        number = {"number": str(found["revision"])}
        self._ask(f"GET {GROUP}/revisions/{{number}}", named={**named, **number})
        changed = {**group, "interval": "1m"}
        self._ask(f"PUT {GROUP}", changed, headers=ANY, named=named)
        self._change_rule(found["id"])
        for path in ("disable", "enable"):
            self._ask(f"POST {GROUP}/{path}", named=named)
        # Deleted, and brought back as it was at first: there is one group for ever.
        self._ask(f"DELETE {GROUP}", named=named)
        self._ask(f"POST {GROUP}/rollback", {"revision": found["revision"]}, named=named)

    def _change_rule(self, group_id: str) -> None:
        rule = _rule("ProbedToo")
        self._ask(f"POST {V1}/alert-rules/check", rule)
        made = self._ask(f"POST {V1}/alert-rules", {**rule, "group_id": group_id})
        named = {"rule_id": made["id"]}
        self._ask(f"GET {V1}/alert-rules")
        for path in ("", "/revisions"):
            self._ask(f"GET {RULE}{path}", named=named)
        self._ask(f"PUT {RULE}", {**rule, "for": "10m"}, headers=ANY, named=named)
        for path in ("disable", "enable"):
            self._ask(f"POST {RULE}/{path}", named=named)
        self._ask(f"DELETE {RULE}", named=named)

    def _ask_others(self) -> None:
        self._ask(f"GET {V1}/alerts/receivers")
        self._ask(f"POST {V1}/alert-rules/preview", {**_rule("Probed"), "hours": 1})
        if self.turn == 1:  # people would be told of each
            self._ask(f"POST {V1}/alerts/test")
        self._ask(f"GET {V1}/alerts/test")

    def _snapshot(self) -> Mapping[str, object]:
        return {"taken_at": text(next(self._moments)), **SNAPSHOT}


def _group() -> dict[str, Any]:
    return {"name": "probe", "owner": "probe", "interval": "30s", "rules": [_rule("Probed")]}


def _rule(name: str) -> dict[str, Any]:
    return {
        **{"kind": "alert", "name": name, "for": "5m", "labels": {"severity": "info"}},
        "expr": f'up{{environment="{ENVIRONMENT}"}} == 0',
        "annotations": {"summary": "{{ $labels.agent }} is down"},
    }
