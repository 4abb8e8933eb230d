"""The folder in which the registry keeps what only its owner may read: pepper and admin key."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from pulseguard_registry.errors import ConfigurationError
from pulseguard_registry.pepper import check_pepper
from pulseguard_registry.settings import Settings

PEPPER_FILE = "pepper"
ADMIN_KEY_FILE = "admin.key"


def open_folder(settings: Settings) -> Path:
    """Make sure the folder is there and ours, if anything is to be kept in it; ConfigurationError
    where it cannot be used."""
    folder = settings.data_dir / "secrets"
    if settings.keeps_nothing():
        return folder
    try:
        # The data folder itself stays passable: the embedded PostgreSQL runs as its own user.
        settings.data_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        (folder / ".writable").touch(0o600)
        # Another start on this folder may have been faster.
        (folder / ".writable").unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"PULSEGUARD_DATA_DIR={settings.data_dir}: cannot be written ({error.strerror});"
            " name a folder that this user may write"
        ) from None
    return folder


def read_pepper(settings: Settings, folder: Path) -> str:
    """The pepper given by setting, else the one kept in the folder, made on the first start."""
    given = settings.resolved_pepper()
    if given is not None:
        return given
    path = folder / PEPPER_FILE
    if not path.exists():
        _write_first(path, secrets.token_urlsafe(32))
    kept = path.read_text(encoding="utf-8").strip()
    check_pepper(kept, f"{path}, which belongs into a backup")
    return kept


def read_key(path: Path) -> str:
    """The key that a file holds; ConfigurationError where it cannot be read, or holds none."""
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(
            f"the key file {path} cannot be read ({reason}); name one with --key-file"
        ) from None
    if not key.isprintable() or not key:
        raise ConfigurationError(f"the key file {path} holds no key; name one with --key-file")
    return key


def known_pepper(settings: Settings) -> str | None:
    """The pepper given by setting, else the one in the data folder; None where there is none."""
    given = settings.resolved_pepper()
    if given is not None:
        return given
    try:
        return (settings.data_dir / "secrets" / PEPPER_FILE).read_text(encoding="utf-8").strip()
    except OSError:
        return None


def write_pepper(folder: Path, pepper: str) -> None:
    """Keep a pepper in the folder, for the next start."""
    write_secret(folder / PEPPER_FILE, pepper)


def write_secret(path: Path, secret: str) -> Path:
    """Write a file that only its owner can read, in one step; returns its path."""
    beside = _written_beside(path, secret)
    try:
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)  # nobody knows of it
        raise
    return path


def write_new_secret(path: Path, secret: str) -> None:
    """The same where there is no such file yet; FileExistsError where there is one, which stays."""
    beside = _written_beside(path, secret)
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _write_first(path: Path, secret: str) -> None:
    # Another start on this folder may have been faster: then its secret stays.
    with suppress(FileExistsError):
        write_new_secret(path, secret)


def _written_beside(path: Path, secret: str) -> Path:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    return beside
