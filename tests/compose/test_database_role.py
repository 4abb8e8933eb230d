"""docker/postgres/role.sql: the registry's role of PostgreSQL, and what it may do."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from pulseguard_registry.embedded import DATA_FOLDER, EmbeddedPostgres, programs_folder
from tests.compose.compose_file import REPOSITORY

SCRIPT = REPOSITORY / "docker" / "postgres" / "role.sql"
IN_THE_CONTAINER = "/run/secrets/postgres.password"
PASSWORD = 'it\'s a "password" of 32 letters'


@pytest.fixture
def server() -> Iterator[str]:
    """A PostgreSQL of which nothing is but what the script has made; the host of its socket."""
    # Not under pytest's folder: as root the server runs as another user, who must reach it.
    folder = Path(tempfile.mkdtemp(prefix="pulseguard-tests-"))
    postgres = EmbeddedPostgres(folder)
    try:
        run_script(postgres.start(), folder)
        yield quote(str(folder / DATA_FOLDER), safe="")
    finally:
        postgres.stop()
        shutil.rmtree(folder)


def run_script(url: str, folder: Path) -> None:
    """As the image does at its first start, which has given the superuser the same password."""
    with psycopg.connect(url) as connection:
        connection.execute("ALTER ROLE postgres PASSWORD 'of the image'")
    secret = folder / "postgres.password"
    secret.write_text(PASSWORD, encoding="utf-8")
    text = SCRIPT.read_text(encoding="utf-8")
    assert IN_THE_CONTAINER in text
    programs = programs_folder()
    assert programs is not None
    command = [str(programs / "psql"), "-v", "ON_ERROR_STOP=1", "--no-psqlrc", "-q", url]
    script = text.replace(IN_THE_CONTAINER, str(secret))
    subprocess.run(command, input=script, text=True, check=True, timeout=60)


def test_the_registry_needs_no_superuser_and_the_superuser_has_no_password(server: str) -> None:
    url = f"postgresql://pulseguard@/pulseguard?host={server}"
    command = [sys.executable, "-m", "pulseguard.command", "db", "upgrade"]
    environment = {**os.environ, "DATABASE_URL": url}

    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)

    with closing(psycopg.connect(f"postgresql://postgres@/postgres?host={server}")) as connection:
        roles = connection.execute(
            "SELECT rolname, rolsuper, rolcreaterole, rolpassword LIKE 'SCRAM-SHA-256$%'"
            "  FROM pg_authid WHERE rolcanlogin ORDER BY 1"
        ).fetchall()
    assert roles == [("postgres", True, True, None), ("pulseguard", False, False, True)]
