"""The folder of rule files that Prometheus reads: at any moment, crashes included, files that it
starts with, by one sync at a time.

    <id>.yml      what Prometheus reads, and nothing else in here is named so
    .new/         files that are being checked
    .before.json  what to put back, as long as Prometheus has not taken what was changed
    .published    of which version of the bundle all of it is
    .lock         held by the sync that keeps this folder
"""

import fcntl
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pulseguard_prometheus.durable_file import sync_folder, write_durably, write_new
from pulseguard_prometheus.errors import BadSetting, RulesFolderInUse, RulesFolderTrouble
from pulseguard_prometheus.publication.stamp import stamped_revision
from pulseguard_prometheus.targets_file import Signature, file_signature
from pulseguard_prometheus.turns import Note, unwatched

ENDING = ".yml"


class RulesFolder:
    """A folder of rule files that this process has claimed; `note` is told of each file that is
    written: a slow disk takes its time for thousands."""

    def __init__(self, path: Path, *, note: Note = unwatched) -> None:
        self.path = path
        self._note = note
        self.candidates = path / ".new"
        self._before_file = path / ".before.json"
        self._published_file = path / ".published"

    def files(self) -> dict[str, bytes | None]:
        """Answers by name what Prometheus would read, None for what is no plain file."""
        with _translated("read"):
            return {name: _content(self.path / name) for name in self._names()}

    def signatures(self) -> dict[str, Signature | None]:
        """Answers what changes whenever any of these files does."""
        with _translated("read"):
            return {name: file_signature(self.path / name) for name in self._names()}

    def stage(self, files: Mapping[str, bytes]) -> None:
        """Writes files beside, where they can be checked and from where `swap` takes them."""
        with _translated("written"):
            self.candidates.mkdir(exist_ok=True)
            for name, content in files.items():
                self._note()
                if _content(self.candidates / name) != content:
                    write_new(self.candidates / name, content)

    def swap(self, written: Iterable[str], removed: Iterable[str]) -> None:
        """Puts staged files in place and takes others away; what was there can be put back until
        it is `settle`d, also by another process after a crash."""
        written, removed = list(written), list(removed)
        with _translated("written"):
            self._note_before([*written, *removed])
            for name in written:
                (self.candidates / name).replace(self.path / name)
            for name in removed:
                (self.path / name).unlink(missing_ok=True)
            sync_folder(self.path)

    @property
    def is_settled(self) -> bool:
        """Whether all that is in place was taken by Prometheus, as far as is known."""
        return not self._before_file.exists()

    def settle(self) -> None:
        """Forgets what was there before."""
        with _translated("written"):
            self._before_file.unlink(missing_ok=True)
            sync_folder(self.path)

    def published_version(self) -> int:
        """Answers which version of the bundle was published last, 0 where that is not known."""
        with _translated("read"):
            text = _content(self._published_file) or b""
        return int(text) if text.isdigit() else 0

    def note_published(self, version: int) -> None:
        """Remembers durably that all that is in place is of this version."""
        if version == self.published_version():
            return
        with _translated("written"):
            write_durably(self._published_file, str(version).encode())

    def put_back(self) -> dict[str, bytes | None]:
        """Puts back what was there when it was settled last, and answers that; None: no file.

        Harmless where nothing was changed, and after a crash in the midst of it.
        """
        with _translated("written"):
            before = self._before()
            for name, content in before.items():
                self._note()
                if content is None:
                    (self.path / name).unlink(missing_ok=True)
                elif _content(self.path / name) != content:
                    self.candidates.mkdir(exist_ok=True)
                    write_new(self.candidates / name, content)
                    (self.candidates / name).replace(self.path / name)
            sync_folder(self.path)
        self.settle()
        return before

    def clear_candidates(self) -> None:
        """Removes whatever is staged."""
        with _translated("written"):
            for left in self.candidates.iterdir() if self.candidates.is_dir() else ():
                left.unlink()

    def _names(self) -> list[str]:
        return sorted(name for name in os.listdir(self.path) if name.endswith(ENDING))  # noqa: PTH208

    def _note_before(self, names: Iterable[str]) -> None:
        """Durably, before anything changes. What was noted already is older, so it stays."""
        contents = {name: _content(self.path / name) for name in names}
        before = {name: _kept(content) for name, content in contents.items()} | self._before()
        document = {name: content and content.decode() for name, content in before.items()}
        write_durably(self._before_file, json.dumps(document).encode())

    def _before(self) -> dict[str, bytes | None]:
        try:
            document = json.loads(self._before_file.read_bytes())
            noted = {name: content and content.encode() for name, content in document.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, AttributeError):
            # Ours is whole: it was renamed into place. So there is nothing to be put back.
            return {}
        plain = (name for name in noted if name.endswith(ENDING) and "/" not in name)
        return {name: _kept(noted[name]) for name in plain}


@contextmanager
def claimed_rules_folder(path: Path, *, note: Note = unwatched) -> Iterator[RulesFolder]:
    """Claims the folder for as long as the context lasts, making it where it is missing; what a
    crash has left is mended first.

    Raises RulesFolderInUse where another process has it, BadSetting where it cannot be used.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / ".lock").open("w")
    except OSError as problem:
        raise _unusable(path, problem.strerror or str(problem)) from problem
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise RulesFolderInUse(
                f"another pulseguard sync keeps {path}: stop that one, or name another folder"
            ) from problem
        folder = RulesFolder(path, note=note)
        try:
            folder.put_back()
            folder.clear_candidates()
            folder.files()
        except RulesFolderTrouble as problem:
            raise _unusable(path, problem.cause) from problem
        yield folder


def _unusable(path: Path, why: str) -> BadSetting:
    return BadSetting(f"rules folder {path}: it cannot be used ({why})")


def _kept(content: bytes | None) -> bytes | None:
    """What may be put back: nothing that was never checked, as what somebody else has written."""
    return content if content is not None and stamped_revision(content) is not None else None


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if stat.S_ISREG(path.lstat().st_mode) else None
    except FileNotFoundError:
        return None


@contextmanager
def _translated(deed: str) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        # Without the path: this is told to the registry too.
        raise RulesFolderTrouble(
            f"the folder of rules cannot be {deed} ({problem.strerror or type(problem).__name__})",
            "check the disk and who may write in that folder",
        ) from problem
