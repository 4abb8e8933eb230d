"""The configuration beside an Alertmanager: replaced durably, readable by this user alone, or also
by the group to which its folder gives all that is in it (setgid), where Alertmanager is another
user of that group.

alertmanager.yml          what Alertmanager reads
pulseguard.tmpl           what it names
.alertmanager.yml.proven  both, as Alertmanager has shown last that it runs with them
.alertmanager.yml.lock    held by the sync that keeps them
"""

import fcntl
import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from pulseguard_prometheus.durable_file import write_durably
from pulseguard_prometheus.errors import BadSetting, NotificationTrouble, TargetsFileInUse
from pulseguard_prometheus.notification.rendering import TEMPLATE_NAME, Rendered


class ConfigurationFiles:
    """alertmanager.yml and the template beside it, claimed by this process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._template = path.with_name(TEMPLATE_NAME)
        self._proven_file = path.with_name(f".{path.name}.proven")

    def content(self) -> Rendered | None:
        """Answers what is there now, None where there is no configuration; a template may lack."""
        try:
            configuration, template = _text(self.path), _text(self._template)
        except OSError as problem:
            raise _trouble(self.path, "read", problem) from problem
        return None if configuration is None else Rendered(configuration, template or "")

    def replace(self, rendered: Rendered) -> None:
        """Makes them hold this and survive a crash; raises NotificationTrouble."""
        try:
            # First: a configuration is of no use without the template that it names.
            _write(self._template, rendered.template)
            _write(self.path, rendered.configuration)
        except OSError as problem:
            raise _trouble(self.path, "written", problem) from problem

    def proven(self) -> Rendered | None:
        """Answers what Alertmanager has shown last that it runs with, None where that is not known.

        It outlives this process, and whatever is written meanwhile.
        """
        try:
            document = json.loads(self._proven_file.read_bytes())
            return Rendered(**{name: str(text) for name, text in document.items()})
        except FileNotFoundError:
            return None
        except (ValueError, AttributeError, TypeError):
            # Ours is whole: it was renamed into place. So nothing is known.
            return None
        except OSError as problem:
            raise _trouble(self._proven_file, "read", problem) from problem

    def note_proven(self, rendered: Rendered) -> None:
        """Remembers that Alertmanager runs with this; raises NotificationTrouble."""
        if self.proven() == rendered:
            return
        try:
            _write(self._proven_file, json.dumps(asdict(rendered)))
        except OSError as problem:
            raise _trouble(self._proven_file, "written", problem) from problem


@contextmanager
def claimed_files(path: Path) -> Iterator[ConfigurationFiles]:
    """Claims them for as long as the context lasts, making their folder where it is missing.

    Raises TargetsFileInUse where another process has them, BadSetting where they cannot be there.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = path.with_name(f".{path.name}.lock").open("w")
    except OSError as problem:
        raise BadSetting(
            f"Alertmanager's configuration {path}: its folder cannot be used"
            f" ({problem.strerror or problem})"
        ) from problem
    with lock:
        if path.is_dir():
            raise BadSetting(f"Alertmanager's configuration {path}: this is a folder")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise TargetsFileInUse(
                f"another pulseguard sync keeps {path}: stop that one, or name another file"
            ) from problem
        yield ConfigurationFiles(path)


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None


def _write(path: Path, text: str) -> None:
    is_shared = path.parent.stat().st_mode & stat.S_ISGID
    content = text.encode("utf-8", errors="surrogateescape")
    write_durably(path, content, mode=0o640 if is_shared else 0o600)


def _trouble(path: Path, deed: str, problem: OSError) -> NotificationTrouble:
    return NotificationTrouble(
        f"{path} cannot be {deed} ({problem.strerror or problem})",
        "check the disk and who may write in that folder",
    )
