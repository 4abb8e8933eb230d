"""`pulseguard rules check`: all that is wrong with rule files."""

from __future__ import annotations

import argparse
import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from pulseguard_registry.operating.reach import Document, add_flags, find_registry
from pulseguard_registry.operating.terminal import say, write_json
from pulseguard_registry.rules.checking.known_names import catalogue_names
from pulseguard_registry.rules.files.filed import FiledGroup
from pulseguard_registry.rules.files.reading import read_rule_files
from pulseguard_registry.rules.files.verdict import FileFinding, check_files, check_form, placed
from pulseguard_registry.rules.files.wire import sent_document
from pulseguard_registry.rules.vocabulary import Finding, Level

WARNED: Final = 3


# Any: argparse has no public name for what add_subparsers answers.
def add_verb(verbs: Any) -> None:
    """The verb that judges files."""
    checking = verbs.add_parser("check", help="what is wrong with files; needs no registry")
    add_files(checking)
    checking.add_argument("--strict", action="store_true", help=f"warnings end it with {WARNED}")
    checking.add_argument(
        "--online",
        action="store_true",
        help="by the registry, which knows the metrics that Prometheus has",
    )
    add_flags(checking)
    checking.add_argument("--json", action="store_true", help="JSON, for programs")
    checking.set_defaults(run=_check)


def add_files(parser: argparse.ArgumentParser) -> None:
    """The flag that names rule files."""
    parser.add_argument(
        "-f",
        "--file",
        dest="files",
        type=Path,
        action="append",
        required=True,
        metavar="PATH",
        help="a rule file, or a folder of them; may be given several times",
    )


def write_findings(findings: Iterable[FileFinding]) -> None:
    """Each in a line, where faults are told."""
    for one in findings:
        sys.stderr.write(f"{one}\n")


def told_of(groups: Sequence[FiledGroup], finding: Document) -> FileFinding:
    """A finding about groups that were sent together, at its place in the files."""
    _, number, field = finding["field"].split(".", 2)
    return placed(groups[int(number)], Finding(**finding | {"field": field}))


def count_of(things: Sequence[object], what: str) -> str:
    """How many there are, in words."""
    return f"{len(things)} {what}{'' if len(things) == 1 else 's'}"


def _check(given: Namespace) -> None:
    files = read_rule_files(given.files)
    if given.online:
        findings = [*check_form(files), *_by_the_registry(given, files.groups)]
    else:
        findings = check_files(files, catalogue_names())
    findings.sort(key=lambda one: one.level)
    if given.json:
        write_json([one.document() for one in findings])
    else:
        write_findings(findings)
        rules = [rule for one in files.groups for rule in one.group.rules]
        counted = (files.files, "file"), (files.groups, "group"), (rules, "rule")
        say(", ".join(count_of(*each) for each in counted) + f": {_told(findings)}")
    if any(one.level == "error" for one in findings):
        sys.exit(1)
    if findings and given.strict:
        sys.exit(WARNED)


def _by_the_registry(given: Namespace, groups: Sequence[FiledGroup]) -> list[FileFinding]:
    registry = find_registry(given.registry_url, given.key_file, os.environ)
    found = []
    for one in groups:
        answer = registry.send("POST", "/rule-groups/check", sent_document(one.group))
        found += [placed(one, Finding(**each)) for each in answer["findings"]]
    return found


def _told(findings: Sequence[FileFinding]) -> str:
    levels: tuple[Level, ...] = ("error", "warning")
    told = [
        count_of([one for one in findings if one.level == level], level)
        for level in levels
        if any(one.level == level for one in findings)
    ]
    return ", ".join(told) or "all well"
