"""`pulseguard rules templates` and `pulseguard rules template`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from pulseguard_registry.rules.templates.library import TEMPLATES
from tests.registry.operating.conftest import Run

COST = ("rules", "template", "cost-per-hour")


def test_every_template_is_listed_with_its_purpose_and_its_defaults(
    run: Run, settings: Mapping[str, str]
):
    _, *lines = run("rules", "templates", **settings).out.splitlines()

    assert [line.split()[0] for line in lines] == list(TEMPLATES)
    (cost,) = (line for line in lines if line.startswith("cost-per-hour"))
    assert TEMPLATES["cost-per-hour"].purpose in cost
    assert cost.endswith("budget=10 for=10m severity=warning")


def test_a_template_is_a_file_that_is_well_and_can_be_applied(
    run: Run, settings: Mapping[str, str], tmp_path: Path
):
    made = run(
        *(*COST, "--set", "budget=0.5", "--set", "for=5m"),
        *("--scope", "environment=production", "--scope", "team~=sales|support"),
        **settings,
    )
    file = tmp_path / "cost.yml"
    file.write_text(made.out)

    (group,) = yaml.safe_load(made.out)["groups"]
    (rule,) = group["rules"]
    assert (group["name"], rule["alert"], rule["for"]) == ("cost-per-hour", "AgentOverBudget", "5m")
    assert rule["expr"].endswith('{environment="production",team=~"sales|support"} > 0.5')
    assert run("rules", "check", "--strict", "-f", str(file)).out.endswith("all well\n")
    applied = run("rules", "apply", "-f", str(file), "--owner", "sales", **settings)
    assert "1 created" in applied.out


def test_a_group_has_the_name_that_is_asked_for_and_a_pattern_prometheus_own_sign(
    run: Run, settings: Mapping[str, str]
):
    made = run(*COST, "--group", "costs", "--scope", "team=~sales|support", **settings)

    (group,) = yaml.safe_load(made.out)["groups"]
    assert group["name"] == "costs"
    assert 'team=~"sales|support"' in group["rules"][0]["expr"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--set", "budget=lots"], "--set budget=lots: is no number; give one, such as 10"),
        (["--set", "budget=-1"], "--set budget=-1: is out of bounds; give 0 to 1e+06 USD"),
        (["--set", "for=soon"], "--set for=soon: is no duration; give such as 5m"),
        (["--set", "severity=bad"], "--set severity=bad: is not known; give one of critical"),
        (["--set", "limit=5"], "--set limit=5: is no parameter; give any of budget, for"),
        (["--set", "budget"], "--set 'budget' gives nothing a value; write NAME=VALUE"),
        (["--set", "for=1m", "--set", "for=2m"], "--set for=2m: for is there twice"),
        (["--scope", "colour=red"], "--scope colour=red: a scope is of environment, team, agent"),
        (["--scope", "team=a", "--scope", "team~=b"], "--scope team~=b: team is there twice"),
        (["--scope", "team=a", "--scope", "team=b"], "give one, as team~=one|other"),
        (["--scope", "team~=("], "--scope team~=(: is no regular expression"),
        (["--group", "a\x07b"], "--group 'a\\x07b': "),
    ],
)
def test_what_cannot_be_meant_names_the_parameter_the_value_and_the_mend(
    run: Run, settings: Mapping[str, str], given: list[str], said: str
):
    done = run(*COST, *given, **settings)

    assert (done.status, done.out) == (1, "")
    assert said in done.err


def test_a_template_that_is_not_there_is_answered_with_those_that_are(
    run: Run, settings: Mapping[str, str]
):
    done = run("rules", "template", "cost/../x", **settings)

    assert done.status == 1
    assert f"no template 'cost/../x'; there are {', '.join(TEMPLATES)}" in done.err
