"""/rule-templates: kinds of rules, and a rule made of one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.problems import Fault, Problem, shown
from pulseguard_registry.rules.findings import find_alone
from pulseguard_registry.rules.templates.building import build
from pulseguard_registry.rules.templates.library import TEMPLATES, Template
from pulseguard_registry.rules.templates.parameters import chosen_values
from pulseguard_registry.rules.templates.schemas import (
    Build,
    BuildFinding,
    BuildSent,
    BuiltRule,
    RuleTemplate,
    RuleTemplates,
)
from pulseguard_registry.strict_json import StrictRoute

router = APIRouter(prefix=f"{API_PREFIX}/rule-templates", tags=["rules"], route_class=StrictRoute)
People = Annotated[Principal, requires(*PEOPLE)]
TemplateId = Annotated[str, Path(description="One of those that the list has.", max_length=100)]


@router.get("")
def list_rule_templates(reader: People) -> RuleTemplates:
    """What rules about agents can be made of: each kind with its parameters, their defaults and
    their bounds."""
    return RuleTemplates(items=[RuleTemplate.of(template) for template in TEMPLATES.values()])


@router.get("/{template_id}")
def read_rule_template(template_id: TemplateId, reader: People) -> RuleTemplate:
    """One kind of rule, with its parameters."""
    return RuleTemplate.of(_found(template_id))


@router.post("/{template_id}/build")
def build_rule(template_id: TemplateId, sent: BuildSent, reader: People, request: Request) -> Build:
    """An ordinary rule of these thresholds, for the agents of this scope. Nothing is stored: look
    at it, change it, and send it to /alert-rules."""
    template = _found(template_id)
    scope = sent.scope.scope()
    values, faults = chosen_values(template.parameters, sent.parameters)
    faults += [
        Fault(
            field=f"scope.{word}.matches",
            value=shown(pattern),
            message="is no regular expression that Prometheus takes (RE2)",
        )
        for word, pattern in scope.faults()
    ]
    if faults:
        raise Problem(
            422, "; ".join(f"{each.field}: {each.message}" for each in faults), errors=faults
        )
    rule = build(template, values, scope)
    findings = find_alone(rule, request.app.state.known_names())
    return Build(
        rule=BuiltRule.of(rule), findings=[BuildFinding.model_validate(each) for each in findings]
    )


def _found(template_id: str) -> Template:
    template = TEMPLATES.get(template_id)
    if template is None:
        known = ", ".join(TEMPLATES)
        raise Problem(404, f"there is no such template; there are {known}")
    return template
