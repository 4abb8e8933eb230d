"""Which of several equal agents on one host this is: the lowest number that nobody holds."""

import errno
import fcntl
import os
from typing import TYPE_CHECKING, Final

from pulseguard.description import host_name
from pulseguard.guard import OncePerMinute
from pulseguard.held import Held
from pulseguard.recording.labels import MAX_LENGTH

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER_MODE: Final = 0o1777
# The sticky bit keeps cleaners away (XDG Base Directory specification, XDG_RUNTIME_DIR).
_FILE_MODE: Final = 0o1444
_MOST_SLOTS: Final = 4096


def default_folder() -> "Path":
    """The folder that all users of this host share."""
    import tempfile  # here: agents with an instance of their own need no slot
    from pathlib import Path

    return Path(tempfile.gettempdir()) / "pulseguard-slots"


class Slot:
    """A number held by a file lock until `release` or the death of the process."""

    def __init__(self, number: int, descriptor: int, folder: "Path", file_name: str) -> None:
        self.number = number
        self._held = Held(descriptor)
        self._folder = folder
        self._file_name = file_name
        self._is_released = False

    def keep(self) -> None:
        """Take the number again where a daemon has closed it; somebody else may have it by then."""
        if self._is_released or self._held.is_whole():
            return
        directory = _open_folder(self._folder)
        try:
            descriptor = _lock(directory, self._file_name)
        finally:
            os.close(directory)
        if descriptor is not None:
            self._held = Held(descriptor)

    def release(self) -> None:
        """Let the number go; harmless when repeated."""
        self._is_released = True
        self._held.close()


def take_instance(
    environment: str, name: str, folder: "Path", journal: OncePerMinute
) -> tuple[str, Slot | None]:
    """`<host name>-<slot>`, and the slot; slot 0 and a line in the log where none can be locked.

    The program that `pulseguard run` runs is one agent, whoever speaks of it: it needs no slot.
    """
    if "PULSEGUARD_RUN" in os.environ:
        from pulseguard.running.own_agent import instance_of_run

        instance = instance_of_run(environment, name)
        if instance:
            return instance, None
    slot = None
    try:
        slot = take_slot(environment, name, folder)
    except OSError as error:
        journal.write(
            "no slot",
            f"no slot can be locked in {folder} ({error}): this agent calls itself slot 0;"
            " give several on one host an instance each (PULSEGUARD_INSTANCE)",
        )
    suffix = f"-{slot.number if slot else 0}"
    return host_name()[: MAX_LENGTH - len(suffix)] + suffix, slot


def take_slot(environment: str, name: str, folder: "Path") -> Slot:
    """The lowest free slot of this agent on this host; OSError where locking is impossible."""
    directory = _open_folder(folder)
    try:
        import hashlib  # here, as above

        key = hashlib.sha256(f"{environment}\0{name}".encode()).hexdigest()[:32]
        for number in range(_MOST_SLOTS):
            descriptor = _lock(directory, f"{key}-{number}")
            if descriptor is not None:
                return Slot(number, descriptor, folder, f"{key}-{number}")
    finally:
        os.close(directory)
    raise OSError(f"all {_MOST_SLOTS} slots in {folder} are taken")


def _open_folder(folder: "Path") -> int:
    _make_folder(folder)
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def _make_folder(folder: "Path") -> None:
    try:
        folder.mkdir()
    except FileExistsError:
        return
    # mkdir's own mode is cut by the umask, and other users need the folder as well.
    folder.chmod(_FOLDER_MODE)


def _lock(directory: int, file_name: str) -> int | None:
    """The descriptor of the locked file, or None where somebody else holds it."""
    descriptor = _open(directory, file_name)
    if descriptor is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_still_there(directory, file_name, descriptor):
            return descriptor
    except BlockingIOError:
        pass
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _open(directory: int, file_name: str) -> int | None:
    # A read-only descriptor is enough for flock, so that a file of another user's serves as well.
    # O_CREAT alone would be refused on that file where the kernel protects sticky folders.
    try:
        try:
            return os.open(file_name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=directory)
        except FileNotFoundError:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CREAT | os.O_EXCL
            descriptor = os.open(file_name, flags, _FILE_MODE, dir_fd=directory)
            os.fchmod(descriptor, _FILE_MODE)
            return descriptor
    except (FileExistsError, PermissionError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None
        raise


def _is_still_there(directory: int, file_name: str, descriptor: int) -> bool:
    """Whether the locked file is the one by that name: cleaners of /tmp may have removed it."""
    try:
        found = os.stat(file_name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(descriptor))
