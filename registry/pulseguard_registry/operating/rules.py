"""`pulseguard rules`: what is loaded where, its revisions, and rule files in and out."""

from __future__ import annotations

import argparse
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import Final

from pulseguard_registry.operating import (
    rule_check,
    rule_files,
    rule_preview,
    rule_templates,
)
from pulseguard_registry.operating.named_group import (
    GROUPS_A_PAGE,
    deleted_groups,
    find_group,
    group_id,
)
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
from pulseguard_registry.operating.terminal import (
    add_width,
    ago,
    run_verb,
    say,
    write_json,
    write_table,
)

_COLUMNS: Final = ("name", "owner", "rules", "enabled", "revision", "state", "loaded", "changed")
_TELLING: Final = ("name", "state", "revision", "rules", "owner", "loaded", "enabled", "changed")
_RULE_COLUMNS: Final = ("kind", "rule", "severity", "for", "enabled", "expr")
_DELETED_COLUMNS: Final = ("name", "deleted", "by", "message", "id")
_REVISION_COLUMNS: Final = ("revision", "when", "author", "message")


def main(argv: Sequence[str]) -> int:
    """Run a verb; 0: done, 1: refused, 2: an unknown argument or a bad setting.

    `diff` ends with 3 where something differs, `check` where there are warnings and it is strict;
    what changes something with 4 where it is stored and Prometheus has not loaded it.
    """
    return run_verb("pulseguard rules", _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pulseguard rules", description="Alert rules as data: kept, checked, proven loaded."
    )
    verbs = parser.add_subparsers(required=True, metavar="verb")
    listing = verbs.add_parser("list", help="the groups, and whether they are loaded")
    listing.add_argument("--owner", help="those of this owner only")
    listing.add_argument("--state", choices=["pending", "loaded", "rejected"])
    listing.add_argument("--deleted", action="store_true", help="those that were deleted instead")
    add_width(listing)
    listing.set_defaults(run=_list)
    showing = verbs.add_parser("show", help="one group with its rules, and who has loaded it")
    add_width(showing)
    showing.set_defaults(run=_show)
    history = verbs.add_parser("history", help="the revisions of a group; with --revision its diff")
    history.add_argument("--revision", type=int, metavar="N", help="what this one changed")
    add_width(history)
    history.set_defaults(run=_history)
    back = verbs.add_parser("rollback", help="a group as it was at a revision, as a new one")
    back.set_defaults(run=_roll_back)
    enabling = verbs.add_parser("enable", help="have Prometheus evaluate a group again")
    enabling.set_defaults(run=_enable)
    disabling = verbs.add_parser("disable", help="keep a group, and have nobody evaluate it")
    disabling.set_defaults(run=_disable)
    deleting = verbs.add_parser("delete", help="a group that nobody needs; its revisions stay")
    deleting.set_defaults(run=_delete)
    for verb in (showing, history, back, enabling, disabling, deleting):
        verb.add_argument("group", help="its name or its id")
    back.add_argument("revision", type=int, metavar="REVISION")
    for verb in (back, enabling, disabling, deleting):
        rule_files.add_message(verb)
        add_wait(verb)
    for verb in (listing, showing, history, back, enabling, disabling, deleting):
        add_flags(verb)
        verb.add_argument("--json", action="store_true", help="JSON, for programs")
    rule_files.add_verbs(verbs)
    rule_check.add_verb(verbs)
    rule_preview.add_verb(verbs)
    rule_templates.add_verbs(verbs)
    return parser


def _list(given: Namespace) -> None:
    if given.deleted:
        _list_deleted(given)
        return
    asked = {name: value for name in ("owner", "state") if (value := getattr(given, name))}
    groups = list(_registry(given).pages("/rule-groups", limit=GROUPS_A_PAGE, **asked))
    if given.json:
        write_json(groups)
        return
    nothing = "no group is like that" if asked else "there is no group yet: see docs/alerting.md"
    rows = [[_cell(group, column) for column in _COLUMNS] for group in groups]
    write_table(_COLUMNS, rows, nothing, telling=_TELLING, wide=given.wide)


def _list_deleted(given: Namespace) -> None:
    if given.owner or given.state:
        raise CommandRefused("what was deleted has no owner and no state; give --deleted alone")
    groups = deleted_groups(_registry(given))
    if given.json:
        write_json(groups)
        return
    columns = _DELETED_COLUMNS
    rows = [
        [one["name"], ago(one["deleted_at"]), one["author"], one["message"], one["id"]]
        for one in groups
    ]
    write_table(columns, rows, "no group was deleted", telling=columns, wide=given.wide)


def _cell(group: Document, column: str) -> object:
    match column:
        case "rules":
            return len(group["rules"])
        case "enabled":
            return "yes" if group["enabled"] else "no"
        case "loaded":
            return ", ".join(_loaded(one) for one in group["sync"])
        case "changed":
            return ago(group["changed_at"])
        case _:
            return group[column]


def _loaded(one: Document) -> str:
    """What one Prometheus has of a group."""
    return f"{one['prometheus']}: {one['revision'] or 'none'}"


def _show(given: Namespace) -> None:
    group = find_group(_registry(given), given.group)
    if given.json:
        write_json(group)
        return
    say(f"{group['name']}, revision {group['revision']}, {group['state']}")
    write_sync(group)
    rows = [[_rule_cell(rule, column) for column in _RULE_COLUMNS] for rule in group["rules"]]
    write_table(
        _RULE_COLUMNS,
        rows,
        "it has no rule",
        telling=("rule", "expr", "severity", "for", "kind", "enabled"),
        wide=given.wide,
    )


def _rule_cell(rule: Document, column: str) -> object:
    match column:
        case "rule":
            return rule["name"]
        case "enabled":
            return "yes" if rule["enabled"] else "no"
        case "expr":
            return " ".join(str(rule["expr"]).split())
        case _:
            return rule.get(column) or ""


def _history(given: Namespace) -> None:
    registry = _registry(given)
    path = f"/rule-groups/{group_id(registry, given.group)}/revisions"
    if given.revision is not None:
        revision = registry.get(f"{path}/{given.revision}")
        if given.json:
            write_json(revision)
        else:
            say(revision["diff"] or "it changed nothing that Prometheus reads")
        return
    revisions = list(registry.pages(path, limit=GROUPS_A_PAGE))
    if given.json:
        write_json(revisions)
        return
    rows = [[one["number"], ago(one["at"]), one["author"], one["message"]] for one in revisions]
    columns = _REVISION_COLUMNS
    write_table(columns, rows, "it has no revision", telling=columns, wide=given.wide)


def _roll_back(given: Namespace) -> None:
    registry = _registry(given)
    asked = {"revision": given.revision, "message": given.message}
    path = f"/rule-groups/{group_id(registry, given.group)}/rollback"
    answer = registry.send("POST", path, asked, **asked_to_wait(given))
    _answer(given, answer, f"is as revision {given.revision} was")


def _enable(given: Namespace) -> None:
    _switch(given, "enable", "is evaluated")


def _disable(given: Namespace) -> None:
    _switch(given, "disable", "is evaluated no more")


def _switch(given: Namespace, verb: str, sentence: str) -> None:
    registry = _registry(given)
    group = find_group(registry, given.group)
    asked = asked_to_wait(given, message=given.message)
    _answer(given, registry.send("POST", f"/rule-groups/{group['id']}/{verb}", **asked), sentence)


def _delete(given: Namespace) -> None:
    registry = _registry(given)
    group = find_group(registry, given.group)
    asked = asked_to_wait(given, message=given.message)
    gone = registry.send("DELETE", f"/rule-groups/{group['id']}", **asked)
    back = f"pulseguard rules rollback {group['id']} {group['revision']}"
    if given.json:
        write_json(gone)
    else:
        say(f"{group['name']} is deleted; back with: {back}")
    end_unless_loaded(given, gone["state"])


def _answer(given: Namespace, group: Document, sentence: str) -> None:
    if given.json:
        write_json(group)
    else:
        say(f"{group['name']} {sentence}, now revision {group['revision']}, {group['state']}")
        write_sync(group)
    end_unless_loaded(given, group["state"])


def _registry(given: Namespace) -> Registry:
    return find_registry(given.registry_url, given.key_file, os.environ)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
