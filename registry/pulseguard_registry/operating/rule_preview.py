"""`pulseguard rules preview`: what the alerts of rule files would do."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pulseguard_registry.operating.measured import rounded
from pulseguard_registry.operating.named_group import find_group
from pulseguard_registry.operating.reach import (
    CommandRefused,
    Document,
    Registry,
    RequestRefused,
    add_flags,
    find_registry,
)
from pulseguard_registry.operating.terminal import (
    add_width,
    ago,
    counted,
    lasting,
    say,
    write_fault,
    write_json,
    write_table,
)
from pulseguard_registry.rules.files.reading import read_rule_files
from pulseguard_registry.rules.files.wire import group_of, sent_document
from pulseguard_registry.rules.vocabulary import RuleGroup

_NAMING: Final = ("agent", "instance", "environment")
_COLUMNS: Final = ("agent", "instance", "environment", "is", "value", "labels")
_PAST: Final = ("agent", "instance", "environment", "began", "for", "value", "labels")


# Any: argparse has no public name for what add_subparsers answers.
def add_verb(verbs: Any) -> None:
    """The verb that evaluates rules without storing them."""
    previewing = verbs.add_parser("preview", help="what fires now, and would have fired before")
    which = previewing.add_mutually_exclusive_group(required=True)
    which.add_argument("-f", "--file", dest="files", type=Path, action="append", metavar="PATH")
    which.add_argument("--group", help="one that the registry has, its name or id")
    previewing.add_argument("--rule", metavar="NAME", help="the rules of this name only")
    previewing.add_argument("--hours", type=float, default=24.0, help="how far back (24)")
    add_width(previewing)
    add_flags(previewing)
    previewing.add_argument("--json", action="store_true", help="JSON, for programs")
    previewing.set_defaults(run=_preview)


def _preview(given: Namespace) -> None:
    groups: Sequence[RuleGroup] = _of_files(given.files or [])
    registry = find_registry(given.registry_url, given.key_file, os.environ)
    if given.group:
        groups = [group_of(find_group(registry, given.group))]
    told = []
    rules = _wanted(groups, given.rule)
    for rule in rules:
        try:
            _warn(registry, rule)
            preview = registry.send("POST", "/alert-rules/preview", rule | {"hours": given.hours})
        except RequestRefused as error:
            write_fault(f"{rule['name']}: {error}")
            continue
        told.append({"rule": rule["name"], "kind": rule["kind"], **preview})
        if not given.json:
            _write(told[-1], wide=given.wide)
    if given.json:
        write_json(told)
    if refused := len(rules) - len(told):
        raise CommandRefused(f"of {len(rules)} rules {refused} cannot be previewed")


def _warn(registry: Registry, rule: Document) -> None:
    """What the registry finds in it, as a metric that Prometheus has not: nothing holds then."""
    for each in registry.send("POST", "/alert-rules/check", rule)["findings"]:
        write_fault(f"{rule['name']}: {each['level']}: {each['field']}: {each['message']}")


def _of_files(paths: Sequence[Path]) -> Sequence[RuleGroup]:
    files = read_rule_files(paths)
    if files.faults:
        raise CommandRefused(f"{files.faults[0]}; pulseguard rules check has all that is wrong")
    return [one.group for one in files.groups]


def _wanted(groups: Sequence[RuleGroup], name: str | None) -> list[Document]:
    rules = list(_rules_of(groups, name))
    if not rules:
        of_name = f" is named {name!r}" if name else " is there"
        raise CommandRefused(f"no rule{of_name}; see pulseguard rules check")
    return rules


def _rules_of(groups: Sequence[RuleGroup], name: str | None) -> Iterator[Document]:
    for group in groups:
        for rule in sent_document(group)["rules"]:
            if name in (None, rule["name"]):
                yield rule | {"labels": {**group.labels, **rule["labels"]}}


def _write(told: Document, *, wide: bool) -> None:
    if told["kind"] == "record":
        say(f"{told['rule']} records {told['series']} series")
    else:
        pending = told["series"] - told["firing"]
        say(
            f"{told['rule']} would fire now {counted(told['firing'], 'time')}, {pending} pending;"
            f" in the last {told['hours']:g} h it would have fired"
            f" {counted(told['fired'], 'time')}, for {counted(told['fired_for_agents'], 'agent')}"
            f" (looked at every {told['step_seconds']:g} s)"
        )
    now = [[*_naming(one), one["state"], _value(one), _rest(one)] for one in told["now"]]
    write_table(_COLUMNS, now, "  nothing holds now", telling=_COLUMNS, wide=wide)
    if told["past"]:
        say("before:")
        past = [
            [*_naming(one), ago(one["began"]), _length(one), _value(one), _rest(one)]
            for one in told["past"]
        ]
        write_table(_PAST, past, "", telling=_PAST, wide=wide)


def _naming(one: Document) -> list[str]:
    return [one["labels"].get(name, "") for name in _NAMING]


def _value(one: Document) -> str:
    """Prometheus writes a number with all its digits, and those of it that are none by name."""
    return rounded(float(one["value"]))


def _rest(one: Document) -> dict[str, str]:
    hidden = (*_NAMING, "agent_id", "agent_type", "job")
    return {name: text for name, text in one["labels"].items() if name not in hidden}


def _length(one: Document) -> str:
    if one["ended"] is None:
        return "still"
    began, ended = (datetime.fromisoformat(one[name]) for name in ("began", "ended"))
    return lasting((ended - began).total_seconds())
