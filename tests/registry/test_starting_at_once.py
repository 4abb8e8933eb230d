"""Registries that start at the same moment, before any other has been there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from pulseguard_registry.access.tokens import make_token
from pulseguard_registry.database.migrate import head_revision
from pulseguard_registry.secrets_folder import open_folder, read_pepper
from pulseguard_registry.settings import Settings
from tests.registry.conftest import new_database
from tests.registry.process import RegistryProcess
from tests.registry.running import PEPPER, eventually

KEYS = "/api/v1/keys"


@pytest.fixture
def url(postgres: str) -> Iterator[str]:
    """The URL of a database without tables."""
    with new_database(postgres, "template0") as url:
        yield url


def start_at_once(
    url: str, tmp_path: Path, stack: ExitStack, **settings: str
) -> list[RegistryProcess]:
    """Two of one pepper, held up until both have found the database and want to change it."""
    started: list[RegistryProcess] = []
    with psycopg.connect(url) as connection:
        # What the first table needs, until both are there.
        connection.execute("CREATE TABLE alembic_version ()")
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            started.append(RegistryProcess(tmp_path / name, url, 0, pepper=PEPPER, **settings))
            stack.callback(started[-1].stop)
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        eventually(lambda: connection.execute(waiting).fetchone() == (2,))
        connection.rollback()
    for registry in started:
        registry.wait_until_it_listens()
        eventually(registry.is_ready)
    return started


def test_two_on_an_empty_database_make_its_tables_and_its_admin_key_once(
    url: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        started = start_at_once(url, tmp_path, stack)
        logs = [registry.log() for registry in started]
        (key_file,) = tmp_path.glob("*/data/secrets/admin.key")
        key = key_file.read_text().strip()
        kept = [registry.get(KEYS, key).body["items"] for registry in started]
    with psycopg.connect(url) as connection:
        revisions = connection.execute("SELECT version_num FROM alembic_version").fetchall()

    assert revisions == [(head_revision(),)]
    assert [item["name"] for items in kept for item in items] == ["first admin"] * 2
    assert kept[0][0]["id"] == kept[1][0]["id"]
    assert sum(f"the admin key of this registry is in {key_file}" in log for log in logs) == 1
    assert sum("but there are admin keys" in log for log in logs) == 1
    assert not any(" ERROR " in log or " WARNING " in log for log in logs)


def test_two_with_the_same_given_keys_take_them_over_once(url: str, tmp_path: Path) -> None:
    keys = {role: make_token(role) for role in ("admin", "viewer")}
    for role, key in keys.items():
        (tmp_path / role).write_text(key)
    given = f"admin={tmp_path}/admin, viewer={tmp_path}/viewer"
    with ExitStack() as stack:
        started = start_at_once(url, tmp_path, stack, given_keys=given)
        logs = [registry.log() for registry in started]
        seen = [registry.get(KEYS, keys["admin"]).body["items"] for registry in started]
        let_in = [registry.get("/api/v1/agents", keys["viewer"]).status for registry in started]

    assert sorted(item["role"] for item in seen[0]) == ["admin", "viewer"]
    assert {item["id"] for item in seen[0]} == {item["id"] for item in seen[1]}
    assert {item["expires_at"] for item in seen[0]} == {None}
    assert let_in == [200, 200]
    assert sum(log.count("is taken over") for log in logs) == 2
    assert not any(" ERROR " in log or " WARNING " in log for log in logs)


def test_two_on_one_folder_keep_one_pepper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path)
    folder = open_folder(settings)

    def overtaken(_: int) -> str:
        (folder / "pepper").write_text(PEPPER)
        return "the pepper of the slower one, 32 characters and more"

    monkeypatch.setattr("pulseguard_registry.secrets_folder.secrets.token_urlsafe", overtaken)

    assert read_pepper(settings, folder) == PEPPER
    assert (folder / "pepper").read_text().strip() == PEPPER
