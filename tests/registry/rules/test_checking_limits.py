"""What a check costs at most, whatever text it is given."""

import time
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pulseguard_registry.rules.checking.group import check_group
from pulseguard_registry.rules.checking.known_names import KnownNames, catalogue_names
from pulseguard_registry.rules.checking.weight import weight_of
from pulseguard_registry.rules.vocabulary import Rule, RuleGroup
from tests.registry.rules.checked import GOOD, found, said

MANY = KnownNames(
    {f"name_{index}_of_{index % 70}_things_total": "counter" for index in range(5000)}
    | dict(catalogue_names().types),
    catalogue_names().labels,
)
WORDS = """
    up rate( sum( by ( ) [5m] [5m:1m] { } job="agents" =~ "(" > bool and or unless offset 5m @
    start() 1 "text" , - {{ }} {{end}} {{if $value}} {{range $labels}} {{define "a"}} | printf
    {{template "a"}} $labels.agent ( ) := /* */ else
"""
PIECES = st.sampled_from(WORDS.split())
ANY_TEXT = st.text(max_size=60) | st.lists(PIECES, max_size=12).map(" ".join)


@pytest.mark.parametrize(
    "text",
    [
        *("(" * 9000 + "a" + ")" * 9000, "^".join(["a"] * 9000), "-" * 19000 + "a"),
        *("abs(" * 5000, "a or " * 4000 + "a", "a" + "[1m:]" * 4000, "{" * 20000),
        *("1" * 19000 + "x", "1s" * 9000 + "x", '"' + '\\"' * 9000, "'" * 19999, "e1" * 30_000),
    ],
    ids=lambda text: text[:5],
)
def test_what_would_end_the_parser_is_refused_before(text: str):
    assert [one[:5] for one in said(text)] == ["error"]


@pytest.mark.parametrize(
    "text",
    [
        *("{{ " + "1" * 19000 + "x }}", "{{" * 9000, "{{1}}" * 3900, '{{ "' + '\\"' * 9000),
        *("{{if 1}}" * 2400, "{{ " + "(" * 19000, "{{/*" * 4000, "{{" + " " * 19000),
    ],
    ids=lambda text: text[:5],
)
def test_a_large_template_is_judged_at_once(text: str):
    began = time.thread_time()
    found(replace(GOOD, annotations={**GOOD.annotations, "a": text}))

    assert time.thread_time() - began < 1


def test_a_text_that_would_fill_the_memory_is_refused():
    doubling = "".join(
        f'{{{{ define "t{n}" }}}}{f"""{{{{ template "t{n + 1}" }}}}""" * 2}{{{{ end }}}}'
        for n in range(30)
    )
    text = doubling + '{{ define "t30" }}text{{ end }}{{ template "t0" }}'

    (one,) = found(replace(GOOD, annotations={**GOOD.annotations, "a": text}))

    assert one.level == "error"
    assert "steps" in one.message


@pytest.mark.alone
def test_a_rule_is_checked_within_50_ms_among_5000_names():
    chain = " + ".join(f'rate(name_{n}_of_things_totl{{a="b"}}[5m])' for n in range(40))
    rules = (replace(GOOD, expr=chain), Rule("record", "a:b:c", "+".join(["up"] * 190)), GOOD)
    check_group(RuleGroup("g", rules), MANY)

    for rule in rules:
        assert min(_seconds_to_check(rule) for _ in range(3)) < 0.05


@pytest.mark.alone
@pytest.mark.parametrize(
    "rule",
    [
        *(replace(GOOD, expr="+".join(["1"] * 200)), replace(GOOD, expr="a@1 " * 4000)),
        replace(GOOD, annotations={"a": "{{ print " + "1 " * 2400 + "}}"}),
        replace(GOOD, labels={"a": "{{1}}" * 200}),
        GOOD,
    ],
    ids=["chain", "words", "annotation", "label", "good"],
)
def test_what_takes_long_to_check_is_heavy(rule: Rule):
    seconds = min(_seconds_to_check(rule) for _ in range(2))

    assert seconds < weight_of(RuleGroup("g", (rule,))) * 15e-6


def _seconds_to_check(rule: Rule) -> float:
    began = time.thread_time()
    check_group(RuleGroup("g", (rule,)), MANY)
    return time.thread_time() - began


@settings(max_examples=150, deadline=None)
@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
@example("up > 0", "{{ template `a` }}", "{{ define `a` }}{{ template `b` }}{{ end }}")
@example("{}[", "{{ .", "{{ $x.y.")
@example("up{a=~'\\xff'}", "{{ 'a", "\ud800")
def test_a_check_answers_whatever_the_text(expr: str, label: str, annotation: str):
    rule = Rule("alert", label, expr, labels={label: label}, annotations={label: annotation})

    assert all(one.level in ("error", "warning") for one in found(rule))
