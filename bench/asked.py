"""One operation of the API as it is measured, and how such are made."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5

from bench.fleet import AGENTS, Request

V1 = "/api/v1"


@dataclass(frozen=True)
class Asked:
    """An operation of the API, and the request number so and so of it."""

    operation: str
    make: Callable[[int], Request]
    what: str = ""
    # Everything there is, as a stream: the whole takes as long as there is much.
    is_export: bool = False

    def __str__(self) -> str:
        return f"{self.operation} {self.what}".strip()


def agent(number: int) -> str:
    """The id of one of the fleet, neighbours far apart."""
    name = str(number * 37 % AGENTS + 1)
    return str(uuid.UUID(md5(name.encode(), usedforsecurity=False).hexdigest()))


def get(template: str, query: str = "", what: str = "") -> Asked:
    """Read this, of another agent each time."""

    def make(number: int) -> Request:
        path = template.replace("{agent_id}", agent(number))
        return Request("GET", f"{path}?{query}" if query else path)

    return Asked(f"GET {template}", make, what)


def send(
    method: str,
    template: str,
    body: Callable[[int], object] = lambda _: None,
    headers: Mapping[str, str] | None = None,
) -> Asked:
    """Send this, of another agent each time."""

    def make(number: int) -> Request:
        path = template.replace("{agent_id}", agent(number)).replace("{prometheus}", "main")
        return Request(method, path, body(number), headers or {})

    return Asked(f"{method} {template}", make)


def text(moment: datetime) -> str:
    """As the API takes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
