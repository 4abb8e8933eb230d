"""A registry that runs in the test's own process, and what a test does with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any

import psycopg
from fastapi import FastAPI
from starlette.testclient import TestClient

from pulseguard_registry.app import create_app
from pulseguard_registry.settings import Settings

PEPPER = "a pepper for the tests, 32 characters and more"
READY = "/api/v1/health/ready"
# At ten o'clock: of a day for which snapshots are kept.
YESTERDAY = datetime.combine(datetime.now(UTC).date() - timedelta(days=1), clock_time(10), UTC)
_TAKEN_AT = YESTERDAY.isoformat()


class RunningRegistry:
    """The application behind a client, with keys at hand."""

    def __init__(self, app: FastAPI, client: TestClient, database_url: str, secrets: Path) -> None:
        self.app = app
        self.client = client
        self.database_url = database_url
        self.admin = (secrets / "admin.key").read_text().strip()

    def key(self, role: str, **bound: str) -> str:
        """A new key of this role."""
        answer = self.post("/api/v1/keys", {"name": role, "role": role, **bound})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["key"])

    def get(self, path: str, key: str | None = None, **options: Any) -> Any:
        """GET as admin, or with another key."""
        return self.client.get(path, headers=self.bearer(key), **options)

    def post(self, path: str, body: Any, key: str | None = None) -> Any:
        """POST JSON as admin, or with another key."""
        return self.client.post(path, json=body, headers=self.bearer(key))

    def delete(self, path: str, key: str | None = None) -> Any:
        """DELETE as admin, or with another key."""
        return self.client.delete(path, headers=self.bearer(key))

    def register(self, name: str = "invoice-bot", key: str | None = None, **said: Any) -> Any:
        """Register an agent; returns the agent."""
        answer = self.post("/api/v1/agents", registration(name, **said), key)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def targets(self) -> list[dict[str, Any]]:
        """The target list as Prometheus gets it."""
        answer = self.get("/api/v1/discovery/targets")
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What the database itself holds."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(statement).fetchall()

    def execute(self, statement: str) -> None:
        """Change the database behind the registry's back."""
        with psycopg.connect(self.database_url) as connection:
            connection.execute(statement)

    def wait_until_silence_counts(self) -> None:
        """As after a day of listening: before a period has passed, nobody is silent."""

        def counts() -> bool:
            self.execute("UPDATE watch SET judged_from = now() - interval '1 day'")
            return bool(
                self.rows("SELECT silent_before > now() - interval '1 min' FROM watch")[0][0]
            )

        eventually(counts)

    def bearer(self, key: str | None) -> dict[str, str]:
        """The header that carries a key."""
        return {"Authorization": f"Bearer {self.admin if key is None else key}"}


@contextmanager
def running_registry(
    database_url: str, secrets: Path, *, new_admin_key: bool = False, **settings: Any
) -> Iterator[RunningRegistry]:
    """Start the application, wait until it is ready, stop it afterwards."""
    known = Settings(data_dir=secrets, **settings)
    app = create_app(known, database_url, PEPPER, secrets, new_admin_key=new_admin_key)
    with TestClient(app, raise_server_exceptions=False) as client:
        # Looked at first, because asking takes as long as a part of the start itself.
        eventually(lambda: app.state.supervisor.trouble is None)
        eventually(lambda: client.get(READY).status_code == 200)
        yield RunningRegistry(app, client, database_url, secrets)


def eventually(holds: Callable[[], object], seconds: float = 30) -> None:
    """Wait until it holds; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def holds_after_a_second(holds: Callable[[], object]) -> None:
    """Assert that whatever is asked a second from now, when a key has ended, is so.

    Not that it was answered by then: to a key that has ended an answer takes its time.
    """
    time.sleep(1)
    assert holds()


def registration(name: str = "invoice-bot", **said: Any) -> dict[str, Any]:
    """A registration that holds."""
    return {
        "name": name,
        "instance": "web-1-0",
        "environment": "production",
        "metrics_address": "127.0.0.1:9464",
        **said,
    }


def snapshot(taken_at: Any = _TAKEN_AT, **fields: Any) -> dict[str, Any]:
    """A snapshot that holds."""
    return {"taken_at": taken_at, "interval_seconds": 60.0, **fields}
