"""`pulseguard rules templates`, `template`: a rule of thresholds and a scope, as a rule file."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from pulseguard_registry.faults import validation_problem
from pulseguard_registry.operating.reach import (
    CommandRefused,
    Document,
    Registry,
    add_flags,
    find_registry,
)
from pulseguard_registry.operating.terminal import add_width, write_json, write_table
from pulseguard_registry.rules.files.wire import group_of
from pulseguard_registry.rules.files.writing import render_rule_file
from pulseguard_registry.rules.templates.parameters import Parameter, chosen_values
from pulseguard_registry.rules.templates.scope import LABELS, Limit, Scope
from pulseguard_registry.rules.vocabulary import RuleGroup

_COLUMNS: Final = ("template", "purpose", "parameters")
_PATTERN: Final = "~"


# Any: argparse has no public name for what add_subparsers answers.
def add_verbs(verbs: Any) -> None:
    """The verbs that list templates and make a rule of one."""
    listing = verbs.add_parser("templates", help="what rules can be made of, with the defaults")
    add_width(listing)
    listing.set_defaults(run=_list)
    making = verbs.add_parser("template", help="a rule made of a template, as a rule file")
    making.add_argument("template", help="one of those that `templates` lists")
    making.add_argument(
        "--set",
        dest="values",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter that is not to have its default; may be given several times",
    )
    making.add_argument(
        "--scope",
        dest="limits",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"only agents of this {_or(LABELS)}; NAME~=RE2 matches the whole value",
    )
    making.add_argument("--group", metavar="NAME", help="of the file's group (the template's)")
    making.set_defaults(run=_make)
    for verb in (listing, making):
        add_flags(verb)
        verb.add_argument("--json", action="store_true", help="JSON, for programs")


def _list(given: Namespace) -> None:
    templates = _registry(given).get("/rule-templates")["items"]
    if given.json:
        write_json(templates)
        return
    rows = [[each["id"], each["purpose"], _defaults(each)] for each in templates]
    columns = _COLUMNS
    write_table(columns, rows, "there is no template", telling=columns, wide=given.wide)


def _defaults(template: Document) -> str:
    return " ".join(f"{one.name}={_number(one.default)}" for one in _parameters(template))


def _number(value: object) -> str:
    """A default as it is typed."""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _make(given: Namespace) -> None:
    registry = _registry(given)
    path = f"/rule-templates/{_as_id(registry, given.template)}"
    values = _values(_parameters(registry.get(path)), given.values)
    asked = {"parameters": values, "scope": _scope(given.limits)}
    built = registry.send("POST", f"{path}/build", asked)
    if given.json:
        write_json(built)
        return
    group = _group(given.group or given.template, built["rule"])
    for each in built["findings"]:
        sys.stderr.write(f"{each['level']}: {each['field']}: {each['message']}\n")
    sys.stdout.write(render_rule_file([group]))


def _as_id(registry: Registry, named: str) -> str:
    known = [each["id"] for each in registry.get("/rule-templates")["items"]]
    if named not in known:
        raise CommandRefused(f"there is no template {named!r}; there are {', '.join(known)}")
    return named


def _parameters(template: Document) -> list[Parameter]:
    return [
        Parameter(**{**each, "choices": tuple(each["choices"])}) for each in template["parameters"]
    ]


def _values(parameters: Sequence[Parameter], said: Sequence[str]) -> Mapping[str, object]:
    """What was set, each of its parameter's type; CommandRefused with all that does not hold."""
    types = {each.name: each.type for each in parameters}
    texts = dict[str, str]()
    for name, text in _pairs("--set", said):
        if name in texts:
            raise CommandRefused(f"--set {name}={text}: {name} is there twice; give it once")
        texts[name] = text
    given: dict[str, object] = {
        name: _typed(text) if types.get(name) in ("number", "integer") else text
        for name, text in texts.items()
    }
    _, faults = chosen_values(parameters, given)
    if faults:
        names = [each.field.partition(".")[2] for each in faults]
        raise CommandRefused(
            "; ".join(
                f"--set {name}={texts.get(name, each.value)}: {each.message}"
                for name, each in zip(names, faults, strict=True)
            )
        )
    return given


def _typed(text: str) -> object:
    """A number; the text where it is none, of which more is said then."""
    try:
        return float(text)
    except ValueError:
        return text


def _scope(said: Sequence[str]) -> Mapping[str, object]:
    """The limits as they are sent; CommandRefused where one cannot be meant."""
    limits: dict[str, Limit] = {}
    for name, text in _pairs("--scope", said):
        word = name.removesuffix(_PATTERN)
        if word not in LABELS:
            raise CommandRefused(f"--scope {name}={text}: a scope is of {_or(LABELS)}")
        if word in limits:
            raise CommandRefused(
                f"--scope {name}={text}: {word} is there twice; give one, as {word}~=one|other"
            )
        limits[word] = Limit(text, is_pattern=name != word)
    for word, pattern in Scope(limits).faults():
        raise CommandRefused(
            f"--scope {word}~={pattern}: is no regular expression that Prometheus takes (RE2)"
        )
    return {
        word: {"matches": limit.value} if limit.is_pattern else limit.value
        for word, limit in limits.items()
    }


def _pairs(flag: str, said: Sequence[str]) -> Iterator[tuple[str, str]]:
    for each in said:
        name, sign, text = each.partition("=")
        if not (name and sign and text):
            raise CommandRefused(f"{flag} {each!r} gives nothing a value; write NAME=VALUE")
        # As Prometheus writes it too: team=~sales.
        if flag == "--scope" and text.startswith(_PATTERN):
            name, text = name + _PATTERN, text.removeprefix(_PATTERN)
        yield name, text


def _group(name: str, rule: Document) -> RuleGroup:
    try:
        return group_of({"name": name, "rules": [rule]})
    except ValidationError as error:
        fault = validation_problem(error.errors(include_url=False)).errors[0]
        raise CommandRefused(f"--group {name!r}: {fault.message}") from None


def _or(names: Mapping[str, str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}"


def _registry(given: Namespace) -> Registry:
    return find_registry(given.registry_url, given.key_file, os.environ)
