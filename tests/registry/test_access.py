"""Keys: made, bound, expired, revoked; the first one, and what is kept of them."""

from __future__ import annotations

import stat
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from pulseguard_registry.access import last_use
from pulseguard_registry.access.schemas import Role
from pulseguard_registry.access.tokens import is_well_formed, make_token
from tests.registry.problems import assert_problem
from tests.registry.proxy import door
from tests.registry.running import (
    RunningRegistry,
    eventually,
    holds_after_a_second,
    registration,
    running_registry,
)

AGENTS = "/api/v1/agents"
KEYS = "/api/v1/keys"
TARGETS = "/api/v1/discovery/targets"


def test_the_first_start_makes_an_admin_key_that_only_its_owner_can_read(
    database_url: str, tmp_path: Path
) -> None:
    with running_registry(database_url, tmp_path) as registry:
        file = tmp_path / "admin.key"

        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert registry.get("/api/v1/keys", file.read_text().strip()).status_code == 200

    with running_registry(database_url, tmp_path) as again:
        assert again.admin == file.read_text().strip()
        assert len(again.get("/api/v1/keys").json()["items"]) == 1


def test_a_key_is_shown_once_and_never_stored(registry: RunningRegistry) -> None:
    key = registry.key("viewer")

    assert is_well_formed(key)
    assert key not in registry.get("/api/v1/keys").text
    (dump,) = registry.rows("SELECT string_agg(api_keys::text, ' ') FROM api_keys")
    assert key not in dump[0]
    assert key.encode().hex() not in dump[0]


def test_a_revoked_key_is_refused_within_a_second(registry: RunningRegistry) -> None:
    key = registry.key("viewer")
    (made,) = [k for k in registry.get("/api/v1/keys").json()["items"] if k["role"] == "viewer"]
    assert registry.get(AGENTS, key).status_code == 200

    assert registry.delete(f"/api/v1/keys/{made['id']}").status_code == 200
    assert registry.delete(f"/api/v1/keys/{made['id']}").status_code == 200
    time.sleep(1)

    assert registry.get(AGENTS, key).status_code == 401


def test_a_key_revoked_at_one_registry_is_refused_by_another_within_a_second(
    registry: RunningRegistry, tmp_path: Path
) -> None:
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    with running_registry(registry.database_url, other_folder, new_admin_key=True) as other:
        made = registry.post("/api/v1/keys", {"name": "shared", "role": "viewer"}).json()
        assert other.get(AGENTS, made["key"]).status_code == 200

        assert registry.delete(f"/api/v1/keys/{made['id']}").status_code == 200

        both = (registry, other)
        holds_after_a_second(
            lambda: {one.get(AGENTS, made["key"]).status_code for one in both} == {401}
        )


def test_a_registry_without_its_database_tells_only_of_itself_to_a_key_revoked_elsewhere(
    registry: RunningRegistry, tmp_path: Path
) -> None:
    place = urlsplit(registry.database_url)
    socket = Path(parse_qs(place.query)["host"][0]) / ".s.PGSQL.5432"
    made = registry.post(KEYS, {"name": "shared", "role": "viewer"}).json()
    with (
        door(socket, "open") as way,
        running_registry(
            f"postgresql://postgres@127.0.0.1:{way.port}{place.path}", tmp_path
        ) as cut,
    ):

        def answers() -> dict[str, int]:
            asked = ("/metrics", "/api/v1/discovery/state", TARGETS, AGENTS)
            return {path: cut.get(path, made["key"]).status_code for path in asked}

        assert set(answers().values()) == {200}
        way.set("shut")
        assert registry.delete(f"{KEYS}/{made['id']}").status_code == 200

        eventually(lambda: list(answers().values()) == [200, 200, 503, 503], 3)
        way.set("open")
        seen: list[dict[str, int]] = []

        def refuses() -> bool:
            seen.append(answers())
            return set(seen[-1].values()) == {401}

        eventually(refuses, 5)
        # It has read the keys before it lets in anybody again.
        assert {status for each in seen for status in (each[TARGETS], each[AGENTS])} <= {401, 503}


def test_keys_are_listed_a_page_at_a_time_the_newest_first(registry: RunningRegistry) -> None:
    registry.execute(
        "INSERT INTO api_keys (id, name, role, digest, pepper_id, created_at)"
        " SELECT gen_random_uuid(), number::text, 'viewer', int4send(number), '',"
        " now() - make_interval(hours => 1 + number / 3) FROM generate_series(1, 20) AS number"
    )
    whole = registry.get(KEYS).json()["items"]
    listed: list[Any] = []
    cursor: dict[str, Any] = {}
    while cursor != {"cursor": None}:
        page = registry.get(KEYS, params={"limit": 4, **cursor}).json()
        listed += page["items"]
        cursor = {"cursor": page["next_cursor"]}
        # As one that has ended goes between two pages.
        registry.execute(f"DELETE FROM api_keys WHERE id = '{listed[-1]['id']}'")

    names = [int(key["name"]) // 3 for key in listed[1:]]
    assert [key["id"] for key in listed] == [key["id"] for key in whole]
    assert (len(listed), names) == (21, sorted(names))
    # Many requests were made, and nothing was written for them.
    assert {key["last_used_at"] for key in listed} == {None}
    for wrong in (str(uuid.uuid4()), f"2026-11-28T10:00:00_{uuid.uuid4()}"):
        assert_problem(registry.get(KEYS, params={"cursor": wrong}), 422, "cursor", wrong)


def test_when_a_key_was_used_last_is_written_now_and_then_and_never_set_back(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(last_use, "WRITE_SECONDS", 0.1)
    with running_registry(database_url, tmp_path) as registry:
        keys = {name: registry.key("viewer", name=name) for name in ("first", "second")}
        version = registry.rows("SELECT value FROM versions WHERE name = 'keys'")

        def used(name: str) -> str | None:
            listed = registry.get(KEYS).json()["items"]
            (moment,) = [key["last_used_at"] for key in listed if key["name"] == name]
            return str(moment) if moment else None

        registry.execute("ALTER TABLE api_keys RENAME COLUMN last_used_at TO hidden")
        before = datetime.now(UTC)
        assert registry.get(AGENTS, keys["first"]).status_code == 200
        after = datetime.now(UTC)
        eventually(lambda: "was not written this time" in caplog.text)
        registry.execute("ALTER TABLE api_keys RENAME COLUMN hidden TO last_used_at")
        eventually(lambda: used("first"))
        assert before <= datetime.fromisoformat(used("first") or "") <= after

        # Another registry has seen it later.
        registry.execute("UPDATE api_keys SET last_used_at = '2100-01-01' WHERE name = 'first'")
        assert registry.get(AGENTS, keys["first"]).status_code == 200
        assert registry.get(AGENTS, keys["second"]).status_code == 200
        eventually(lambda: used("second"))
        assert (used("first") or "").startswith("2100-01-01")
        assert registry.rows("SELECT value FROM versions WHERE name = 'keys'") == version


def test_an_expired_key_is_refused(registry: RunningRegistry) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=2)
    key = registry.key("viewer", expires_at=soon.isoformat())
    assert registry.get(AGENTS, key).status_code == 200

    eventually(lambda: registry.get(AGENTS, key).status_code == 401, 5)
    assert datetime.now(UTC) > soon


def test_a_key_that_would_be_expired_already_is_not_made(registry: RunningRegistry) -> None:
    body = {"name": "old", "role": "viewer", "expires_at": "2020-01-01T00:00:00Z"}

    answer = registry.post("/api/v1/keys", body)

    assert answer.status_code == 422
    assert "past" in answer.json()["detail"]


@pytest.mark.parametrize(
    "bound", [{"role": "agent"}, {"role": "viewer", "environment": "production"}]
)
def test_the_bound_must_fit_the_role(registry: RunningRegistry, bound: dict[str, str]) -> None:
    answer = registry.post("/api/v1/keys", {"name": "x", **bound})

    assert answer.status_code == 422
    assert "environment" in answer.json()["detail"]


def test_a_lost_pepper_gives_a_new_admin_key_rather_than_locking_everybody_out(
    registry: RunningRegistry, tmp_path: Path
) -> None:
    registry.execute("UPDATE api_keys SET pepper_id = 'of another'")
    other = tmp_path / "other"
    other.mkdir()

    with running_registry(registry.database_url, other) as again:
        assert again.admin != registry.admin


@pytest.mark.parametrize("role", get_args(Role))
def test_a_slip_of_the_pen_is_seen_without_asking_the_database(role: str) -> None:
    token = make_token(role)
    swapped = token[:-8] + token[-7] + token[-8] + token[-6:]

    assert is_well_formed(token)
    assert swapped == token or not is_well_formed(swapped)
    assert not is_well_formed(token[:-1])
    assert make_token(role) != token


def test_an_expired_admin_key_counts_as_none(registry: RunningRegistry, tmp_path: Path) -> None:
    registry.execute("UPDATE api_keys SET expires_at = now() - interval '1 s'")
    other = tmp_path / "other"
    other.mkdir()

    with running_registry(registry.database_url, other) as again:
        assert again.get(AGENTS).status_code == 200


def test_an_admin_key_file_that_opens_nothing_is_said(
    registry: RunningRegistry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    (tmp_path / "admin.key").write_text(make_token("admin"))

    with running_registry(registry.database_url, tmp_path):
        assert "admin.key holds no key that works" in caplog.text
        assert "--new-admin-key" in caplog.text


def test_a_new_admin_key_is_made_on_request(registry: RunningRegistry, tmp_path: Path) -> None:
    (tmp_path / "admin.key").unlink()

    with running_registry(registry.database_url, tmp_path, new_admin_key=True) as again:
        assert again.admin != registry.admin
        assert again.get(AGENTS).status_code == 200
        made = again.get(KEYS).json()["items"]
        told = again.get("/api/v1/audit", params={"object_type": "keys"}).json()["items"]

    assert [each["name"] for each in made] == ["another admin", "first admin"]
    assert [each["object_id"] for each in told] == [each["id"] for each in made]


def test_a_key_is_not_refused_while_the_database_cannot_tell(registry: RunningRegistry) -> None:
    with psycopg.connect(registry.database_url) as other:
        other.execute("LOCK TABLE versions IN ACCESS EXCLUSIVE MODE")

        answer = registry.get(AGENTS, make_token("viewer"))

    assert answer.status_code == 503


def test_with_access_control_off_everybody_is_an_admin_and_the_log_says_so(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running_registry(database_url, tmp_path, access_control="off") as registry:
        assert registry.client.post(AGENTS, json=registration()).status_code == 201
        assert registry.client.get("/api/v1/keys").status_code == 200
        assert registry.get(AGENTS, "no key at all").status_code == 200
        record, first = registry.get("/api/v1/audit").json()["items"]

    assert record["key_name"] == "access control is off"
    assert (first["key_name"], first["object_type"]) == ("start of the registry", "keys")
    assert caplog.text.count("everybody on this machine is an admin") == 1
