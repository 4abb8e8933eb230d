"""What a file of rules says, as values: read the way Prometheus reads it."""

import re
from dataclasses import dataclass
from typing import Any, Final

import yaml

from pulseguard_prometheus.errors import RuleFileFault

# libyaml's, where it is there, is ten times as fast. All scalars stay the texts that they are:
# whatever Python makes of a 1_000 or a 12:30, Prometheus takes them for text here.
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

# What Prometheus 2.42 knows: with anything else it would not start.
_GROUP_FIELDS: Final = {"name", "interval", "limit", "rules"}
_RULE_FIELDS: Final = {
    "alert",
    "record",
    "expr",
    "for",
    "keep_firing_for",
    "labels",
    "annotations",
}
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS: Final = {
    "ms": 0.001,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86400,
    "w": 604800,
    "y": 31536000,
}


@dataclass(frozen=True)
class FileRule:
    """One rule; durations in seconds."""

    kind: str
    name: str
    expr: str
    pending_seconds: float
    keep_firing_seconds: float
    labels: dict[str, str]
    annotations: dict[str, str]


@dataclass(frozen=True)
class FileGroup:
    """The one group of a file; no interval is that of the whole configuration."""

    name: str
    interval_seconds: float | None
    limit: int
    rules: tuple[FileRule, ...]


def read_rule_file(content: bytes) -> FileGroup:
    """Answers its group; raises RuleFileFault where it is not exactly one that Prometheus 2.42
    knows by its fields. What the values are worth, promtool tells."""
    try:
        document = yaml.load(content, _Loader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as problem:
        raise RuleFileFault(f"it is no YAML: {' '.join(str(problem).split())[:300]}") from problem
    try:
        ((field, groups),) = document.items()
        (group,) = groups
        fields = dict(group)
    except (AttributeError, TypeError, ValueError) as problem:
        raise RuleFileFault("it has not exactly one group") from problem
    if field != "groups":
        raise RuleFileFault(f"it has a field {field!r}")
    return _group(fields)


def seconds_of(duration: str) -> float:
    """Answers the seconds of a duration like 1h30m; raises RuleFileFault where it is none."""
    parts = _PART.findall(duration)
    if duration != "0" and (not parts or "".join(map("".join, parts)) != duration):
        raise RuleFileFault(f"{duration[:40]!r} is no duration")
    # Three digits, as finely as a duration can be.
    return round(sum(int(count) * _SECONDS[unit] for count, unit in parts), 3)


# Any: a YAML document; the steps below find out whether it has the shape they need.
def _group(fields: dict[Any, Any]) -> FileGroup:
    _allow(fields, _GROUP_FIELDS, "its group")
    rules = fields.get("rules")
    if not isinstance(rules, list) or not rules:
        raise RuleFileFault("its group has no rules")
    interval, limit = _text(fields, "interval"), _text(fields, "limit")
    if limit and not re.fullmatch(r"-?[0-9]{1,18}", limit):
        raise RuleFileFault(f"its limit {limit[:40]!r} is no number")
    return FileGroup(
        name=_text(fields, "name"),
        interval_seconds=seconds_of(interval) if interval else None,
        limit=int(limit or 0),
        rules=tuple(_rule(number, rule) for number, rule in enumerate(rules)),
    )


def _rule(number: int, fields: Any) -> FileRule:
    place = f"rules[{number}]"
    if not isinstance(fields, dict):
        raise RuleFileFault(f"{place} is no rule")
    _allow(fields, _RULE_FIELDS, place)
    kind = "alerting" if "alert" in fields else "recording"
    pending, keeping = _text(fields, "for"), _text(fields, "keep_firing_for")
    return FileRule(
        kind=kind,
        name=_text(fields, "alert" if kind == "alerting" else "record"),
        expr=_text(fields, "expr"),
        pending_seconds=seconds_of(pending) if pending else 0.0,
        keep_firing_seconds=seconds_of(keeping) if keeping else 0.0,
        labels=_texts(fields, "labels"),
        annotations=_texts(fields, "annotations"),
    )


def _allow(fields: dict[Any, Any], known: set[str], place: str) -> None:
    strange = [name for name in fields if name not in known]
    if strange:
        raise RuleFileFault(f"{place} has a field {strange[0]!r} that Prometheus 2.42 has not")


def _text(fields: dict[Any, Any], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise RuleFileFault(f"{name} is no text")
    return value


def _texts(fields: dict[Any, Any], name: str) -> dict[str, str]:
    values = fields.get(name) or {}
    if not isinstance(values, dict) or not all(
        isinstance(part, str) for pair in values.items() for part in pair
    ):
        raise RuleFileFault(f"{name} do not map names to texts")
    return values
