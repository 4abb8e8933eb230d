"""Rule files as people write them: read whole, each fault with its line, and written again."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulseguard_registry.rules.checking.known_names import catalogue_names
from pulseguard_registry.rules.files.reading import read_rule_files, read_rules
from pulseguard_registry.rules.files.verdict import check_files
from pulseguard_registry.rules.files.writing import file_names_of, render_rule_file
from pulseguard_registry.rules.vocabulary import Rule, RuleGroup
from pulseguard_stack.programs import find_program

BROKEN = """\
groups:
  - name: a
    interval: 5
    query_offset: 1m
    rules:
      - alert: Slow
        expr: up == 0 and
        fro: 5m
        labels: {severity: warning, severity: critical}
      - record: a:b
        alert: c
  - rules: []
  - name: a
"""


def test_each_fault_of_a_file_is_told_at_once_with_its_line(tmp_path: Path):
    (tmp_path / "rules.yml").write_text(BROKEN)

    found = check_files(read_rule_files([tmp_path]), catalogue_names())

    errors = {(one.place.line, one.field) for one in found if one.level == "error"}
    assert errors == {
        (3, "interval"),
        (4, "query_offset"),
        (7, "rules.0.expr"),
        (8, "rules.0.fro"),
        (9, "rules.0.labels.severity"),
        (10, "rules.1"),
        (12, "name"),
        (13, "name"),
    }
    assert any("for is meant" in one.message for one in found)
    assert any(f"{tmp_path / 'rules.yml'}:2" in one.message for one in found)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "[]",
            "groups: 3",
            "groups: [",
            "a: &a [*a]",
            "groups: [3]",
            "- ",
            "groups:\n  - [1]",
        ),
        *("groups: &g [{name: a, rules: *g}]", "groups: [&x {name: a, labels: {<<: *x}, q: *x}]"),
    ],
)
def test_whatever_a_file_holds_it_is_judged_and_never_raises(text: str):
    _, faults = read_rules(text, "file.yml")

    assert faults
    assert all("file.yml" in str(fault) for fault in faults)


def test_a_broken_rule_does_not_shift_what_is_said_of_the_next(tmp_path: Path):
    (tmp_path / "rules.yml").write_text(
        "groups:\n- name: a\n  rules:\n  - alrt: A\n    expr: up\n  - alert: B\n    expr: up ==\n"
    )

    found = check_files(read_rule_files([tmp_path]), catalogue_names())

    errors = [one for one in found if one.level == "error"]
    assert found[: len(errors)] == errors
    assert {(one.place.line, one.rule) for one in errors} == {(4, None), (7, "B")}


def test_what_prometheus_takes_besides_is_taken():
    text = """
groups:
  - name: a
    interval: 0
    rules:
      - &first
        alert: A
        expr: up == 0
        for: 0
        labels: &common {severity: warning, team: a}
      - <<: *first
        alert: B
        labels: {<<: *common, team: b}
"""
    ((group,), faults) = read_rules(text, "file.yml")

    first, second = group.group.rules
    assert not faults
    assert group.group.interval is None
    assert (second.name, second.expr, second.pending) == ("B", "up == 0", "0s")
    assert second.labels == {**first.labels, "team": "b"}


def test_a_folder_is_read_with_all_below_it_but_what_is_hidden(tmp_path: Path):
    for name in ("b/one.yaml", "a.yml", ".git/two.yml", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"groups: [{{name: '{name}', rules: []}}]")

    found = read_rule_files([tmp_path, tmp_path / "a.yml"])

    assert [one.group.name for one in found.groups] == ["a.yml", "b/one.yaml"]
    assert not found.faults


def test_what_is_not_there_or_no_text_is_a_fault_and_the_rest_is_read(tmp_path: Path):
    (tmp_path / "bytes.yml").write_bytes(b"\xff\xfe")
    (tmp_path / "good.yml").write_text("groups: [{name: good, rules: []}]")
    (tmp_path / "empty").mkdir()

    found = read_rule_files([tmp_path, tmp_path / "empty", tmp_path / "away.yml"])

    assert [one.group.name for one in found.groups] == ["good"]
    assert len(found.faults) == 3


TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=40
)
LABELS = st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), TEXTS, max_size=3)
RULES = st.builds(
    Rule,
    kind=st.just("alert"),
    name=st.from_regex(r"[A-Za-z ]{1,10}", fullmatch=True),
    expr=TEXTS,
    pending=st.sampled_from([None, "5m", "1h30m"]),
    labels=LABELS,
    annotations=LABELS,
)
GROUPS = st.builds(RuleGroup, name=TEXTS.filter(bool), rules=st.tuples(RULES, RULES), labels=LABELS)


@given(GROUPS)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_as_it_was(group: RuleGroup):
    (read,), faults = read_rules(render_rule_file([group]), "file.yml")

    assert not faults
    assert read.group == group


def test_promtool_takes_what_is_written(tmp_path: Path):
    rule = Rule(
        "alert", "Slow", "sum(\n  rate(up[5m])\n) > 1\n", "5m", "1h", {"a": "'\"\\"}, {"b": "é\n"}
    )
    (tmp_path / "rules.yml").write_text(render_rule_file([RuleGroup("a", (rule,), "30s", 5)]))

    subprocess.run(
        [find_program("promtool"), "check", "rules", "rules.yml"],
        cwd=tmp_path,
        check=True,
        timeout=30,
        capture_output=True,
    )


def test_a_file_is_named_by_its_group_and_no_two_alike():
    names = ["A b", "a-b", "../../etc/passwd", "", "ü"]

    found = file_names_of(RuleGroup(name) for name in names)

    assert list(found) == ["A-b.yml", "a-b-2.yml", "etc-passwd.yml", "group.yml", "group-2.yml"]
