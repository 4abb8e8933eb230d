"""What the doctor asks beside agents: a registry that knows, and a Prometheus that scrapes them."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

from pulseguard.identity import compute_agent_id
from tests.exporters.json_handler import JsonHandler


@dataclass
class Neighbours:
    """Registry and Prometheus in one server; `refused` are addresses that may not be scraped."""

    url: str = ""
    refused: set[str] = field(default_factory=set)
    agents: list[dict[str, Any]] = field(default_factory=list)
    # What the registry says of an agent's health, by id, beside its status.
    health: dict[str, dict[str, Any]] = field(default_factory=dict)
    targets: list[dict[str, Any]] = field(default_factory=list)

    def know(self, instance: str, address: str | None, **facts: str) -> str:
        """Have this instance of invoice-bot in the inventory."""
        agent_id = compute_agent_id("production", "invoice-bot", instance)
        usual = {"host": socket.gethostname(), "status": "ONLINE", "status_reason": None}
        identity = {"id": agent_id, "name": "invoice-bot", "instance": instance}
        self.agents.append({**identity, **usual, "metrics_address": address, **facts})
        return agent_id

    def scrape(self, agent_id: str, error: str = "") -> None:
        """Have it among the targets; with an error it is down."""
        health = "down" if error else "up"
        labels = {"agent_id": agent_id}
        self.targets.append({"labels": labels, "health": health, "lastError": error})

    def health_of(self, agent_id: str) -> dict[str, Any]:
        """The health of an agent: nothing is said against it, but for what `health` has."""
        (agent,) = [each for each in self.agents if each["id"] == agent_id]
        usual = {"disagreements": [], "processes": [], "to_be_enrolled": False}
        told = {name: agent[name] for name in ("id", "status", "status_reason")}
        return {**told, **usual, **self.health.get(agent_id, {})}

    def answer(self, path: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """The answer to a request, GET or POST."""
        match path.partition("?")[0]:
            case one if one.endswith("/health") and one != "/api/v1/health":
                return 200, self.health_of(one.split("/")[-2])
            case "/api/v1/health":
                return 200, {"status": "alive", "version": "0.1.0"}
            case "/api/v1/agents":
                return 200, {"items": self.agents, "next_cursor": None}
            case "/api/v1/targets":
                return 200, {"data": {"activeTargets": self.targets}}
            case "/api/v1/agents/check" if body.get("metrics_address") in self.refused:
                return 422, {"title": "refused", "detail": "metrics_address: not allowed"}
        return 200, {}


@contextmanager
def neighbours() -> Iterator[Neighbours]:
    """They answer until the end of the block."""
    them = Neighbours()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(them))
    them.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield them
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(them: Neighbours) -> type[JsonHandler]:
    class Handler(JsonHandler):
        def do_GET(self) -> None:
            self.send_json(*them.answer(self.path, {}))

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_json(*them.answer(self.path, json.loads(content)))

    return Handler
