"""Which processes of an agent live: each holds a lock on a file of its own until it ends."""

import fcntl
import os
from typing import Final

from pulseguard.group.folder import Folder
from pulseguard.held import Held

_NUMBERS: Final = ".numbers"


class Member:
    """This process among those of its agent."""

    def __init__(self, folder: Folder) -> None:
        self.name = f"{os.getpid()}.{os.urandom(6).hex()}"
        self._held: Held | None = None
        self.enter(folder)

    def enter(self, folder: Folder) -> None:
        """Be seen by the others; again where the folder was made anew."""
        self.let_go()
        # Under another name until it is locked: no moment in which it is there and looks dead.
        beside = f".{self.name}"
        descriptor = folder.open(beside, os.O_RDONLY | os.O_CREAT)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        folder.rename(beside, self.name)
        self._held = Held(descriptor)

    def is_seen(self, folder: Folder) -> bool:
        """Whether the others find this process, and that it lives."""
        return (
            self._held is not None
            and self._held.is_whole()
            and folder.version(self.name) is not None
        )

    def leave(self, folder: Folder) -> None:
        """Be seen no more."""
        folder.remove(self.name)
        self.let_go()

    def let_go(self) -> None:
        """Close what a forked child has inherited; harmless when repeated."""
        if self._held is not None:
            self._held.close()


def numbers_of(name: str) -> str:
    """The file with this process's numbers."""
    return name + _NUMBERS


def process_of(name: str) -> int:
    """The process id of a member."""
    return int(name.partition(".")[0])


def members(folder: Folder) -> tuple[set[str], set[str]]:
    """Those that live, and those that have ended and left something behind."""
    names = [name for name in folder.names() if name[:1].isdigit()]
    known = {name.removesuffix(_NUMBERS) for name in names}
    living = {name for name in known if _lives(folder, name)}
    return living, known - living


def _lives(folder: Folder, name: str) -> bool:
    try:
        descriptor = folder.open(name)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
