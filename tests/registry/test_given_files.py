"""The setting of the files that give keys, and files that give none: refused before anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pulseguard_registry.access.given_files import GivenFile, GivenFiles
from pulseguard_registry.access.tokens import make_token
from pulseguard_registry.errors import ConfigurationError
from pulseguard_registry.settings import Settings, read_settings
from tests.registry.running import PEPPER
from tests.registry.starts import serve

KEY = make_token("viewer")


def test_files_are_named_by_role_and_for_agents_by_environment() -> None:
    settings = Settings(
        given_keys="admin=/keys/admin.key, agent:production = /keys/a=b.key,"
        "agent:demo at home=demo.key, "
    )

    assert settings.given_keys == (
        GivenFile("admin", None, Path("/keys/admin.key")),
        GivenFile("agent", "production", Path("/keys/a=b.key")),
        GivenFile("agent", "demo at home", Path("demo.key")),
    )
    assert settings.gives_admin_key
    assert not Settings(given_keys="viewer=/v").gives_admin_key


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("/keys/admin.key", "is no role of a given key; write role=path with one of admin, editor"),
        ("owner=/k", "'owner' is no role"),
        ("enrolment:production=/k", "ends within 24 h, so no file gives it; make one with"),
        ("agent=/k", "needs an environment; write agent:environment=path"),
        ("agent: =/k", "needs an environment"),
        ("agent:a\tb=/k", "no name of an environment; give one line"),
        (f"agent:{'a' * 121}=/k", "at most 120 characters"),
        ("admin:production=/k", "only keys of role agent have an environment; write admin=path"),
        ("admin", "admin names no file; write admin=path"),
        ("viewer=/k, agent:demo=", "agent:demo names no file; write agent:demo=path"),
        ("viewer=/k/\x1b[2J", "viewer names no file"),
        ("viewer=/k, editor=/k", "/k is named twice; give each key a file of its own"),
        (f"viewer={KEY}", "viewer: this is a key, not a file; write it into a file and name that"),
        (KEY, "is no role of a given key"),
    ],
    # Processes that share the tests call each by the same name.
    ids=lambda text: text.replace(KEY, "<key>"),
)
def test_a_setting_that_cannot_be_meant_is_refused_with_the_mend_and_without_a_key(
    monkeypatch: pytest.MonkeyPatch, value: str, words: str
) -> None:
    monkeypatch.setenv("PULSEGUARD_GIVEN_KEYS", value)

    with pytest.raises(ConfigurationError) as refused:
        read_settings()

    told = str(refused.value)
    assert words in told
    assert told.startswith(f"PULSEGUARD_GIVEN_KEYS={value.replace(KEY, 'pg_…')!r}: ")
    assert KEY not in told


def write(text: str) -> Callable[[Path], object]:
    """A file that holds this."""
    return lambda path: path.write_text(text)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: None, "is not there; write the key into it, or name another file"),
        (lambda path: path.symlink_to(path), "cannot be read (Too many levels"),
        (Path.mkdir, "is no file, as the folder is which Docker makes of a missing one"),
        (write(" \n"), "is empty; write the key into it"),
        (write(KEY[:-1]), "holds no whole key; write one into it, pg_viewer_…, alone"),
        (write(KEY + "\n" + KEY), "holds no whole key"),
        (write("über" * 9), "holds no whole key"),
        (write("a" * 10_000), "holds no whole key"),
        (write(make_token("admin")), "holds a key of role admin; write one of role viewer"),
        (write(make_token("enrolment")), "holds a key of role enrolment"),
    ],
)
def test_a_file_that_gives_no_key_of_its_role_is_told_with_the_mend(
    tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    path = tmp_path / "viewer.key"
    make(path)

    with pytest.raises(ConfigurationError) as refused:
        GivenFiles([GivenFile("viewer", None, path)])

    assert str(refused.value).startswith(f"PULSEGUARD_GIVEN_KEYS: viewer={path}: {words}")
    assert KEY[:-1] not in str(refused.value)


def test_every_file_that_cannot_be_used_is_told_at_once_before_anything_is_started(
    tmp_path: Path,
) -> None:
    for name in ("one", "other", "third"):
        (tmp_path / name).write_text(KEY)
    (tmp_path / "third").write_text(make_token("viewer"))
    given = f"viewer={tmp_path}/{{}}, viewer={tmp_path}/{{}}, viewer={tmp_path}/{{}}, editor=/no"
    settings = {
        "PULSEGUARD_GIVEN_KEYS": given.format("one", "other", "third"),
        "PULSEGUARD_DATA_DIR": str(tmp_path / "data"),
        "PULSEGUARD_PEPPER": PEPPER,
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    }

    ended = serve("--port", "0", **settings)

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert f"viewer={tmp_path}/one: holds the same key as {tmp_path}/other; write" in ended.stderr
    assert f"viewer={tmp_path}/other: holds the same key as {tmp_path}/one; write" in ended.stderr
    assert "editor=/no: is not there" in ended.stderr
    assert "third" not in ended.stderr
    assert KEY not in ended.stderr
    assert not (tmp_path / "data").exists()


def test_another_admin_key_than_the_given_one_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "admin.key").write_text(make_token("admin"))
    settings = {
        "PULSEGUARD_GIVEN_KEYS": f"admin={tmp_path}/admin.key",
        "PULSEGUARD_DATA_DIR": str(tmp_path / "data"),
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    }

    ended = serve("--port", "0", "--new-admin-key", **settings)

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert "--new-admin-key: PULSEGUARD_GIVEN_KEYS gives the admin key; write" in ended.stderr
