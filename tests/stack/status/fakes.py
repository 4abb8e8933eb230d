"""A registry and a Prometheus that answer what a test wants, over real HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Query = dict[str, str]
# The status and the body of an answer to a path and its query.
Respond = Callable[[str, Query], tuple[int, object]]


class Fake:
    """A server on loopback; what it answers may be changed while it runs."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.requests: list[str] = []
        self.keys: set[str | None] = set()
        # "answer", "hang" (say nothing) or "trickle" (a byte now and then, without end).
        self.manner = "answer"
        self.ending = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No longer listen; harmless when repeated."""
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                fake.requests.append(parts.path)
                fake.keys.add(self.headers["Authorization"])
                if fake.manner != "answer":
                    self._stall()
                    return
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                status, body = fake.respond(parts.path, query)
                content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def _stall(self) -> None:
                if fake.manner == "trickle":
                    self.send_response(200)
                    self.end_headers()
                while not fake.ending.wait(0.2):
                    if fake.manner == "trickle":
                        try:
                            self.wfile.write(b" ")
                        except OSError:
                            return

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


@contextmanager
def fake_server(respond: Respond) -> Iterator[Fake]:
    """A running fake, stopped afterwards."""
    fake = Fake(respond)
    fake.start()
    try:
        yield fake
    finally:
        if not fake.ending.is_set():
            fake.stop()


def registry_of(
    agents: list[dict[str, Any]],
    alerts: list[dict[str, Any]] | None = None,
    disagreements: list[dict[str, Any]] | None = None,
    unlisted: Mapping[str, int] | None = None,
    retired: Sequence[dict[str, Any]] = (),
) -> Respond:
    """A registry with these agents, two to a page; it does not know the path of what is None.

    Of `unlisted` disagreements it tells only how many there are of a kind. Those that are `retired`
    it lists where their ids are asked for.
    """

    def respond(path: str, query: Query) -> tuple[int, object]:
        if path == "/api/v1/agents" and query.get("only_retired"):
            found = [one for one in retired if one["id"] == query["id"]]
            return 200, {"items": found, "next_cursor": None}
        if path == "/api/v1/agents":
            start = int(query.get("cursor", "0"))
            more = str(start + 2) if len(agents) > start + 2 else None
            return 200, {"items": agents[start : start + 2], "next_cursor": more}
        if path == "/api/v1/alerts" and alerts is not None:
            assert query["status"] == "firing"
            return 200, {"items": alerts, "next_cursor": None}
        if path == "/api/v1/system/disagreements" and disagreements is not None:
            assert query == {}
            totals = Counter(one["kind"] for one in disagreements) + Counter(unlisted or {})
            return 200, {"prometheus": ["main"], "totals": totals, "items": disagreements}
        return 404, {"status": 404, "detail": "there is nothing at this path"}

    return respond


def prometheus_of(
    agents: list[dict[str, Any]],
    calls: float = 2.5,
    started: str = "2026-11-23T08:00:00.123456789Z",
) -> Respond:
    """A Prometheus that scrapes these agents, each making so many calls a second."""

    def respond(path: str, query: Query) -> tuple[int, object]:
        at = time.time()
        result: list[object]
        if path == "/api/v1/status/runtimeinfo":
            return 200, {"status": "success", "data": {"startTime": started}}
        if path == "/api/v1/query_range":
            values = [[at - 15, str(calls / 2)], [at, str(calls)]]
            result = [{"metric": {"agent_id": one["id"]}, "values": values} for one in agents]
        elif query["query"].startswith("up{"):
            result = [{"metric": labels(one), "value": [at, "1"]} for one in agents]
        elif "operation_duration_seconds_count" in query["query"]:
            one_each = [{"metric": {"agent_id": one["id"]}} for one in agents]
            result = [{**one, "value": [at, str(calls)]} for one in one_each]
        else:
            result = []
        return 200, {"status": "success", "data": {"resultType": "vector", "result": result}}

    return respond


def labels(one: dict[str, Any]) -> dict[str, str]:
    """The labels that discovery gives to an agent's target."""
    return {
        "agent_id": one["id"],
        "agent": one["name"],
        "instance": one["instance"],
        "environment": one["environment"],
        "team": one["team"],
        "agent_type": one["type"],
        "job": "agents",
    }


def agent(name: str, **fields: Any) -> dict[str, Any]:
    """An agent as the registry's API shows it."""
    return {
        "id": f"id-of-{name}",
        "name": name,
        "instance": "vm-0",
        "environment": "production",
        "team": "finance",
        "type": "LLM_AGENT",
        "version": "1.0",
        "status": "ONLINE",
        "status_reason": None,
        "metrics_address": "127.0.0.1:9464",
        "registered_at": "2026-11-23T09:00:00+00:00",
        "last_seen_at": "2026-11-23T10:00:00+00:00",
        **fields,
    }


def alert(name: str, about: str, **fields: Any) -> dict[str, Any]:
    """A firing alert as the registry's API shows it."""
    return {
        "alertname": name,
        "severity": "critical",
        "agent_id": f"id-of-{about}",
        "labels": {"agent": about},
        "annotations": {"summary": f"{about} does not answer"},
        "starts_at": "2026-11-23T10:00:00+00:00",
        **fields,
    }
