"""Backup under load, and restore elsewhere: the same answers."""

from __future__ import annotations

import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.registry.conftest import new_database
from tests.registry.operating.conftest import Run
from tests.registry.running import PEPPER, RunningRegistry, running_registry, snapshot

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


def test_a_backup_under_load_restored_elsewhere_gives_the_same_answers(
    run: Run, registry: RunningRegistry, postgres: str, tmp_path: Path
):
    file = tmp_path / "registry.backup"
    agents = [registry.register(f"bot-{number}") for number in range(3)]
    viewer = registry.key("viewer")
    load = Load(registry, agents[0]["id"])
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
        assert (tmp_path / "elsewhere" / "secrets" / "pepper").read_text().strip() == PEPPER
        again = run("restore", str(file), **elsewhere)
        (tmp_path / "admin.key").write_text(registry.admin)
        with running_registry(url, tmp_path) as other:
            listed = other.get("/api/v1/agents", viewer).json()["items"]
            path = f"/api/v1/agents/{agents[0]['id']}/ai-metrics"
            asked = {"from": START.isoformat(), "limit": "1000"}
            kept = other.get(path, viewer, params=asked).json()["items"]

    assert {agent["id"] for agent in listed} == {agent["id"] for agent in agents}
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

    assert current["revision"] is None


def test_the_schema_goes_up_and_down(run: Run, postgres: str, tmp_path: Path):
    with new_database(postgres, "template0") as url:
        here = {"DATABASE_URL": url, "PULSEGUARD_DATA_DIR": str(tmp_path)}
        nothing = run("db", "current", **here).out
        up = run("db", "upgrade", "--json", **here).json()
        down = run("db", "downgrade", "0001", "--json", **here).json()
        unknown = run("db", "downgrade", "9999", **here)

    assert "no tables of PulseGuard" in nothing
    assert up["revision"] == up["newest"] != down["revision"] == "0001"
    assert unknown.status == 1
    assert "9999" in unknown.err
