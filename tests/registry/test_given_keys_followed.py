"""Files that give keys and change while the registry runs."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from pulseguard_registry.access import given_keys
from pulseguard_registry.access.tokens import make_token
from tests.registry.given import ROWS, Given, listed, minutes_left, status
from tests.registry.running import eventually, holds_after_a_second
from tests.registry.test_audit import records


def test_a_changed_file_is_followed_and_the_key_before_works_for_15_minutes_more(
    given: Given, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(given_keys, "LOOK_SECONDS", 1.0)
    with given.registry("viewer", "editor") as registry:
        old = given.keys["viewer"]
        written_at = datetime.now(UTC)
        new = given.write("viewer")
        eventually(lambda: status(registry, new) == 200)
        assert status(registry, old) == 200
        holds, ends = listed(registry, "viewer")
        assert (holds["expires_at"], holds["given_as"]) == (None, ends["given_as"])
        assert 14 < minutes_left(ends) <= 15
        # When it was taken over, not when that was answered: the first answers to it were no's.
        taken_over_at = datetime.fromisoformat(holds["created_at"])
        assert taken_over_at - written_at < timedelta(seconds=2)
        told = {
            (each["method"], each["object_id"])
            for each in records(registry, object_type="keys")[:2]
        }
        assert told == {("DELETE", ends["id"]), ("POST", holds["id"])}

        registry.execute(f"UPDATE api_keys SET expires_at = now() WHERE id = '{ends['id']}'")
        holds_after_a_second(lambda: status(registry, old) == 401)
        assert status(registry, given.keys["editor"]) == 200
    viewers = f"viewer={given.path('viewer')}: its key is taken over"
    assert f"{viewers}; the one before ends in 15 minutes" in caplog.text
    assert caplog.text.count("its key is taken over") == 4


@pytest.mark.parametrize("left", ["14 min", "-1 min"], ids=["before it has ended", "afterwards"])
def test_a_key_that_is_written_back_goes_on_without_an_end(given: Given, left: str) -> None:
    with given.registry("viewer") as registry:
        first = given.keys["viewer"]
        second = given.write("viewer")
        eventually(lambda: status(registry, second) == 200)
        registry.execute(
            f"UPDATE api_keys SET expires_at = now() + interval '{left}'"
            " WHERE expires_at IS NOT NULL"
        )
        given.write("viewer", first)
        eventually(lambda: listed(registry, "viewer")[1]["expires_at"] is None)

        newer, older = listed(registry, "viewer")
        assert older["expires_at"] is None
        assert 14 < minutes_left(newer) <= 15
        assert (status(registry, first), status(registry, second)) == (200, 200)


def test_the_keys_of_two_files_that_are_exchanged_both_stay(given: Given) -> None:
    one, other = given.path("viewer"), given.path("viewer 2")
    given.write("viewer 2", make_token("viewer"))
    with given.registry("viewer", extra=f"viewer={other}") as registry:

        def by_file() -> dict[str, str]:
            return {key["given_as"]: key["id"] for key in listed(registry, "viewer")}

        before = by_file()
        first, second = one.read_text(), other.read_text()
        one.write_text(second)
        other.write_text(first)

        eventually(
            lambda: by_file() == {str(one): before[str(other)], str(other): before[str(one)]}
        )
        assert {key["expires_at"] for key in listed(registry, "viewer")} == {None}


def is_told_once(caplog: pytest.LogCaptureFixture, fault: str) -> None:
    """However often it is found."""
    eventually(lambda: fault in caplog.text)
    time.sleep(0.2)
    assert caplog.text.count(fault) == 1


def test_a_file_that_becomes_useless_is_told_once_and_changes_nothing(
    given: Given, caplog: pytest.LogCaptureFixture
) -> None:
    with given.registry("viewer", "editor") as registry:
        path, before = given.path("viewer"), registry.rows(ROWS)
        path.unlink()
        is_told_once(caplog, f"viewer={path}: is not there")
        spoilt = {
            "is empty": "",
            "holds no whole key": given.keys["viewer"][:-1],
            "holds a key of role editor": given.keys["editor"],
        }
        for fault, text in spoilt.items():
            path.write_text(text)
            is_told_once(caplog, f"viewer={path}: {fault}")
        assert registry.rows(ROWS) == before
        assert status(registry, given.keys["viewer"]) == 200
        # The others are followed meanwhile.
        other = given.write("editor")
        eventually(lambda: status(registry, other) == 200)

        mended = given.write("viewer")
        eventually(lambda: status(registry, mended) == 200)


def test_what_the_database_refuses_is_told_once_and_tried_again(
    given: Given, caplog: pytest.LogCaptureFixture
) -> None:
    with given.registry("viewer") as registry:
        registry.execute("ALTER TABLE api_keys RENAME COLUMN given_as TO hidden")
        new = given.write("viewer")
        is_told_once(caplog, "given keys were not taken over, and are tried again: column")
        registry.execute("ALTER TABLE api_keys RENAME COLUMN hidden TO given_as")

        eventually(lambda: status(registry, new) == 200)
