"""`pulseguard rules apply`, `diff`, `check`, `export`, `preview`: rule files in and out."""

from __future__ import annotations

import argparse
import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from pulseguard_registry.durations import read_duration
from pulseguard_registry.operating.named_group import GROUPS_A_PAGE
from pulseguard_registry.operating.reach import (
    CommandRefused,
    Document,
    Registry,
    add_flags,
    find_registry,
)
from pulseguard_registry.operating.terminal import say, write_json
from pulseguard_registry.rules.checking.known_names import catalogue_names
from pulseguard_registry.rules.files.reading import FiledGroup, read_rule_files
from pulseguard_registry.rules.files.verdict import FileFinding, check_files
from pulseguard_registry.rules.files.wire import group_of, sent_document
from pulseguard_registry.rules.files.writing import file_names_of, render_rule_file
from pulseguard_registry.rules.vocabulary import Level

DIFFERS: Final = 3
_MARKS: Final[Mapping[str, str]] = {"created": "+", "changed": "~", "pruned": "-"}


class FilesRefused(CommandRefused):
    """Rule files do not hold; each fault was told in a line of its own."""


# Any: argparse has no public name for what add_subparsers answers.
def add_verbs(verbs: Any) -> None:
    """The verbs that read or write rule files."""
    applying = verbs.add_parser("apply", help="make the registry have what the files have")
    applying.add_argument("--dry-run", action="store_true", help="only say what would change")
    applying.add_argument("--prune", action="store_true", help="delete what else the owner has")
    add_message(applying)
    add_wait(applying)
    applying.set_defaults(run=_apply)
    differing = verbs.add_parser("diff", help=f"what apply would change; ends with {DIFFERS} if so")
    differing.add_argument("--prune", action="store_true", help="as of apply")
    differing.set_defaults(run=_diff)
    checking = verbs.add_parser("check", help="what is wrong with files; needs no registry")
    checking.add_argument("--strict", action="store_true", help=f"warnings end it with {DIFFERS}")
    checking.add_argument("--json", action="store_true", help="JSON, for programs")
    checking.set_defaults(run=_check)
    for verb in (applying, differing, checking):
        verb.add_argument(
            "-f",
            "--file",
            dest="files",
            type=Path,
            action="append",
            required=True,
            metavar="PATH",
            help="a rule file, or a folder of them; may be given several times",
        )
    for verb in (applying, differing):
        verb.add_argument("--owner", required=True, help="whose the groups of these files are")
        add_flags(verb)
        verb.add_argument("--json", action="store_true", help="JSON, for programs")
    exporting = verbs.add_parser("export", help="the groups as rule files of Prometheus'")
    exporting.add_argument("--owner", help="those of this owner only")
    exporting.add_argument("-o", "--out", type=Path, metavar="FOLDER", help="a file for each group")
    add_flags(exporting)
    exporting.set_defaults(run=_export)


def add_message(parser: argparse.ArgumentParser) -> None:
    """The flag of a verb that makes a revision."""
    parser.add_argument("-m", "--message", default="", help="why, for the history")


def add_wait(parser: argparse.ArgumentParser) -> None:
    """The flag of a verb that may wait for the proof."""
    parser.add_argument(
        "--wait", metavar="TIME", help="until each Prometheus has loaded it, at most 30s"
    )


def waiting(given: Namespace, **query: str) -> str:
    """The query of a write, with how long to wait for its proof."""
    asked = {name: value for name, value in query.items() if value}
    if given.wait is not None:
        try:
            lasting = read_duration(given.wait)
        except OverflowError:
            lasting = None
        if lasting is None:
            raise CommandRefused(
                f"--wait {given.wait!r} is no time; give one like 10s, at most 30s"
            )
        asked["wait"] = given.wait
    return f"?{urlencode(asked)}" if asked else ""


def write_sync(group: Document) -> None:
    """What each Prometheus has of a group, a line each."""
    for one in group["sync"]:
        reason = f": {one['reason']}" if one["reason"] else ""
        has = "" if one["state"] == "loaded" else f" (it has {_revision(one['revision'])})"
        say(f"  {one['prometheus']}: {one['state']}{has}{reason}")
    if not group["sync"]:
        say("  no Prometheus tells what it has loaded; see pulseguard sync --rules-dir")


def _revision(number: int | None) -> str:
    return "none" if number is None else f"revision {number}"


def _apply(given: Namespace) -> None:
    answer = _sent(given, dry_run=given.dry_run)
    if given.json:
        write_json(answer)
        return
    _write_changes(answer, diffs=given.dry_run)
    if given.dry_run:
        say("nothing was changed: this was a dry run")
        return
    for one in answer["groups"]:
        if one["outcome"] != "unchanged":
            say(f"{one['name']}: {one['state']}")
            write_sync(one)


def _diff(given: Namespace) -> None:
    given.message, given.wait = "", None
    answer = _sent(given, dry_run=True)
    if given.json:
        write_json(answer)
    else:
        _write_changes(answer, diffs=True)
    if any(one["outcome"] != "unchanged" for one in answer["groups"]):
        sys.exit(DIFFERS)


def _sent(given: Namespace, *, dry_run: bool) -> Document:
    groups = _read(given.files)
    body = {
        "owner": given.owner,
        "prune": given.prune,
        "dry_run": dry_run,
        "message": given.message,
        "groups": [sent_document(one.group) for one in groups],
    }
    registry = _registry(given)
    return registry.send("POST", f"/rule-groups/apply{waiting(given)}", body)


def _write_changes(answer: Document, *, diffs: bool) -> None:
    for one in answer["groups"]:
        if mark := _MARKS.get(one["outcome"]):
            say(f"{mark} {one['name']}")
            if diffs and one["diff"]:
                say(one["diff"].rstrip("\n"))
    counts = dict.fromkeys((*_MARKS, "unchanged"), 0)
    for one in answer["groups"]:
        counts[one["outcome"]] += 1
    say(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))


def _read(paths: Sequence[Path]) -> Sequence[FiledGroup]:
    """The groups of files whose form holds and whose rules have no error."""
    files = read_rule_files(paths)
    findings = check_files(files, catalogue_names())
    errors = [one for one in findings if one.level == "error"]
    if errors:
        _write_findings(errors)
        raise FilesRefused(f"{_count(errors, 'error')}: nothing was sent")
    return files.groups


def _check(given: Namespace) -> None:
    files = read_rule_files(given.files)
    findings = check_files(files, catalogue_names())
    if given.json:
        write_json([one.document() for one in findings])
    else:
        _write_findings(findings)
        rules = [rule for one in files.groups for rule in one.group.rules]
        counted = (files.files, "file"), (files.groups, "group"), (rules, "rule")
        say(", ".join(_count(*each) for each in counted) + f": {_told(findings)}")
    if any(one.level == "error" for one in findings):
        sys.exit(1)
    if findings and given.strict:
        sys.exit(DIFFERS)


def _told(findings: Sequence[FileFinding]) -> str:
    levels: tuple[Level, ...] = ("error", "warning")
    told = [
        _count([one for one in findings if one.level == level], level)
        for level in levels
        if any(one.level == level for one in findings)
    ]
    return ", ".join(told) or "all well"


def _count(things: Sequence[object], what: str) -> str:
    return f"{len(things)} {what}{'' if len(things) == 1 else 's'}"


def _write_findings(findings: Iterable[FileFinding]) -> None:
    for one in findings:
        sys.stderr.write(f"{one}\n")


def _export(given: Namespace) -> None:
    asked = {"owner": given.owner} if given.owner else {}
    documents = _registry(given).pages("/rule-groups", limit=GROUPS_A_PAGE, **asked)
    groups = sorted(map(group_of, documents), key=lambda group: group.name)
    if given.out is None:
        sys.stdout.write(render_rule_file(groups))
    else:
        _make_folder(given.out)
        for name, group in file_names_of(groups).items():
            (given.out / name).write_text(render_rule_file([group]), encoding="utf-8")
        say(f"{len(groups)} groups are in {given.out}")
    if left_out := sum(not rule.enabled for group in groups for rule in group.rules):
        sys.stderr.write(
            f"{left_out} disabled rules were left out: a rule file has no word for them\n"
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise CommandRefused(f"{folder} is not empty; name a new folder with --out")
    except OSError as error:
        raise CommandRefused(f"{folder} cannot be used ({error.strerror}); name another") from None


def _registry(given: Namespace) -> Registry:
    return find_registry(given.registry_url, given.key_file, os.environ)
