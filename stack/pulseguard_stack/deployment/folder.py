"""The folder secrets/: what is read there and written, by one at a time."""

import errno
import fcntl
import os
import pwd
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pulseguard_prometheus.durable_file import write_durably
from pulseguard_stack.deployment.secret_files import FILES, FOLDERS, SecretFile
from pulseguard_stack.errors import SecretsUnusable

Say = Callable[[str], None]

# Who cannot pass the folder reaches nothing in it. What is mounted is read by the containers'
# users, whose numbers this host does not know.
FOLDER_MODE: Final = 0o700
SUBFOLDER_MODE: Final = 0o755
FILE_MODE: Final = 0o444
# As it is committed: written again where the whole folder was removed, lest git take the secrets.
GITIGNORE: Final = """\
# All of this is secret: git has the empty folders alone, which docker-compose.yml mounts.
*
!*/
!.gitignore
!.gitkeep
"""
AGAIN: Final = "and run `make secrets` again"
_NO_FOLDER: Final = "there has to be a folder: move away what is there"
_MENDS: Final[Mapping[int, str]] = {
    errno.EACCES: 'make all of it yours (sudo chown -R "$(id -u):$(id -g)" {folder})',
    errno.EPERM: 'make all of it yours (sudo chown -R "$(id -u):$(id -g)" {folder})',
    errno.EEXIST: _NO_FOLDER,
    errno.ENOTDIR: _NO_FOLDER,
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there",
}


@contextmanager
def opened(folder: Path, say: Say) -> Iterator[dict[str, str]]:
    """What the files hold now, with all folders there and nobody else at work on them.

    SecretsUnusable has a line for everything that is wrong with any file; nothing is written then.
    """
    _make_folder(folder, folder, FOLDER_MODE)
    with _explained(folder, folder):
        if not (folder / ".gitignore").exists():
            write_durably(folder / ".gitignore", GITIGNORE.encode())
        # Not for writing: a lock file of root's serves as well.
        lock = os.open(folder / ".lock", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        with _explained(folder, folder):
            _take(lock, say)
        for name in FOLDERS:
            _make_folder(folder, folder / name, SUBFOLDER_MODE)
        yield _read(folder)
    finally:
        os.close(lock)


def write_secret(folder: Path, path: str, text: str) -> None:
    """Makes the file hold this: whoever reads meanwhile sees the old text or the new."""
    with _explained(folder, folder / path):
        write_durably(folder / path, f"{text}\n".encode(), mode=FILE_MODE)


def _make_folder(folder: Path, path: Path, mode: int) -> None:
    with _explained(folder, path):
        path.mkdir(mode=mode, exist_ok=True)
        _set_mode(path, mode)


def _set_mode(path: Path, mode: int) -> None:
    # Not where it is right: what is root's, others may use so but not change.
    if stat.S_IMODE(path.stat().st_mode) != mode:
        path.chmod(mode)


def _take(lock: int, say: Say) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another `make secrets` is at work; this one goes on when it has ended")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _read(folder: Path) -> dict[str, str]:
    held: dict[str, str] = {}
    faults: list[str] = []
    for file in FILES:
        path = folder / file.path
        try:
            with _explained(folder, path):
                text = _text(path)
        except SecretsUnusable as problem:
            faults.append(str(problem))
            continue
        if text is not None:
            held[file.path] = text
            faults += _faults(file, path, text)
    if faults:
        raise SecretsUnusable("\n".join(faults))
    return held


def _text(path: Path) -> str | None:
    """What the file holds, without the newline at its end; None where there is none."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise SecretsUnusable(
            f"{path} is a folder where a file has to be, as Docker makes one for a mount that it"
            f" does not find; remove it (sudo rmdir {path}) {AGAIN}"
        )
    if not stat.S_ISREG(mode):
        raise SecretsUnusable(f"{path} is no file; move it away {AGAIN}")
    _set_mode(path, FILE_MODE)
    # Not as text with line ends of any kind: to a shell, \r is of the secret.
    return path.read_bytes().decode(errors="replace").rstrip("\n")


def _faults(file: SecretFile, path: Path, text: str) -> Iterator[str]:
    if file.fault is not None and (fault := file.fault(text) if text else "is empty"):
        mend = "put the right text there, or remove it to have another made"
        yield f"{path} {fault}; {mend}, {AGAIN}"


@contextmanager
def _explained(folder: Path, path: Path) -> Iterator[None]:
    """An OSError within is SecretsUnusable, which names the file, the reason and the mend."""
    try:
        yield
    except OSError as error:
        reason = f"{error.strerror or error}{foreign_owner(path)}"
        mend = _MENDS.get(error.errno or 0, "mend that").format(folder=folder)
        raise SecretsUnusable(f"{path} cannot be used ({reason}); {mend}, {AGAIN}") from None


def foreign_owner(path: Path) -> str:
    """Whose it is, or its folder, where that is another user."""
    for each in (path, path.parent):
        try:
            owner = each.stat().st_uid
        except OSError:
            continue
        if owner != os.geteuid():
            return f"; {each} is {_name(owner)}'s"
    return ""


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
