"""The file of the teams' own receivers: `teams: {finance: {slack: {webhook_file: …}}}`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from pulseguard_prometheus.errors import BadSetting, NotificationTrouble
from pulseguard_prometheus.notification.fields import checked_addresses, checked_text
from pulseguard_prometheus.notification.settings import Named

_LIMIT_BYTES: Final = 1024 * 1024
# Of each kind the field that it needs, then the others.
_FIELDS: Final = {
    "slack": ("webhook_file", "channel"),
    "pagerduty": ("key_file",),
    "email": ("to",),
    "webhook": ("url_file",),
}
_MEND: Final = "docs/alerting.md shows how it is written"


class _Twice(yaml.MarkedYAMLError):
    """A key is there twice: one of the two would be lost without a word."""


class _Loader(yaml.BaseLoader):
    """Takes each scalar for the text that it is, as a label is text: so `1` and `no` are teams."""

    # Any: what YAML holds.
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        found = super().construct_mapping(node, deep)
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise _Twice(problem=f"{key!r} is there twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return found


def read_teams(path: Path) -> Mapping[str, Named]:
    """Answers the receivers by team; raises NotificationTrouble, which names field and value."""
    try:
        with path.open("rb") as file:
            text = file.read(_LIMIT_BYTES + 1)
        if len(text) > _LIMIT_BYTES:
            raise ValueError("too long")
        document = yaml.load(text, _Loader)
    except OSError as problem:
        raise NotificationTrouble(
            f"PULSEGUARD_TEAM_RECEIVERS_FILE: {path} cannot be read ({problem.strerror})",
            "put the file there, readable by this user",
        ) from problem
    # UnicodeError and RecursionError: bytes that are no text, and nesting without an end.
    except (yaml.YAMLError, UnicodeError, RecursionError, ValueError) as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        said = problem.problem if isinstance(problem, _Twice) else "is no YAML"
        raise NotificationTrouble(f"{path}{where}: {said}", _MEND) from problem
    return {
        team: _named(f"{path}: teams.{team}", entry, path.parent)
        for team, entry in _teams(path, document).items()
    }


# Any: what YAML holds; whether it has the shape is found out here.
def _teams(path: Path, document: Any) -> dict[str, Any]:
    top = _mapping(str(path), document, ("teams",))
    teams = _mapping(f"{path}: teams", top.get("teams"), None)
    for team in teams:
        if not team or not team.isprintable() or len(team) > 100:
            raise NotificationTrouble(
                f"{path}: teams: {team!r} is no team", "write the label `team` of its agents"
            )
    return teams


# Any: see above.
def _named(where: str, entry: Any, folder: Path) -> Named:
    kinds = _mapping(where, entry, tuple(_FIELDS))
    found = {
        f"{kind}_{field}": value
        for kind, fields in _FIELDS.items()
        if kind in kinds
        for field, value in _kind(f"{where}.{kind}", kinds[kind], fields).items()
    }

    def file(name: str) -> Path | None:
        # As in other configuration, a path starts at its file's folder.
        return folder / found[name] if name in found else None

    return Named(
        slack_webhook_file=file("slack_webhook_file"),
        slack_channel=found.get("slack_channel", ""),
        pagerduty_key_file=file("pagerduty_key_file"),
        email_to=found.get("email_to", ""),
        webhook_file=file("webhook_url_file"),
    )


# Any: see above.
def _kind(where: str, entry: Any, fields: tuple[str, ...]) -> dict[str, str]:
    found = _mapping(where, entry, fields)
    if fields[0] not in found:
        raise NotificationTrouble(f"{where}: has no {fields[0]}", _MEND)
    for field, value in found.items():
        if not isinstance(value, str) or not value:
            raise NotificationTrouble(f"{where}.{field}: {value!r} is no text", _MEND)
        if field.endswith("_file") and "://" in value:
            # The secret itself, most likely: it is not repeated.
            raise NotificationTrouble(
                f"{where}.{field}: is an address", "write it into a file and name that here"
            )
    try:
        return {
            field: (checked_addresses if field == "to" else checked_text)(f"{where}.{field}", value)
            for field, value in found.items()
        }
    except BadSetting as problem:
        cause, _, mend = str(problem).partition("; ")
        raise NotificationTrouble(cause, mend) from problem


# Any: see above.
def _mapping(where: str, entry: Any, known: tuple[str, ...] | None) -> dict[str, Any]:
    if not isinstance(entry, dict) or not all(isinstance(key, str) for key in entry):
        raise NotificationTrouble(f"{where}: is no mapping", _MEND)
    for key in entry:
        if known is not None and key not in known:
            raise NotificationTrouble(
                f"{where}: {key!r} is not known", f"known: {', '.join(known)}"
            )
    return entry
