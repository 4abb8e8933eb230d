"""`pulseguard rules apply`, `diff`, `export`: rule files in and out."""

from __future__ import annotations

import argparse
import os
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pulseguard_registry.operating import rule_check
from pulseguard_registry.operating.named_group import GROUPS_A_PAGE
from pulseguard_registry.operating.proof import (
    add_wait,
    asked_to_wait,
    end_unless_loaded,
    write_sync,
)
from pulseguard_registry.operating.reach import (
    CommandRefused,
    Document,
    Registry,
    add_flags,
    find_registry,
)
from pulseguard_registry.operating.terminal import say, write_json
from pulseguard_registry.rules.checking.known_names import catalogue_names
from pulseguard_registry.rules.files.filed import FiledGroup
from pulseguard_registry.rules.files.reading import read_rule_files
from pulseguard_registry.rules.files.verdict import check_files
from pulseguard_registry.rules.files.wire import group_of, sent_document
from pulseguard_registry.rules.files.writing import enabled_part, file_names_of, render_rule_file

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
    for verb in (applying, differing):
        rule_check.add_files(verb)
        verb.add_argument("--owner", required=True, help="whose the groups of these files are")
        add_flags(verb)
        verb.add_argument("--json", action="store_true", help="JSON, for programs")
    exporting = verbs.add_parser("export", help="the groups as rule files of Prometheus'")
    exporting.add_argument("--owner", help="those of this owner only")
    exporting.add_argument(
        "--enabled", action="store_true", help="without what is disabled, which others would run"
    )
    exporting.add_argument("-o", "--out", type=Path, metavar="FOLDER", help="a file for each group")
    add_flags(exporting)
    exporting.set_defaults(run=_export)


def add_message(parser: argparse.ArgumentParser) -> None:
    """The flag of a verb that makes a revision."""
    parser.add_argument("-m", "--message", default="", help="why, for the history")


def _apply(given: Namespace) -> None:
    answer = _sent(given, dry_run=given.dry_run)
    if given.json:
        write_json(answer)
    else:
        _write_applied(given, answer)
    if not given.dry_run:
        end_unless_loaded(given, answer["state"])


def _write_applied(given: Namespace, answer: Document) -> None:
    _write_changes(answer, diffs=given.dry_run)
    if given.dry_run:
        say("nothing was changed: this was a dry run")
        return
    for one in answer["groups"]:
        if one["outcome"] != "unchanged":
            say(f"{one['name']}: {one['state']}{_way_back(one)}")
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
    registry = _registry(given)
    body = {
        "owner": given.owner,
        "prune": given.prune,
        "dry_run": dry_run,
        "message": given.message,
        "groups": [sent_document(one.group) for one in groups],
    }
    answer = registry.send("POST", "/rule-groups/apply", body, **asked_to_wait(given))
    rule_check.write_findings(rule_check.told_of(groups, each) for each in answer["warnings"])
    return answer


def _way_back(one: Document) -> str:
    """Of a group that is there no more, which only its id still names."""
    if one["outcome"] != "pruned":
        return ""
    return f"; back with: pulseguard rules rollback {one['id']} {one['revision'] - 1}"


def _removed(one: Document) -> str:
    """The rules that no file has, such as those that were added by the API."""
    names = one.get("removed") if one["outcome"] == "changed" else None
    return f": takes away {', '.join(names)}, which the files have not" if names else ""


def _write_changes(answer: Document, *, diffs: bool) -> None:
    for one in answer["groups"]:
        if mark := _MARKS.get(one["outcome"]):
            say(f"{mark} {one['name']}{_removed(one)}")
            if diffs and one["diff"]:
                say(one["diff"].rstrip("\n"))
    counts = dict.fromkeys((*_MARKS, "unchanged"), 0)
    for one in answer["groups"]:
        counts[one["outcome"]] += 1
    say(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))


def _read(paths: Sequence[Path]) -> Sequence[FiledGroup]:
    """The groups of files whose form holds and whose rules have no error."""
    files = read_rule_files(paths)
    errors = [one for one in check_files(files, catalogue_names()) if one.level == "error"]
    if errors:
        rule_check.write_findings(errors)
        raise FilesRefused(f"{rule_check.count_of(errors, 'error')}: nothing was sent")
    return files.groups


def _export(given: Namespace) -> None:
    asked = {"owner": given.owner} if given.owner else {}
    documents = _registry(given).pages("/rule-groups", limit=GROUPS_A_PAGE, **asked)
    groups = sorted(map(group_of, documents), key=lambda group: group.name)
    if given.enabled:
        groups = [enabled_part(group) for group in groups if group.enabled]
    if given.out is None:
        sys.stdout.write(render_rule_file(groups))
    else:
        _make_folder(given.out)
        for name, group in file_names_of(groups).items():
            (given.out / name).write_text(render_rule_file([group]), encoding="utf-8")
        say(f"{rule_check.count_of(groups, 'group')} written to {given.out}")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise CommandRefused(f"{folder} is not empty; name a new folder with --out")
    except OSError as error:
        raise CommandRefused(f"{folder} cannot be used ({error.strerror}); name another") from None


def _registry(given: Namespace) -> Registry:
    return find_registry(given.registry_url, given.key_file, os.environ)
