"""Backup under load, and restore elsewhere: the same answers."""

from __future__ import annotations

import io
import os
import pty
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

import pytest

from tests.registry.conftest import new_database
from tests.registry.events import ahead, change, heartbeat
from tests.registry.notifications import alert, resolved, tell
from tests.registry.operating.conftest import Run
from tests.registry.running import (
    PEPPER,
    YESTERDAY,
    RunningRegistry,
    eventually,
    running_registry,
    snapshot,
)

V1 = "/api/v1"
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


class Load:
    """Snapshots pushed one after the other, and how many were acknowledged."""

    def __init__(self, registry: RunningRegistry, agent_id: str) -> None:
        self.acknowledged = 0
        self._registry = registry
        self._path = f"/api/v1/agents/{agent_id}/ai-metrics"
        self._stopping = False

    def push(self) -> None:
        """Push one."""
        taken_at = (START + timedelta(seconds=self.acknowledged)).isoformat()
        answer = self._registry.post(self._path, {"snapshots": [snapshot(taken_at)]})
        assert answer.status_code == 200, answer.text
        self.acknowledged += 1

    @contextmanager
    def running(self) -> Iterator[None]:
        """Push until the end of the block."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stopping = True
            thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self.push()


def furnish(registry: RunningRegistry) -> list[str]:
    """A fleet with something of everything; returns the ids of its agents.

    The first has nothing but its registration. Those that are heard and the Prometheus that tells
    are so an hour ahead of the clock: time changes no answer.
    """
    ids = [registry.register("bot-0")["id"]]
    ids += [registry.register(f"bot-{n}", tags=["gold"], config={"n": n})["id"] for n in (1, 2, 3)]
    for agent_id in ids[1:3]:
        heartbeat(registry, agent_id, state="working", snapshot=snapshot(tasks_completed=3))
    later = (YESTERDAY + timedelta(minutes=7)).isoformat()
    heartbeat(registry, ids[1], snapshot=snapshot(later, tasks_completed=5))
    change(registry, "PATCH", ids[1], {"team": "finance", "labels": {"tier": "gold"}})
    change(
        registry, "PUT", f"{ids[2]}/maintenance", {"until": ahead(days=1), "reason": "new disks"}
    )
    change(registry, "DELETE", ids[3])
    tell(registry, alert(labels={"alertname": "AgentDown", "agent_id": ids[1]}), resolved())
    tell(registry, resolved(fingerprint="fedcba9876543210"))
    revoked = registry.post(f"{V1}/keys", {"name": "gone", "role": "viewer"}).json()
    registry.delete(f"{V1}/keys/{revoked['id']}")
    eventually(lambda: len(registry.targets()) == 3)
    scrapes = {"scrapes": {ids[1]: "up", ids[2]: "down"}}
    answer = registry.client.put(f"{V1}/sync/main", json=scrapes, headers=registry.bearer(None))
    assert answer.status_code == 200, answer.text
    registry.execute(
        "UPDATE served_targets SET since = since - interval '1 h';"
        " UPDATE agents SET registered_at = registered_at - interval '1 h';"
        " UPDATE agents SET last_seen_at = now() + interval '1 h' WHERE last_seen_at IS NOT NULL;"
        " UPDATE scrape_reports SET told_at = now() + interval '1 h',"
        " began_at = began_at - interval '1 h'"
    )
    return ids


def answers(registry: RunningRegistry, ids: list[str]) -> dict[str, Any]:
    """What an admin is told, but for when keys were used and what is told as time goes on."""
    day = {"from": YESTERDAY.isoformat(), "to": (YESTERDAY + timedelta(hours=1)).isoformat()}
    asked: dict[str, dict[str, str]] = {
        "/agents": {"include_retired": "true"},
        **{f"/agents/{agent_id}/events": {} for agent_id in ids},
        # Not of the first, whose snapshots come meanwhile.
        **{f"/agents/{agent_id}/health": {} for agent_id in ids[1:]},
        f"/agents/{ids[1]}/ai-metrics": {**day, "step": "5m", "aggregation": "sum"},
        "/alerts": {},
        "/audit": {},
        "/keys": {},
        "/discovery/targets": {},
        "/system/disagreements": {},
    }
    told = {}
    for path, params in asked.items():
        answer = registry.get(V1 + path, params=params)
        assert answer.status_code == 200, answer.text
        told[path] = answer.json()
    for key in told["/keys"]["items"]:
        del key["last_used_at"]
    for agent_id in ids:
        happened = told[f"/agents/{agent_id}/events"]
        kept = [event for event in happened["items"] if event["kind"] != "status_changed"]
        told[f"/agents/{agent_id}/events"] = kept
    return told


@contextmanager
def somebody_who_types(said: str) -> Iterator[TextIO]:
    """A terminal, at which somebody has typed this."""
    master, slave = pty.openpty()
    with os.fdopen(slave) as terminal:
        os.write(master, said.encode())
        yield terminal
    os.close(master)


def test_a_backup_under_load_restored_elsewhere_gives_the_same_answers(
    run: Run, registry: RunningRegistry, postgres: str, tmp_path: Path
):
    file = tmp_path / "registry.backup"
    ids = furnish(registry)
    viewer = registry.key("viewer")
    told = answers(registry, ids)
    load = Load(registry, ids[0])
    load.push()
    before = load.acknowledged
    with load.running():
        here = {"DATABASE_URL": registry.database_url, "PULSEGUARD_PEPPER": PEPPER}
        made = run("backup", str(file), "--json", PULSEGUARD_DATA_DIR=str(tmp_path), **here)
    assert made.json()["bytes"] == file.stat().st_size

    assert load.acknowledged > before
    assert file.stat().st_mode & 0o777 == 0o600
    with new_database(postgres, "template0") as url:
        elsewhere = {"DATABASE_URL": url, "PULSEGUARD_DATA_DIR": str(tmp_path / "elsewhere")}
        done = run("restore", str(file), **elsewhere)
        assert done.status == 0, done.err
        assert "start once with --new-admin-key" in done.out
        assert (tmp_path / "elsewhere" / "secrets" / "pepper").read_text().strip() == PEPPER
        again = run("restore", str(file), **elsewhere)
        (tmp_path / "admin.key").write_text(registry.admin)
        with running_registry(url, tmp_path) as other:
            told_elsewhere = answers(other, ids)
            asked = {"from": START.isoformat(), "limit": "1000"}
            kept = other.get(f"{V1}/agents/{ids[0]}/ai-metrics", viewer, params=asked).json()[
                "items"
            ]

    assert told_elsewhere == told
    assert {agent["health_score"] for agent in told["/agents"]["items"]} >= {0.0, 1.0}
    lists = ("/alerts", "/audit", "/keys", "/system/disagreements")
    assert all(told[path]["items"] for path in lists)
    assert len(told[f"/agents/{ids[1]}/ai-metrics"]["points"]) == 2
    assert before <= len(kept) <= load.acknowledged
    assert "has tables already" in again.err


def test_what_is_no_whole_backup_changes_nothing(
    run: Run, registry: RunningRegistry, postgres: str, tmp_path: Path
):
    file = tmp_path / "registry.backup"
    here = {"DATABASE_URL": registry.database_url, "PULSEGUARD_PEPPER": PEPPER}
    assert run("backup", str(file), PULSEGUARD_DATA_DIR=str(tmp_path), **here).status == 0
    half = tmp_path / "half.backup"
    half.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with tarfile.open(tmp_path / "other.tar", "w") as other:
        other.add(half, "half.backup")

    with new_database(postgres, "template0") as url:
        elsewhere = {"DATABASE_URL": url, "PULSEGUARD_DATA_DIR": str(tmp_path / "elsewhere")}
        for wrong in (half, tmp_path / "other.tar", tmp_path / "none", tmp_path):
            assert run("restore", str(wrong), **elsewhere).status == 1
        pepper = {"PULSEGUARD_PEPPER": "another pepper, of 32 characters or more"}
        refused = run("restore", str(file), **elsewhere, **pepper)
        assert "another pepper is set here" in refused.err
        current = run("db", "current", "--json", **elsewhere).json()

        nowhere = run("backup", str(tmp_path / "no" / "file"), **elsewhere)

    assert current["revision"] is None
    assert f"there is no folder {tmp_path}/no; make it, or name another file" in nowhere.err


def test_the_schema_goes_up_and_down(run: Run, postgres: str, tmp_path: Path):
    with new_database(postgres, "template0") as url:
        here = {"DATABASE_URL": url, "PULSEGUARD_DATA_DIR": str(tmp_path)}
        nothing = run("db", "current", **here).out
        up = run("db", "upgrade", "--json", **here).json()
        unknown = run("db", "downgrade", "9999", **here)
        down = run("db", "downgrade", "0001", "--yes", "--json", **here).json()
        upwards = run("db", "downgrade", "0003", "--yes", **here)
        current = run("db", "current", **here).out

    assert "no tables of PulseGuard" in nothing
    assert up["revision"] == up["newest"] != down["revision"] == "0001"
    assert "\n  0002  The history of alerts.\n" in unknown.err
    assert all(f"\n  {number:04}  " in unknown.err for number in range(1, int(up["newest"]) + 1))
    assert "pulseguard db upgrade goes up" in upwards.err
    assert (unknown.status, upwards.status) == (1, 1)
    assert current.startswith(f"0001 (newest: {up['newest']}): Agents, their snapshots, the keys")


def test_what_a_downgrade_loses_is_said_and_agreed_to_before(
    run: Run, postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with new_database(postgres) as url:
        here = {"DATABASE_URL": url, "PULSEGUARD_DATA_DIR": str(tmp_path)}
        monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
        unasked = run("db", "downgrade", "0003", **here)
        at_terminal = []
        for said in ("\n", "no\n", "y\n"):
            with somebody_who_types(said) as terminal:
                monkeypatch.setattr("sys.stdin", terminal)
                at_terminal.append(run("db", "downgrade", "0003", **here))

    assert [unasked.status, *(done.status for done in at_terminal)] == [1, 1, 1, 0]
    assert "say --yes" in unasked.err
    assert "--yes" not in at_terminal[0].err
    for done in (unasked, *at_terminal):
        assert "to 0003 is lost: " in done.err
        assert "all audit records" in done.err
        assert "the history of alerts" not in done.err
    assert "nothing was changed" in at_terminal[1].err
    assert at_terminal[2].out.startswith("0003 ")
