"""A registry for tests: real HTTP, the wire contract's answers, and faults on request."""

import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

from tests.exporters.json_handler import JsonHandler


@dataclass
class Request:
    """One request as it arrived; `fault` says what was done to it."""

    path: str
    body: Any
    key: str | None
    fault: str | None


@dataclass
class FakeRegistry:
    """Keeps what agents send. `fault` decides about each request before it is honoured.

    A fault is a status ("503"), "drop" (close without reading on), or "lose" (take it, and close
    without an answer).
    """

    fault: Callable[[str], str | None] = lambda path: None
    key: str | None = None
    # Enrols agents, while it is there: each gets a key of its own, and needs one from then on.
    enrolment_key: str | None = None
    own_keys: list[str] = field(default_factory=list)
    enrols: bool = False
    requests: list[Request] = field(default_factory=list)
    agents: dict[str, dict[str, Any]] = field(default_factory=dict)
    snapshots: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    # Those that it has heeded.
    goodbyes: list[str] = field(default_factory=list)
    # Of each agent that runs and has beaten the process that did so last.
    beating: dict[str, str] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    contradictions: list[str] = field(default_factory=list)
    port: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> "FakeRegistry":
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def listen(self) -> None:
        """Listen, again on the same port after `close`."""
        server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        server.daemon_threads = True
        server.block_on_close = False
        self.port = server.server_port
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def forget(self) -> None:
        """Lose every agent, as with a new database."""
        with self.lock:
            self.agents.clear()

    def paths(self) -> list[str]:
        with self.lock:
            return [request.path for request in self.requests]

    def stored(self) -> list[dict[str, Any]]:
        """Every snapshot once, in the order of time."""
        with self.lock:
            found = [each for taken in self.snapshots.values() for each in taken.values()]
        return sorted(found, key=lambda snapshot: snapshot["taken_at"])

    def total(self, name: str) -> int:
        return sum(snapshot[name] for snapshot in self.stored())

    def honour(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        """What the real registry would do with a request that reaches it."""
        parts = path.removeprefix("/api/v1/agents").strip("/").split("/")
        if parts == [""]:
            return self._register(body)
        if parts[0] not in self.agents:
            return 404, {"title": "no such agent", "status": 404}
        if parts[1] == "ai-metrics":
            for snapshot in body["snapshots"]:
                self._store(parts[0], snapshot)
            return 200, {"stored": len(body["snapshots"]), "repeated": 0}
        return self._beat(parts[0], body)

    def is_refused(self, path: str, key: str | None) -> bool:
        """Whether this key may not do this."""
        if self.enrols:
            may_enrol = path == "/api/v1/agents" and key == self.enrolment_key
            return key is None or not (may_enrol or key in self.own_keys)
        return self.key is not None and key != self.key

    def _register(self, body: Any) -> tuple[int, dict[str, Any]]:
        identity = f"{body['environment']}/{body['name']}/{body['instance']}"
        agent_id = str(uuid.uuid5(uuid.NAMESPACE_URL, identity))
        known = agent_id in self.agents
        self.agents[agent_id] = body
        self.stopped.discard(agent_id)
        return (200 if known else 201), {"id": agent_id, **body}

    def _beat(self, agent_id: str, body: Any) -> tuple[int, dict[str, Any]]:
        """After a goodbye only registering brings an agent back; that of another process than the
        one that beat last stops nobody."""
        if agent_id in self.stopped and not body["goodbye"]:
            return 404, {"title": "no such agent", "status": 404}
        if snapshot := body.get("snapshot"):
            self._store(agent_id, snapshot)
        if not body["goodbye"]:
            self.beating[agent_id] = body["process"]
        elif self.beating.get(agent_id) in (None, body["process"]):
            self.beating.pop(agent_id, None)
            self.stopped.add(agent_id)
            self.goodbyes.append(agent_id)
        return 200, {"status": "ONLINE"}

    def _store(self, agent_id: str, snapshot: dict[str, Any]) -> None:
        taken = self.snapshots.setdefault(agent_id, {})
        before = taken.setdefault(snapshot["taken_at"], snapshot)
        if before != snapshot:
            self.contradictions.append(snapshot["taken_at"])


def _handler(registry: FakeRegistry) -> type[JsonHandler]:
    class Handler(JsonHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            key = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
            with registry.lock:
                fault = registry.fault(self.path)
                if registry.is_refused(self.path, key):
                    fault = "401"
                body = json.loads(content)
                registry.requests.append(Request(self.path, body, key, fault))
                status, answer = 503, {"title": "unavailable", "status": 503}
                if fault in (None, "lose"):
                    status, answer = registry.honour(self.path, body)
                    if registry.enrols and key == registry.enrolment_key:
                        registry.own_keys.append(f"pg_agent_own{len(registry.own_keys)}")
                        answer["key"] = registry.own_keys[-1]
                elif fault is not None and fault.isdigit():
                    status, answer = int(fault), {"title": "refused", "status": int(fault)}
            if fault in ("lose", "drop"):
                self.close_connection = True
                return
            self.send_json(status, answer)

    return Handler
