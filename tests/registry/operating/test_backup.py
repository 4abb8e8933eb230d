"""Backup, under load as well, and restore elsewhere: the same answers."""

from __future__ import annotations

import io
import os
import pty
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import psycopg
import pytest

from pulseguard_registry.database.diagnosis import place_of
from tests.registry.conftest import new_database
from tests.registry.crowd import UNLIMITED, Crowd
from tests.registry.events import ahead
from tests.registry.fleet import answers, furnish
from tests.registry.ledger import stored
from tests.registry.operating.conftest import Done, Run
from tests.registry.process import RegistryProcess, registry_process
from tests.registry.running import (
    PEPPER,
    RunningRegistry,
    eventually,
    registration,
    running_registry,
)

V1 = "/api/v1"


def crowd(serving: RegistryProcess) -> Crowd:
    """Clients that beat, configure, register, enrol, and make and revoke keys."""
    admin = serving.admin_key()
    clients = Crowd([serving.url], admin)
    agent_id = uuid.UUID(serving.post(f"{V1}/agents", registration(), admin).body["id"])
    clients.beat(agent_id)
    clients.configure(agent_id)
    clients.register()
    clients.make_and_revoke_keys()
    said = {"name": "enrols", "role": "enrolment", "environment": "production"}
    enrolment = serving.post(f"{V1}/keys", {**said, "expires_at": ahead(hours=1)}, admin)
    clients.register(enrolment.body["key"])
    return clients


def orphans(database_url: str) -> int:
    """How many events and own keys have no agent; there have to be some of both."""
    found = events_and_own_keys(database_url)
    assert all(found)
    return sum(agent is None for rows in found for (agent,) in rows)


def events_and_own_keys(database_url: str) -> list[list[tuple[uuid.UUID | None]]]:
    """The agents that they are of, where these are there."""
    query = "SELECT agents.id FROM {0} LEFT JOIN agents ON agents.id = agent_id"
    of = ("agent_events", "(SELECT agent_id FROM api_keys WHERE agent_id IS NOT NULL) own_keys")
    with psycopg.connect(database_url) as connection:
        return [connection.execute(query.format(each)).fetchall() for each in of]


@contextmanager
def somebody_who_types(said: str) -> Iterator[TextIO]:
    """A terminal, at which somebody has typed this."""
    master, slave = pty.openpty()
    with os.fdopen(slave) as terminal:
        os.write(master, said.encode())
        yield terminal
    os.close(master)


def test_a_backup_restored_elsewhere_gives_the_same_answers(
    run: Run, registry: RunningRegistry, postgres: str, tmp_path: Path
):
    file = tmp_path / "registry.backup"
    ids = furnish(registry)
    viewer = registry.key("viewer")
    told = answers(registry, ids)
    here = {"DATABASE_URL": registry.database_url, "PULSEGUARD_PEPPER": PEPPER}
    made = run("backup", str(file), "--json", PULSEGUARD_DATA_DIR=str(tmp_path), **here)
    assert made.json()["bytes"] == file.stat().st_size
    assert made.json()["database"] == str(place_of(registry.database_url))

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
            assert other.get(f"{V1}/agents", viewer).status_code == 200
            told_elsewhere = answers(other, ids)

    assert told_elsewhere == told
    assert {agent["health_score"] for agent in told["/agents"]["items"]} >= {0.0, 1.0}
    lists = ("/alerts", "/audit", "/keys", "/system/disagreements", "/system/deployment-map")
    assert all(told[path]["items"] for path in lists)
    assert len(told[f"/agents/{ids[1]}/ai-metrics"]["points"]) == 2
    assert "has tables already" in again.err


def test_a_backup_under_load_is_what_was_stored_at_one_moment(
    run: Run, postgres: str, tmp_path: Path
):
    file = str(tmp_path / "registry.backup")
    with (
        new_database(postgres, "used") as url,
        registry_process(tmp_path, url, rate_limit_per_second=UNLIMITED) as serving,
    ):
        eventually(serving.is_ready)
        with crowd(serving) as clients:
            clients.wait_for_writes()
            eventually(lambda: all(events_and_own_keys(url)))
            before = clients.acknowledged.copy()
            here = {"DATABASE_URL": url, "PULSEGUARD_DATA_DIR": str(serving.data_dir)}
            assert run("backup", file, **here).status == 0
            meanwhile = clients.acknowledged - before
            clients.wait_for_writes()
        after = stored(url)
    with new_database(postgres, "template0") as url:
        elsewhere = {"DATABASE_URL": url, "PULSEGUARD_DATA_DIR": str(tmp_path / "elsewhere")}
        assert run("restore", file, **elsewhere).status == 0
        restored, lost = stored(url), orphans(url)

    assert (before - restored, restored - after) == (set(), set())
    assert lost == 0
    told = {fact[1] for fact in before if isinstance(fact, tuple)}
    assert {"1", "revoked"} <= told
    assert meanwhile


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


def test_a_backup_is_replaced_only_where_that_is_said_and_only_by_a_whole_one(
    run: Run, postgres: str, tmp_path: Path
):
    file = tmp_path / "registry.backup"

    def backup(url: str, *arguments: str) -> Done:
        here = {"DATABASE_URL": url, "PULSEGUARD_PEPPER": PEPPER}
        return run("backup", *arguments, PULSEGUARD_DATA_DIR=str(tmp_path), **here)

    with new_database(postgres) as full, new_database(postgres, "template0") as without_tables:
        assert backup(full, str(file)).status == 0
        first = file.read_bytes()
        refused = backup(full, str(file))
        failed = backup(without_tables, str(file), "--replace")
        assert file.read_bytes() == first
        link = tmp_path / "latest"
        link.symlink_to(file)
        assert backup(full, str(link), "--replace").status == 0
        folder = backup(full, str(tmp_path), "--replace")
        output = backup(full, "-")

    assert {done.status for done in (refused, failed, folder, output)} == {1}
    assert f"{file} exists already" in refused.err
    assert "name another file, or say --replace" in refused.err
    assert "nothing to keep" in failed.err
    assert "is no file" in folder.err
    assert "name a file" in output.err
    assert link.is_symlink()
    assert file.read_bytes() != first
    assert set(tmp_path.iterdir()) == {file, link}


def test_what_only_reads_makes_no_database_where_there_is_none(run: Run, tmp_path: Path):
    settings = {"PULSEGUARD_DATA_DIR": str(tmp_path / "mistyped"), "PULSEGUARD_PEPPER": PEPPER}
    verbs = (("db", "current"), ("db", "downgrade", "base"), ("backup", str(tmp_path / "file")))

    for verb in verbs:
        done = run(*verb, **settings)
        assert (done.status, done.out) == (1, "")
        assert f"there is no database in PULSEGUARD_DATA_DIR={tmp_path}/mistyped" in done.err

    assert not (tmp_path / "mistyped").exists()


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
    assert up["database"] == str(place_of(url))
    told = f"{place_of(url)}: 0001 (newest: {up['newest']}): Agents, their snapshots, the keys"
    assert current.startswith(told)


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
    assert ": 0003 (newest: " in at_terminal[2].out
