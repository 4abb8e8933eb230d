"""Rules made of templates: what fires, what does not, and whatever a scope may hold."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pulseguard_registry.rules.checking.expressions import matchers, read
from pulseguard_registry.rules.checking.group import check_group
from pulseguard_registry.rules.checking.known_names import catalogue_names
from pulseguard_registry.rules.checking.template_faults import read_text
from pulseguard_registry.rules.templates.building import build
from pulseguard_registry.rules.templates.library import TEMPLATES
from pulseguard_registry.rules.templates.parameters import Value, chosen_values
from pulseguard_registry.rules.templates.quoting import plain, quoted
from pulseguard_registry.rules.templates.scope import Limit, Scope
from pulseguard_registry.rules.vocabulary import Rule, RuleGroup
from pulseguard_stack.programs import find_program
from tests.registry.requests import V1
from tests.registry.rules.template_series import AGENTS, BURST, FALLING, written
from tests.registry.running import RunningRegistry

REPOSITORY = Path(__file__).parents[3]
HOSTILE = "a\"b\\c'd`e{f}\ng{{ $value }}}}h\tß😀$labels"
EVERYBODY = Scope({})
SCOPES = {
    "": EVERYBODY,
    "Hostile": Scope({"team": Limit(HOSTILE)}),
    # Nearly so.
    "Nobody": Scope({"team": Limit(HOSTILE + "!")}),
    "Pattern": Scope(
        {
            "team": Limit(r'(?s)a"b\\c.*\{\{ \$value }}}}h.*', True),
            "environment": Limit("prod.+", True),
            "agent": Limit("bot|other", True),
            "type": Limit("LLM_AGENT"),
        }
    ),
}
# Agents of which the rules of a template have to tell as well.
MORE = {"tool-failures at once": BURST, "agent-down again and again": FALLING}
AT = "40m"


def made(template_id: str, scope: Scope = EVERYBODY, **given_values: Value) -> Rule:
    template = TEMPLATES[template_id]
    values, faults = chosen_values(template.parameters, given_values)
    assert faults == []
    return build(template, values, scope)


def as_written(rule: Rule) -> dict[str, Any]:
    return {
        "alert": rule.name,
        "expr": rule.expr,
        "for": rule.pending,
        "labels": dict(rule.labels),
        "annotations": dict(rule.annotations),
    }


def told_of(template_id: str) -> dict[str, set[str]]:
    """The agents of a template's series that each of its rules fires for."""
    alert = TEMPLATES[template_id].alert
    everywhere = {f"{template_id} fires", f"{template_id} fires in the scope"}
    everywhere |= {agent for agent in MORE if agent.startswith(template_id)}
    in_scope = {f"{template_id} fires in the scope"}
    return {
        alert: everywhere,
        f"{alert}Hostile": in_scope,
        f"{alert}Pattern": in_scope,
        f"{alert}Nobody": set(),
    }


def series_of(template_id: str) -> Iterator[dict[str, str]]:
    agents = AGENTS[template_id]
    yield from (written(each, f"{template_id} fires", "finance") for each in agents.fires)
    yield from (
        written(each, f"{template_id} fires in the scope", HOSTILE) for each in agents.fires
    )
    for which, series in agents.quiet.items():
        yield from (written(each, f"{template_id} {which}", "finance") for each in series)


def expectation(template_id: str, alert: str, agents: set[str]) -> dict[str, Any]:
    # The other agents have only the series that their own template needs.
    own = f'alertname="{alert}",alertstate="firing",agent_id=~"{template_id} .*"'
    labels = "alertname, agent_id, agent, instance, environment"
    return {
        "expr": f"count by ({labels}) (ALERTS{{{own}}})",
        "eval_time": AT,
        "exp_samples": [
            {
                "labels": f'{{alertname="{alert}",agent_id="{agent}",agent="bot",'
                f'instance="web-1",environment="production"}}',
                "value": 1,
            }
            for agent in sorted(agents)
        ],
    }


@pytest.fixture(scope="module")
def promtool_told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One run for all of them: to evaluate takes longer than to start."""
    folder = tmp_path_factory.mktemp("templates")
    rules = [
        replace(rule, name=rule.name + suffix)
        for suffix, scope in SCOPES.items()
        for rule in (made(template_id, scope) for template_id in TEMPLATES)
    ]
    document = {"groups": [{"name": "made", "rules": [as_written(rule) for rule in rules]}]}
    (folder / "made.yml").write_text(yaml.safe_dump(document))
    shipped = (REPOSITORY / "prometheus" / "rules").glob("*.yml")
    of_prometheus = {"series": 'process_start_time_seconds{job="prometheus"}', "values": "0x100"}
    test = {
        "interval": "30s",
        "input_series": [
            of_prometheus,
            *(series for template_id in TEMPLATES for series in series_of(template_id)),
            *(written(each, agent, "finance") for agent in MORE for each in MORE[agent]),
        ],
        "promql_expr_test": [
            expectation(template_id, alert, agents)
            for template_id in TEMPLATES
            for alert, agents in told_of(template_id).items()
        ],
    }
    whole = {
        "rule_files": [*map(str, shipped), str(folder / "made.yml")],
        "evaluation_interval": "1m",
        "tests": [test],
    }
    (folder / "tests.yml").write_text(yaml.safe_dump(whole))
    run = subprocess.run(
        [find_program("promtool"), "test", "rules", folder / "tests.yml"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = run.stdout + run.stderr
    assert "expr:" in said or run.returncode == 0, said
    return said


@pytest.mark.parametrize("template_id", TEMPLATES)
def test_a_template_fires_when_it_should_in_its_scope_and_only_then(
    promtool_told: str, template_id: str
):
    """Also where a scope holds quotes, backslashes, braces, line ends and what looks like a
    template: the same series must fire, and those of a scope that is nearly so must not."""
    failed = [
        part
        for part in promtool_told.split("expr: ")[1:]
        if any(f'alertname="{alert}"' in part for alert in told_of(template_id))
    ]

    assert failed == []


def test_every_template_has_series_that_fire_and_that_do_not():
    assert AGENTS.keys() == TEMPLATES.keys()
    assert all(agents.fires and agents.quiet for agents in AGENTS.values())


@pytest.mark.parametrize("template_id", TEMPLATES)
def test_a_rule_of_a_template_is_one_without_a_finding(template_id: str):
    rule = made(template_id, SCOPES["Hostile"])

    assert check_group(RuleGroup("made", (rule,)), catalogue_names()) == []
    # Half of something is 0.5, where humanize alone would say 500m.
    assert rule.annotations["value"].startswith('{{ if lt $value 1.0 }}{{ printf "%.3g" $value }}')
    assert float(rule.annotations["threshold"].split()[0]) >= 0
    path, _, anchor = rule.annotations["runbook_url"].partition("#")
    headings = re.findall(r"^### (\w+)$", (REPOSITORY / path).read_text(encoding="utf-8"), re.M)
    assert anchor in [heading.lower() for heading in headings]


def test_what_is_said_is_in_the_rule():
    said: dict[str, Value] = {"budget": 2.5, "for": "1h30m", "severity": "critical"}

    rule = made("cost-per-hour", Scope({"team": Limit("a|b", True)}), **said)

    assert rule.expr == 'pulseguard:agent_cost_usd_per_hour:mean15m{team=~"a|b"} > 2.5'
    assert (rule.pending, rule.labels) == ("1h30m", {"severity": "critical"})
    assert rule.annotations["threshold"] == "2.5 USD"


@pytest.mark.parametrize(
    ("template_id", "name", "value"),
    [
        ("error-rate", "share", 1),
        ("tool-failures", "share", 1),
        ("context-nearly-full", "share", 1),
        ("evaluation-below", "floor", 0),
    ],
)
def test_a_threshold_that_nothing_passes_is_refused(template_id: str, name: str, value: int):
    _, faults = chosen_values(TEMPLATES[template_id].parameters, {name: value})

    assert [fault.field for fault in faults] == [f"parameters.{name}"]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40).filter(lambda text: text.strip() and text.isprintable()))
def test_a_text_in_an_annotation_is_never_a_template(text: str):
    rule = made("evaluation-below", EVERYBODY, evaluation=text)
    alone = made("evaluation-below", EVERYBODY, evaluation="a")

    described = rule.annotations["description"]
    assert read_text(described, rule.name).faults == []
    assert described.replace('{{"{"}}', "").count("{{") == alone.annotations["description"].count(
        "{{"
    )


@pytest.mark.parametrize("text", ["{{ query `up` }}", "{", "{{", "a}}b", '{{"'])
def test_a_plain_text_holds_no_action(text: str):
    actions = re.findall(r"\{\{(.*?)\}\}", plain(text))

    assert set(actions) <= {'"{"'}


@pytest.mark.parametrize("text", [HOSTILE, "\u2028\u202e\x00\x1f", "\U000e0001", "\\", '"'])
def test_a_quoted_text_is_read_as_it_was(text: str):
    tree = read(f"up{{team={quoted(text)}}}").tree

    assert matchers(tree) == [("team", "=", text)]


def built(registry: RunningRegistry, body: dict[str, Any], template_id: str = "error-rate") -> Any:
    return registry.post(f"{V1}/rule-templates/{template_id}/build", body)


def test_templates_are_listed_and_read(shared_registry: RunningRegistry):
    listed = shared_registry.get(f"{V1}/rule-templates").json()["items"]

    assert [each["id"] for each in listed] == list(TEMPLATES)
    for each in listed:
        assert shared_registry.get(f"{V1}/rule-templates/{each['id']}").json() == each
        assert {"for", "severity"} <= {parameter["name"] for parameter in each["parameters"]}
    missing = shared_registry.get(f"{V1}/rule-templates/nothing")
    assert missing.status_code == 404
    assert "error-rate" in missing.json()["detail"]


def test_every_wrong_parameter_is_told_of_at_once(shared_registry: RunningRegistry):
    wrong = {"share": 2, "failures": 1.5, "for": "soon", "severity": "bad", "shar": 0.1}
    body = {"parameters": wrong, "scope": {"team": {"matches": "("}}}

    answer = built(shared_registry, body)

    assert answer.status_code == 422
    told = {each["field"]: each["message"] for each in answer.json()["errors"]}
    assert told.keys() == {f"parameters.{name}" for name in wrong} | {"scope.team.matches"}
    assert "give 0 to 0.99" in told["parameters.share"]
    assert "critical, warning, info" in told["parameters.severity"]


@pytest.mark.parametrize(
    ("value", "given_for"),
    [(True, "1m"), ("0.1", "1m"), (0.1, 60), (0.1, "8d"), (0.1, "9" * 99 + "d")],
)
def test_a_value_of_another_kind_is_refused(
    shared_registry: RunningRegistry, value: object, given_for: object
):
    answer = built(shared_registry, {"parameters": {"share": value, "for": given_for}})

    assert answer.status_code == 422


def test_a_scope_is_built_into_a_rule_and_nothing_is_stored(shared_registry: RunningRegistry):
    answer = built(shared_registry, {"scope": {"team": HOSTILE, "environment": {"matches": "p.*"}}})

    assert answer.status_code == 200
    rule = answer.json()["rule"]
    assert (rule["kind"], rule["name"], rule["for"]) == ("alert", "AgentCallsFail", "2m")
    assert f"team={quoted(HOSTILE)}" in rule["expr"]
    assert 'environment=~"p.*"' in rule["expr"]
    assert answer.json()["findings"] == []
