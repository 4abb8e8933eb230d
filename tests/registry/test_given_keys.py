"""Keys that files give: taken over when the registry is started."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from pulseguard_registry.access.given_files import GivenFiles
from pulseguard_registry.access.given_keys import GivenKeys
from pulseguard_registry.database.engine import Database
from pulseguard_registry.database.migrate import downgrade
from pulseguard_registry.settings import Settings
from tests.registry.conftest import engine_of
from tests.registry.events import ahead
from tests.registry.given import AGENTS, KEYS, OLDER, ROWS, Given, listed, minutes_left, status
from tests.registry.process import registry_process
from tests.registry.running import PEPPER, eventually, registration
from tests.registry.test_audit import records

TARGETS = "/api/v1/discovery/targets"
EVERY_ROLE = ("admin", "editor", "viewer", "prometheus", "agent:production", "agent:demo")


def test_keys_are_taken_over_at_the_start_and_a_second_start_changes_nothing(
    given: Given, caplog: pytest.LogCaptureFixture
) -> None:
    with given.registry(*EVERY_ROLE) as registry:
        keys = given.keys
        named = {
            (item["name"], item["role"], item["environment"], item["given_as"], item["expires_at"])
            for item in registry.get(KEYS).json()["items"]
        }
        assert {status(registry, keys[role]) for role in ("admin", "editor", "viewer")} == {200}
        assert registry.get(TARGETS, keys["prometheus"]).status_code == 200
        for environment, answer in (("production", 201), ("demo", 403)):
            agent = registration("bot", environment=environment)
            made = registry.post(AGENTS, agent, keys["agent:production"])
            assert made.status_code == answer
        recorded = records(registry, object_type="keys")
        before = registry.rows(ROWS)
    assert named == {
        (path.name, role, environment or None, str(path), None)
        for who in EVERY_ROLE
        for path in (given.path(who),)
        for role, _, environment in (who.partition(":"),)
    }
    assert [(each["method"], each["key_name"]) for each in recorded] == [("POST", "given keys")] * 6
    assert caplog.text.count("its key is taken over") == 6

    with given.registry(*EVERY_ROLE) as again:
        assert again.rows(ROWS) == before
        assert records(again, object_type="keys") == recorded
    with given.registry("admin") as without:
        assert without.rows(ROWS) == before
        assert status(without, keys["viewer"]) == 200
    assert caplog.text.count("its key is taken over") == 6
    assert "holds no key that works" not in caplog.text
    assert (given.data_dir / "admin.key").read_text() == OLDER


def test_a_revoked_key_stays_revoked_and_that_is_told_once(
    given: Given, caplog: pytest.LogCaptureFixture
) -> None:
    with given.registry("viewer") as registry:
        revoked = given.keys["viewer"]
        (known,) = listed(registry, "viewer")
        assert registry.delete(f"{KEYS}/{known['id']}").status_code == 200
    with given.registry("viewer") as again:
        again.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        eventually(lambda: caplog.text.count("ready: using") == 3)
        assert status(again, revoked) == 401
        told = f"its key {known['id']} was revoked and stays revoked; write another one into it"
        assert caplog.text.count(told) == 1

        valid = given.write("viewer")
        eventually(lambda: status(again, valid) == 200)
        given.write("viewer", revoked)
        eventually(lambda: caplog.text.count(told) == 2)
        (stays,) = (key for key in listed(again, "viewer") if key["revoked_at"] is None)
        assert stays["expires_at"] is None
        assert (status(again, valid), status(again, revoked)) == (200, 401)


def test_two_that_take_over_the_same_keys_at_once_do_it_one_after_the_other(given: Given) -> None:
    given.write("viewer")
    files = GivenFiles(Settings(given_keys=given.setting("viewer")).given_keys)
    database = Database(given.url)
    two = [GivenKeys(files, database, PEPPER) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads, psycopg.connect(given.url) as other:
        # Neither can store a key before both have begun.
        other.execute("LOCK TABLE api_keys IN SHARE MODE")
        done = [threads.submit(one.take_over_all) for one in two]
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        eventually(lambda: other.execute(waiting).fetchone() == (2,))
        other.rollback()
        for each in done:
            each.result()
        kept = other.execute("SELECT role, given_as, expires_at FROM api_keys").fetchall()
    database.close()

    assert kept == [("viewer", str(given.path("viewer")), None)]


def test_under_another_pepper_the_same_keys_are_taken_over_again(given: Given) -> None:
    with given.registry("viewer") as registry:
        # As they would be if they had been made under another one.
        registry.execute("UPDATE api_keys SET digest = sha256(digest), pepper_id = 'of another'")
    with given.registry("viewer") as again:
        assert [status(again, given.keys[who]) for who in ("admin", "viewer")] == [200, 200]
        holds, ends = listed(again, "viewer")
        assert holds["expires_at"] is None
        assert 14 < minutes_left(ends) <= 15
        assert len(listed(again, "admin")) == 2


def test_a_key_that_somebody_has_made_loses_its_end_and_no_bound(
    given: Given, caplog: pytest.LogCaptureFixture
) -> None:
    with given.registry() as registry:
        viewer = registry.key("viewer", name="the readers", expires_at=ahead(hours=1))
        bound = registry.key("agent", environment="production", team="finance")
    given.write("viewer", viewer)
    given.write("agent:production", bound)
    with given.registry("viewer", "agent:production") as again:
        (reader,) = listed(again, "viewer")
        (agent,) = listed(again, "agent")
        assert (reader["name"], reader["expires_at"]) == ("the readers", None)
        assert reader["given_as"] == str(given.path("viewer"))
        assert (agent["team"], agent["given_as"]) == ("finance", None)
    told = f"its key {agent['id']} is known, and bound to environment production / finance; write"
    assert caplog.text.count(f"agent:production={given.path('agent:production')}: {told}") == 1


def test_what_was_given_is_known_again_after_its_column_has_gone_and_come(given: Given) -> None:
    with given.registry("viewer") as registry:
        before = registry.get(KEYS).json()["items"]
    with engine_of(given.url) as engine:
        downgrade(engine, "0015")
    with given.registry("viewer") as again:
        assert again.get(KEYS).json()["items"] == before


def test_where_all_is_given_nothing_is_written(given: Given) -> None:
    given.write("admin")
    settings = {"pepper": PEPPER, "given_keys": given.setting("admin")}
    with registry_process(given.data_dir, given.url, **settings) as registry:
        eventually(registry.is_ready)
        items = registry.get(KEYS, given.keys["admin"]).body["items"]

    assert [item["name"] for item in items] == ["admin.key"]
    assert not registry.data_dir.exists()
    assert given.keys["admin"] not in registry.log()
    assert {path.name for path in given.data_dir.iterdir()} == {"given", "registry.log"}
