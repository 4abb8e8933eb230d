"""Reads rule files: every group with where it stands, and every fault of their form at once.

https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from pulseguard_registry.rules.files.filed import FiledGroup, FileFault, Place
from pulseguard_registry.rules.files.form import Form

SUFFIXES: Final = (".yml", ".yaml")
# A rule file of thousands of rules has a megabyte; whoever names a log file shall hear of it.
LARGEST_BYTES: Final = 16 << 20


@dataclass(frozen=True)
class RuleFiles:
    """What a set of files holds, and what is wrong with their form."""

    groups: Sequence[FiledGroup]
    faults: Sequence[FileFault]
    files: Sequence[str]


def read_rule_files(paths: Iterable[Path]) -> RuleFiles:
    """The groups of these files, and of all files in these folders whose names end as YAML's do.

    A file that is there twice is read once. No fault of one file keeps another from being read.
    """
    groups: list[FiledGroup] = []
    faults: list[FileFault] = []
    files: dict[Path, None] = {}
    for path in paths:
        found = list(_files_below(path))
        if not found:
            faults.append(FileFault(Place(str(path), None), "", _nothing_in(path)))
        files |= dict.fromkeys(found)
    for file in files:
        read, wrong = _read_file(file)
        groups += read
        faults += wrong
    return RuleFiles(groups, [*faults, *_named_twice(groups)], [str(file) for file in files])


def read_rules(text: str, file: str) -> tuple[list[FiledGroup], list[FileFault]]:
    """The groups of one file's text, and what is wrong with its form."""
    form = Form(file)
    try:
        # A constructor would lose where things stand, and which name an object has twice.
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        return [], [_not_yaml(file, error)]
    if root is None:
        return [], [FileFault(Place(file, 1), "", "is empty; write `groups:` and a list of groups")]
    return list(form.groups_of(root)), form.faults


# Any: the loader that libyaml speeds up is there where PyYAML was built with it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _files_below(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield from [path] if path.exists() else []
        return
    for each in sorted(path.rglob("*")):
        hidden = any(part.startswith(".") for part in each.relative_to(path).parts)
        if each.suffix in SUFFIXES and each.is_file() and not hidden:
            yield each


def _nothing_in(path: Path) -> str:
    if path.is_dir():
        return f"this folder holds no file whose name ends in {' or '.join(SUFFIXES)}"
    return "there is no such file or folder"


def _read_file(file: Path) -> tuple[list[FiledGroup], list[FileFault]]:
    at = Place(str(file), None)
    try:
        if file.stat().st_size > LARGEST_BYTES:
            return [], [FileFault(at, "", f"has more than {LARGEST_BYTES >> 20} MiB")]
        return read_rules(file.read_text(encoding="utf-8"), str(file))
    except UnicodeDecodeError:
        return [], [FileFault(at, "", "is not UTF-8")]
    except OSError as error:
        return [], [FileFault(at, "", f"cannot be read ({error.strerror})")]


def _not_yaml(file: str, error: yaml.YAMLError) -> FileFault:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or "not YAML"
    return FileFault(Place(file, mark.line + 1 if mark else 1), "", f"is no YAML: {said}")


def _named_twice(groups: Iterable[FiledGroup]) -> Iterator[FileFault]:
    """A name is that of one group in the registry, as it is in one file of Prometheus'."""
    first: dict[str, FiledGroup] = {}
    for each in groups:
        known = first.setdefault(each.group.name, each)
        if known is not each:
            where = f"{known.file}:{known.places['']}"
            message = f"the group {each.group.name!r} stands in {where} too; give one another name"
            yield FileFault(Place(each.file, each.places[""]), "name", message)
