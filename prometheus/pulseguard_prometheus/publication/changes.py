"""Decides what of a folder of rules has to change for it to be what a bundle wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Changes:
    """What to write and what to remove, by name of the file."""

    written: dict[str, bytes]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.written or self.removed)

    def halves(self) -> tuple[Changes, ...]:
        """Answers the same in two steps, what is removed in one of its own; itself as one step
        where it is no more than one file."""
        if self.removed and self.written:
            return Changes({}, self.removed), Changes(self.written, ())
        files = list(self.written.items())
        parts = (files[: len(files) // 2], files[len(files) // 2 :])
        return tuple(Changes(dict(part), ()) for part in parts if part)


def desired_files(*, wanted: Files, rejected: Files, accepted: Files) -> dict[str, bytes]:
    """Answers what is to be there. Of a content that was rejected the one accepted last stays."""
    found = {
        name: accepted.get(name) if rejected.get(name) == content else content
        for name, content in wanted.items()
    }
    return {name: content for name, content in found.items() if content is not None}


def unchecked_files(desired: Files, accepted: Files) -> dict[str, bytes]:
    """Answers those of the desired files that were never accepted."""
    return {name: content for name, content in desired.items() if accepted.get(name) != content}


def changes_to(desired: Files, present: Mapping[str, bytes | None]) -> Changes:
    """Answers what makes the present files the desired ones; None is what is no plain file.

    What is the same is not touched. What nobody desires goes, whoever wrote it: it is not checked.
    """
    return Changes(
        {name: content for name, content in desired.items() if present.get(name) != content},
        tuple(sorted(present.keys() - desired.keys())),
    )
