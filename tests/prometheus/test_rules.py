"""The rule files: well-formed, tested by promtool, and made of names that exist."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from pulseguard.catalog import AGENT_METRICS, REGISTRY_METRICS
from pulseguard_stack.programs import find_program

REPOSITORY = Path(__file__).parents[2]
RULES = sorted((REPOSITORY / "prometheus" / "rules").glob("*"))
FIELDS = [
    *("model_inference_time_ms", "model_accuracy", "confidence_score", "tokens_processed"),
    *("tokens_per_second", "context_length", "api_calls_made", "api_call_latency_ms"),
]


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find_program("promtool"), *arguments], capture_output=True, text=True, check=False
    )


def expressions(path: Path) -> list[str]:
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def recorded() -> set[str]:
    groups = [
        group
        for path in RULES
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    ]
    return {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_a_rule_file_has_one_group_of_its_own_name(path: Path) -> None:
    assert path.suffix == ".yml"
    (group,) = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    assert group["name"] == path.stem


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_promtool_takes_a_rule_file_without_a_remark(path: Path) -> None:
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", path)

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_a_rule_file_does_what_its_promtool_test_says(path: Path) -> None:
    tested = promtool("test", "rules", Path(__file__).parent / path.name)

    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_every_recorded_series_of_a_file_is_in_its_promtool_test(path: Path) -> None:
    test = (Path(__file__).parent / path.name).read_text(encoding="utf-8")
    names = set(re.findall(r"record: (\S+)", path.read_text(encoding="utf-8")))

    assert {name for name in names if f"expr: {name}" not in test} == set()


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_every_name_in_an_expression_is_in_the_catalogue_or_recorded(path: Path) -> None:
    known = {metric.name for metric in (*AGENT_METRICS, *REGISTRY_METRICS)} | recorded()
    text = " ".join(expressions(path))
    used = set(
        re.findall(
            r"\b(?:pulseguard|gen_ai|http|hw|mcp)[\w:]*_(?:total|seconds|ratio|bytes|tokens|second)(?:_sum|_count|_bucket)?\b",
            text,
        )
    )

    assert {name for name in used if re.sub("_(sum|count|bucket)$", "", name) not in known} == set()


def test_each_of_the_eight_fields_is_recorded_once() -> None:
    names = [name.split(":")[1].removeprefix("agent_") for name in recorded()]

    assert sorted(names) == sorted(FIELDS)
