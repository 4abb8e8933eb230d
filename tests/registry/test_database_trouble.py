"""A database that is not there, in five ways, and its return; and one that goes away later."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import psycopg
import pytest

from pulseguard_registry.database.migrate import LOCK, head_revision
from tests.registry.conftest import new_database
from tests.registry.process import RegistryProcess, registry_process
from tests.registry.proxy import Door, door
from tests.registry.running import RunningRegistry, eventually

PASSWORD = "right-and-secret"
AGENTS = "/api/v1/agents"


@dataclass(frozen=True)
class Trouble:
    """How the registry is told to connect, what it must say, and how an operator mends it."""

    port: int
    database: str
    cause: str
    mend: Callable[[], object]
    password: str = PASSWORD

    @property
    def url(self) -> str:
        """What stands in DATABASE_URL."""
        return f"postgresql://guarded:{self.password}@127.0.0.1:{self.port}/{self.database}"


@pytest.fixture(scope="module")
def guarded(postgres: str) -> str:
    """The server's URL, with a user `guarded` who needs a password."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE guarded SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
        (hba,) = connection.execute("SHOW hba_file").fetchone() or ("",)
        rules = Path(hba).read_text(encoding="utf-8")
        Path(hba).write_text(f"local all guarded scram-sha-256\n{rules}", encoding="utf-8")
        connection.execute("SELECT pg_reload_conf()")
    return postgres


@contextmanager
def door_to(postgres: str, mode: str) -> Iterator[Door]:
    """A TCP door to the server's socket."""
    folder = parse_qs(urlsplit(postgres).query)["host"][0]
    with door(Path(folder) / ".s.PGSQL.5432", mode) as opened:  # type: ignore[arg-type]
        yield opened


def execute(url: str, statement: str) -> None:
    """Run one statement as an operator."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


@contextmanager
def closed_port(postgres: str) -> Iterator[Trouble]:
    """Nothing listens."""
    with door_to(postgres, "shut") as way, new_database(postgres, "template0") as url:
        yield Trouble(way.port, name_of(url), "nothing listens there", lambda: way.set("open"))


@contextmanager
def black_hole(postgres: str) -> Iterator[Trouble]:
    """Connections are taken and nothing is ever said."""
    with door_to(postgres, "black hole") as way, new_database(postgres, "template0") as url:
        yield Trouble(way.port, name_of(url), "no answer", lambda: way.set("open"))


@contextmanager
def wrong_password(postgres: str) -> Iterator[Trouble]:
    """The password was changed on the server's side."""
    with door_to(postgres, "open") as way, new_database(postgres, "template0") as url:
        change = f"ALTER ROLE guarded PASSWORD '{PASSWORD}-new'"
        cause = "password of user 'guarded' was refused"
        yield Trouble(
            way.port, name_of(url), cause, lambda: execute(postgres, change), f"{PASSWORD}-new"
        )
        execute(postgres, f"ALTER ROLE guarded PASSWORD '{PASSWORD}'")


@contextmanager
def missing_database(postgres: str) -> Iterator[Trouble]:
    """The database was not created yet."""
    with door_to(postgres, "open") as way:
        make = "CREATE DATABASE not_yet"
        yield Trouble(
            way.port, "not_yet", "this database does not exist", lambda: execute(postgres, make)
        )
        execute(postgres, "DROP DATABASE not_yet WITH (FORCE)")


@contextmanager
def other_encoding(postgres: str) -> Iterator[Trouble]:
    """It was created where no locale was set."""
    make = "CREATE DATABASE no_text TEMPLATE template0 ENCODING '{}' LOCALE 'C'"
    drop = "DROP DATABASE no_text WITH (FORCE)"

    def mend() -> None:
        for statement in (drop, make.format("UTF8")):
            execute(postgres, statement)

    execute(postgres, make.format("SQL_ASCII"))
    with door_to(postgres, "open") as way:
        yield Trouble(way.port, "no_text", "its encoding is SQL_ASCII, and has to be UTF8", mend)
    execute(postgres, drop)


@contextmanager
def newer_schema(postgres: str) -> Iterator[Trouble]:
    """A newer registry has migrated it."""
    with door_to(postgres, "open") as way, new_database(postgres) as url:
        execute(url, "UPDATE alembic_version SET version_num = '9999'")
        back = f"UPDATE alembic_version SET version_num = '{head_revision()}'"
        yield Trouble(way.port, name_of(url), "'9999' is newer", lambda: execute(url, back))


def name_of(url: str) -> str:
    """The database in a URL."""
    return urlsplit(url).path[1:]


@pytest.mark.parametrize(
    "way",
    [closed_port, black_hole, wrong_password, missing_database, other_encoding, newer_schema],
    ids=lambda way: way.__name__,
)
def test_a_database_that_is_not_there_is_named_and_waited_for(
    guarded: str, tmp_path: Path, way: Callable[[str], AbstractContextManager[Trouble]]
) -> None:
    with way(guarded) as trouble, registry_process(tmp_path, trouble.url) as registry:
        listening_since = time.monotonic()
        # The door to a black hole is slow to be noticed; the sentence comes within 5 s.
        eventually(lambda: trouble.cause in registry.get(AGENTS).body["detail"], 5)
        refused = registry.get(AGENTS)
        alive = registry.get("/api/v1/health")

        assert refused.status == registry.get("/api/v1/health/ready").status == 503
        sentence = refused.body["detail"]
        for part in ("127.0.0.1", str(trouble.port), trouble.database, trouble.cause, ";"):
            assert part in sentence
        assert alive.status == 200
        assert alive.seconds < 0.25
        lines = [line for line in registry.log().splitlines() if sentence in line]
        assert len(lines) == 1, registry.log()
        assert registry.log().count("\n") <= 3, registry.log()
        assert time.monotonic() - listening_since < 6

        trouble.mend()
        eventually(registry.is_ready, 5)

        assert registry.get(AGENTS, registry.admin_key()).status == 200
        assert registry.process.poll() is None
        assert not re.search(PASSWORD, registry.log() + sentence)


@pytest.mark.parametrize("mode", ["shut", "black hole"])
def test_a_database_that_goes_away_is_503_at_once_and_back_without_a_restart(
    guarded: str, tmp_path: Path, mode: str
) -> None:
    with (
        door_to(guarded, "open") as way,
        new_database(guarded, "template0") as url,
        registry_process(
            tmp_path, Trouble(way.port, name_of(url), "", lambda: None).url
        ) as registry,
    ):
        eventually(registry.is_ready, 10)
        key = registry.admin_key()
        assert registry.get(AGENTS, key).status == 200

        way.set(mode)  # type: ignore[arg-type]
        slowest = _slowest_until_refused(registry, key)
        assert slowest < 5
        eventually(lambda: registry.get("/api/v1/discovery/targets", key).status == 503, 3)
        assert registry.get("/api/v1/health").seconds < 0.25
        # What the alert about it links to.
        assert httpx2.get(f"{registry.url}/runbooks").status_code == 200

        way.set("shut")  # a black hole loses what was sent, so its connections must go
        way.set("open")
        eventually(lambda: registry.get(AGENTS, key).status == 200, 5)
        assert registry.get("/api/v1/discovery/targets", key).status == 200


def _slowest_until_refused(registry: RegistryProcess, key: str) -> float:
    """Ask until the answer is 503; the longest that any answer took."""
    slowest = 0.0
    deadline = time.monotonic() + 6
    while time.monotonic() < deadline:
        answer = registry.get(AGENTS, key)
        slowest = max(slowest, answer.seconds)
        if answer.status == 503:
            return slowest
    pytest.fail("the registry never noticed")


def test_a_schema_that_somebody_else_is_changing_is_said_and_waited_for(
    guarded: str, tmp_path: Path
) -> None:
    with new_database(guarded, "template0") as url, psycopg.connect(url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        with registry_process(tmp_path, url) as registry:
            eventually(lambda: "another registry" in registry.get(AGENTS).body["detail"], 5)

            other.rollback()
            eventually(registry.is_ready, 5)


def test_a_database_that_falls_silent_while_the_schema_is_brought_up_holds_up_nothing(
    guarded: str, tmp_path: Path
) -> None:
    with (
        door_to(guarded, "open") as way,
        new_database(guarded, "template0") as url,
        psycopg.connect(url) as other,
    ):
        other.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        trouble = Trouble(way.port, name_of(url), "", lambda: None)
        with registry_process(tmp_path, trouble.url) as registry:
            time.sleep(0.5)  # by now it waits for the lock
            way.set("black hole")
            eventually(lambda: "no answer" in registry.get(AGENTS).body["detail"], 8)
            started = time.monotonic()
            assert registry.stop() == 0
            assert time.monotonic() - started < 8


def test_a_request_that_waits_for_a_lock_is_503_within_five_seconds(
    registry: RunningRegistry,
) -> None:
    def seconds_until_503(_: int) -> float:
        began = time.monotonic()
        assert registry.get(AGENTS).status_code == 503
        return time.monotonic() - began

    with psycopg.connect(registry.database_url) as other, ThreadPoolExecutor(30) as threads:
        other.execute("LOCK TABLE agents IN ACCESS EXCLUSIVE MODE")
        # More than there are connections: some wait for one of those first.
        assert max(threads.map(seconds_until_503, range(30))) < 5

    assert registry.get(AGENTS).status_code == 200
