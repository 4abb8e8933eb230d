"""Whether what Prometheus tells of its rules is taken for what was written, and nothing else."""

import copy
from typing import Any

import pytest

from pulseguard_prometheus.errors import RuleFileFault
from pulseguard_prometheus.publication.comparison import is_loaded
from pulseguard_prometheus.publication.expressions import Expressions
from pulseguard_prometheus.publication.rule_file import read_rule_file, seconds_of
from tests.prometheus.publication.rules_registry import group_text

FILE = group_text(
    "group",
    "alert: Slow|expr: up == 0|for: 5m|keep_firing_for: 90s|"
    "labels: {severity: critical, empty: ''}|annotations: {summary: s}",
    "record: a:b|expr: sum(up)|labels: {team: x}",
    fields=["interval: 1m", "limit: 5"],
)
ALERT = {
    "type": "alerting",
    "name": "Slow",
    "query": "up == 0",
    "duration": 300,
    "keepFiringFor": 90,
    "labels": {"severity": "critical"},
    "annotations": {"summary": "s"},
}
RECORD = {"type": "recording", "name": "a:b", "query": "sum(up)", "labels": {"team": "x"}}
# Any: an object of Prometheus' API.
GROUP: dict[str, Any] = {"name": "group", "interval": 60, "limit": 5, "rules": [ALERT, RECORD]}


def loaded(group: dict[str, Any]) -> bool:
    return is_loaded(read_rule_file(FILE.encode()), group, lambda one, other: one == other)


def test_the_same_rules_are_the_same():
    assert loaded(GROUP)


def test_what_a_version_does_not_show_is_not_missed():
    group = copy.deepcopy(GROUP)
    del group["limit"], group["rules"][0]["keepFiringFor"]

    assert loaded(group)


@pytest.mark.parametrize("rule", [0, 1])
@pytest.mark.parametrize("field", sorted(ALERT))
def test_one_other_field_is_another_rule(rule, field):
    group = copy.deepcopy(GROUP)
    if field not in group["rules"][rule]:
        return
    value = group["rules"][rule][field]
    for other in (value + 1 if isinstance(value, int) else "other", None, {"x": "y"}):
        group["rules"][rule][field] = other
        assert not loaded(group)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"interval": 61},
        {"limit": 0},
        {"rules": [ALERT]},
        {"rules": [RECORD, ALERT]},
        {"rules": [ALERT, RECORD, RECORD]},
        {"rules": None},
        {"rules": [ALERT, None]},
    ],
    ids=str,
)
def test_one_other_field_is_another_group(change):
    assert not loaded(GROUP | change)


@pytest.mark.parametrize(
    ("written", "printed", "are_one"),
    [
        ("up  ==\n0", "up == 0", True),
        ("sum by(a)(b)", "sum by (a) (b)", True),
        ("upper", "up per", False),
        ('x{a="b c"}', 'x{a="b  c"}', False),
        ("x{a='\\' b'}", "x{a='\\'  b'}", False),
        ("x{a=` \\`} or ` `", "x{a=` \\`}or ` `", True),
        ("up # > 0", "up #\n> 0", False),
        ('x{a="#", b=" "}', 'x { a = "#", b=" " }', True),
    ],
)
def test_only_space_between_words_does_not_count(written, printed, are_one):
    assert Expressions(lambda _: None).are_one(written, printed) is are_one


def test_a_formatter_decides_where_the_texts_differ_and_is_asked_once():
    asked = []

    def formatted(text: str) -> str:
        asked.append(text)
        return text.split("#")[0].lower()

    expressions = Expressions(formatted)
    for _ in range(2):
        assert expressions.are_one("SUM(up) # all", "sum (up)")
        assert not expressions.are_one("SUM(up) # all", "sum(down)")
    assert asked == ["SUM(up) # all", "sum(down)"]


def test_values_are_read_as_the_texts_that_they_are():
    text = group_text("on", "alert: 1_000|expr: 12:30|labels: {a: yes, b: 0x1f, c: null}")

    group = read_rule_file(text.encode())

    assert group.name == "on"
    assert (group.rules[0].name, group.rules[0].expr) == ("1_000", "12:30")
    assert group.rules[0].labels == {"a": "yes", "b": "0x1f", "c": "null"}


@pytest.mark.parametrize(
    "change",
    [
        ("interval: 1m", "interval: 1m\n  query_offset: 1m"),
        ("interval: 1m", "interval: 1m\n  labels: {a: b}"),
        ("for: 5m", "pending: 5m"),
        ("interval: 1m", "interval: 1.5m"),
        ("limit: 5", "limit: many"),
        ("limit: 5", "limit: [5]"),
        ("groups:", "groups: []\nmore:"),
        ("groups:", "group:"),
        ("labels: {team: x}", "labels: [team]"),
        ("labels: {team: x}", "labels: {team: {a: b}}"),
        ("- record: a:b\n    expr: sum(up)\n    labels: {team: x}", "- a:b"),
        ("groups:", "groups: &a [*a]\nx:"),
        ("groups:", "--- {}\n---\ngroups:"),
        ("groups:", "\tgroups:"),
        ("groups:", "{" * 5000),
    ],
    ids=lambda change: change[1][:30],
)
def test_what_prometheus_would_not_start_with_is_refused(change):
    assert change[0] in FILE
    with pytest.raises(RuleFileFault):
        read_rule_file(FILE.replace(*change).encode())


def test_durations_are_those_of_prometheus():
    assert [seconds_of(text) for text in ("0", "1h30m", "90s", "250ms", "1w2d")] == [
        0,
        5400,
        90,
        0.25,
        777600,
    ]
    for wrong in ("", "5", "m", "1.5h", "5m ", "-5m"):
        with pytest.raises(RuleFileFault):
            seconds_of(wrong)
