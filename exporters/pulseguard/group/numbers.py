"""The files of numbers in a group's folder: read when they change, added up when a process ends."""

from collections.abc import Iterable
from typing import Final

from pulseguard.catalog import Metric
from pulseguard.group.folder import Folder
from pulseguard.group.members import members, numbers_of
from pulseguard.group.part_file import PartFile, decode, encode
from pulseguard.group.summing import Sum
from pulseguard.recording.whole import Part

_ENDED: Final = "ended"


class Numbers:
    """The numbers of the other processes, living and ended.

    The numbers of one that has ended are added to the file of those that have. That file names
    them, so that a leader killed in between leaves nothing that could be counted twice.
    """

    def __init__(self, folder: Folder, ended: Sum) -> None:
        self._folder = folder
        self._sum = ended
        self._files: dict[str, tuple[object, PartFile]] = {}
        self.living: frozenset[str] = frozenset()

    def write(self, name: str, part: Part, metrics: Iterable[Metric]) -> None:
        """Hand in the numbers of this process."""
        self._folder.write(numbers_of(name), encode(part, metrics))

    def read(self, me: str | None) -> list[PartFile]:
        """All but this process's own; a file that cannot be read is what it was before."""
        living, gone = members(self._folder)
        self.living = frozenset(living - {me})
        ended = self._read(_ENDED)
        included = set(ended.includes) if ended else set()
        names = sorted((living | gone) - included - {me})
        self._keep({_ENDED, *map(numbers_of, names)})
        found = [ended, *(self._read(numbers_of(name)) for name in names)]
        return [file for file in found if file is not None]

    def read_ended(self, me: str | None) -> list[PartFile]:
        """Of those that have ended, without this process."""
        ended = self._read(_ENDED)
        gone = members(self._folder)[1] - set(ended.includes if ended else ()) - {me}
        found = [ended, *(self._read(numbers_of(name)) for name in sorted(gone))]
        return [file for file in found if file is not None]

    def forget(self) -> None:
        """Remove what earlier processes have left; those that live are left alone."""
        for name in members(self._folder)[1]:
            self._remove(name)
        self._folder.remove(_ENDED)

    def fold(self) -> None:
        """Add up those who have ended, and remove what they left. For the leader alone."""
        _, gone = members(self._folder)
        if not gone:
            return
        ended = self._read(_ENDED)
        included = gone & set(ended.includes) if ended else set()
        new = {name: self._read(numbers_of(name)) for name in sorted(gone - included)}
        files = [file for file in (ended, *new.values()) if file is not None]
        if any(new.values()):
            self._sum.know(metric for file in files for metric in file.own_metrics)
            part = self._sum.ended(file.part for file in files)
            self._folder.write(_ENDED, encode(part, self._sum.metrics, [*included, *new]))
        for name in gone:
            self._remove(name)

    def _remove(self, name: str) -> None:
        self._folder.remove(name)
        self._folder.remove(numbers_of(name))

    def _read(self, file: str) -> PartFile | None:
        known = self._files.get(file)
        version = self._folder.version(file)
        if known is not None and known[0] == version:
            return known[1]
        content = self._folder.read(file)
        if content is None:
            return None
        try:
            found = decode(content)
        except ValueError:
            return known[1] if known else None
        self._files[file] = (version, found)
        return found

    def _keep(self, but: set[str]) -> None:
        self._files = {name: found for name, found in self._files.items() if name in but}
