"""A registry that has a bundle of rules, and remembers what it was told of them."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.prometheus.fakes import JSON, Asked, FakeServer, Reply

NONE: dict[str, Any] = {"loaded": None, "rejected": None, "reason": ""}


def id_of(name: str) -> str:
    """The id that the group of this name has."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def group_text(name: str, *rules: str, fields: Sequence[str] = ()) -> str:
    """The file of one group; rules are the lines of each, as `record: a:b|expr: vector(1)`."""
    lines = ["groups:", f"- name: {name}", *(f"  {field}" for field in fields), "  rules:"]
    for rule in rules:
        first, *others = rule.split("|")
        lines += [f"  - {first}", *(f"    {other}" for other in others)]
    return "\n".join(lines) + "\n"


def constant(name: str, value: float = 1) -> str:
    """The file of a group that records one number."""
    return group_text(name, f"record: {name}:value|expr: vector({value})")


@dataclass(frozen=True)
class Group:
    """What the bundle has of a group."""

    revision: int
    content: str


class RulesRegistry(FakeServer):
    """A fake registry whose groups can be changed; each change is a new version."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.groups: dict[str, Group] = {}
        self.version = 1
        self.trouble: Reply | None = None
        self.bundle: bytes | None = None
        self.reports: list[dict[str, Any]] = []

    def put(self, name: str, content: str) -> None:
        """Stores a group under the next revision of its own."""
        before = self.groups.get(name)
        self.groups[name] = Group(before.revision + 1 if before else 1, content)
        self.version += 1

    def remove(self, *names: str) -> None:
        """Deletes groups."""
        for name in names:
            del self.groups[name]
        self.version += 1

    def told(self, name: str) -> dict[str, Any]:
        """What it was told last of this group."""
        return dict(self.reports[-1]["groups"].get(id_of(name), NONE))

    def loaded(self, name: str) -> int | None:
        """Which revision of this group it was told to be loaded."""
        return self.told(name)["loaded"] if self.reports else None

    def _answer(self, asked: Asked) -> Reply:
        if self.trouble:
            return self.trouble
        if asked.path.startswith("/api/v1/sync/"):
            self.reports.append(json.loads(asked.body))
            return Reply(200, JSON, b"{}")
        etag = f'"{self.version}"'
        if asked.headers.get("If-None-Match") == etag and self.bundle is None:
            return Reply(304, {"ETag": etag})
        return Reply(200, JSON | {"ETag": etag}, self.bundle or self._document())

    def _document(self) -> bytes:
        groups = [
            {
                "id": id_of(name),
                "name": name,
                "file": f"{id_of(name)}.yml",
                "revision": group.revision,
                "content": group.content,
            }
            for name, group in self.groups.items()
        ]
        return json.dumps({"version": self.version, "groups": groups}).encode()
