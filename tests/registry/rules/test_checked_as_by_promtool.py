"""What promtool takes we take, what it refuses we refuse, but for listed differences."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pulseguard_registry.rules.checking.group import check_group
from pulseguard_registry.rules.checking.known_names import catalogue_names
from pulseguard_registry.rules.vocabulary import Rule, RuleGroup
from pulseguard_stack.programs import find_program
from tests.registry.rules import expression_corpus, regular_expression_corpus, template_corpus

EXPRESSIONS = [
    *expression_corpus.WELL,
    *expression_corpus.BROKEN,
    *regular_expression_corpus.WELL,
    *regular_expression_corpus.BROKEN,
    *expression_corpus.REFUSED_BY_US_ALONE,
]
TEMPLATES = [
    *template_corpus.WELL,
    *template_corpus.BROKEN,
    *template_corpus.REFUSED_BY_US_ALONE,
]


def refused_by_promtool(folder: Path, rules: list[dict[str, Any]]) -> set[int]:
    """Which of these rules promtool has something against, by their positions."""
    path = folder / "rules.yml"
    document = {"groups": [{"name": "corpus", "rules": rules}]}
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    told = subprocess.run(
        [find_program("promtool"), "check", "rules", path], capture_output=True, text=True
    ).stderr
    assert "yaml:" not in told, told
    return {int(number) - 1 for number in re.findall(r'group "corpus", rule (\d+)', told)}


def errors_of(rule: Rule) -> list[str]:
    found = check_group(RuleGroup("corpus", (rule,)), catalogue_names())
    return [finding.message for finding in found if finding.level == "error"]


@pytest.fixture(scope="module")
def refused_expressions(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    # promtool refuses an empty one before it looks at it.
    rules = [{"record": f"r{index}", "expr": text} for index, text in enumerate(EXPRESSIONS)]
    refused = refused_by_promtool(tmp_path_factory.mktemp("expressions"), rules)
    return {EXPRESSIONS[index] for index in refused}


@pytest.fixture(scope="module")
def refused_templates(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    rules = [
        {"alert": "Rule", "expr": "up", "labels": {"n": str(index)}, "annotations": {"a": text}}
        for index, text in enumerate(TEMPLATES)
    ]
    refused = refused_by_promtool(tmp_path_factory.mktemp("templates"), rules)
    return {TEMPLATES[index] for index in refused}


def test_the_corpus_is_large_enough():
    assert len(set(EXPRESSIONS)) > 150
    assert len(set(TEMPLATES)) > 100


def test_an_expression_is_refused_where_promtool_refuses_it(refused_expressions: set[str]):
    ours = {text for text in EXPRESSIONS if errors_of(Rule("record", "r", text))}

    assert refused_expressions - ours == set()
    assert ours - refused_expressions == set(expression_corpus.REFUSED_BY_US_ALONE)


def test_a_template_is_refused_where_promtool_refuses_it(refused_templates: set[str]):
    ours = {
        text
        for text in TEMPLATES
        if errors_of(Rule("alert", "Rule", "up == 0", annotations={"a": text}))
    }

    assert refused_templates - ours == set()
    assert ours - refused_templates == set(template_corpus.REFUSED_BY_US_ALONE)
