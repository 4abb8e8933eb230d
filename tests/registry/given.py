"""Files that give keys, registries that take them over, and what is asked of these."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pulseguard_registry.access.tokens import make_token
from tests.registry.running import RunningRegistry, running_registry

AGENTS = "/api/v1/agents"
KEYS = "/api/v1/keys"
# What a file holds that nobody has to read.
OLDER = "the key of a registry before"
# All that is kept of a key but for when it was used.
ROWS = "SELECT to_jsonb(k) - 'last_used_at' FROM api_keys k ORDER BY id"


class Given:
    """Files with a key each, and registries that are given them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.data_dir = folder
        self.folder = folder / "given"
        self.folder.mkdir()
        self.keys: dict[str, str] = {}

    def path(self, who: str) -> Path:
        """The file of a role, or of a role and environment."""
        return self.folder / f"{who.replace(':', '-')}.key"

    def write(self, who: str, key: str | None = None) -> str:
        """Write a key into its file, another one if none is named."""
        self.keys[who] = key or make_token(who.partition(":")[0])
        self.path(who).write_text(self.keys[who] + "\n")
        return self.keys[who]

    def setting(self, *who: str) -> str:
        """What names their files."""
        return ", ".join(f"{each}={self.path(each)}" for each in who)

    @contextmanager
    def registry(self, *who: str, extra: str = "") -> Iterator[RunningRegistry]:
        """One that is given these, and always an admin's; in its data folder is an older one."""
        for each in {"admin", *who} - self.keys.keys():
            self.write(each)
        setting = self.setting(*dict.fromkeys(("admin", *who))) + f", {extra}"
        (self.data_dir / "admin.key").write_text(OLDER)
        with running_registry(self.url, self.data_dir, given_keys=setting) as registry:
            registry.admin = self.keys["admin"]
            yield registry


def status(registry: RunningRegistry, key: str) -> int:
    """What is answered to this key."""
    return int(registry.get(AGENTS, key).status_code)


def listed(registry: RunningRegistry, role: str) -> list[dict[str, Any]]:
    """The keys of a role, the newest first."""
    items = registry.get(KEYS, params={"limit": 500}).json()["items"]
    return [item for item in items if item["role"] == role]


def minutes_left(key: dict[str, Any]) -> float:
    """How long it is valid still."""
    end = datetime.fromisoformat(key["expires_at"])
    return (end - datetime.now(UTC)) / timedelta(minutes=1)
