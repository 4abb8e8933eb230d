"""Templates, and what is made of them, on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pulseguard_registry.fields import Prose
from pulseguard_registry.rules.templates.library import Template
from pulseguard_registry.rules.templates.parameters import ParameterType
from pulseguard_registry.rules.templates.scope import Limit, Scope
from pulseguard_registry.rules.vocabulary import Level, Rule, RuleKind

# True is no number.
Number = Annotated[float, Field(strict=True)]
LimitText = Annotated[Prose, Field(max_length=500)]


class TemplateParameter(BaseModel):
    """A threshold or a setting; one without a value takes its default."""

    name: str
    title: str
    type: ParameterType
    unit: str
    default: float | str
    minimum: float | None
    maximum: float | None
    choices: list[str]


class RuleTemplate(BaseModel):
    """A kind of rule."""

    id: str
    title: str
    purpose: str
    alert: str
    parameters: list[TemplateParameter]

    @classmethod
    def of(cls, template: Template) -> RuleTemplate:
        """As it is shown."""
        parameters = [
            TemplateParameter(
                name=each.name,
                title=each.title,
                type=each.type,
                unit=each.unit,
                default=each.default,
                minimum=each.minimum,
                maximum=each.maximum,
                choices=list(each.choices),
            )
            for each in template.parameters
        ]
        return cls(
            id=template.id,
            title=template.title,
            purpose=template.purpose,
            alert=template.alert,
            parameters=parameters,
        )


class RuleTemplates(BaseModel):
    """All of them."""

    items: list[RuleTemplate]


class Matching(BaseModel):
    """A regular expression."""

    model_config = ConfigDict(extra="forbid")

    matches: LimitText = Field(description="RE2, which has to match the whole value.")


class ScopeSent(BaseModel):
    """For which agents: each a value, or a regular expression as `{"matches": "…"}`."""

    model_config = ConfigDict(extra="forbid")

    environment: LimitText | Matching | None = None
    team: LimitText | Matching | None = None
    agent: LimitText | Matching | None = None
    type: LimitText | Matching | None = None

    def scope(self) -> Scope:
        """The same as a value."""
        said = {name: getattr(self, name) for name in type(self).model_fields}
        return Scope(
            {
                name: Limit(limit) if isinstance(limit, str) else Limit(limit.matches, True)
                for name, limit in said.items()
                if limit is not None
            }
        )


class BuildSent(BaseModel):
    """What a rule is made of."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "parameters": {"for": "10m", "severity": "critical"},
                    "scope": {"environment": "production", "team": {"matches": "sales|support"}},
                }
            ]
        },
    )

    parameters: dict[str, Number | str] = Field(
        default_factory=dict, description="Values by the names of the template's parameters."
    )
    scope: ScopeSent = Field(default_factory=lambda: ScopeSent())


class BuiltRule(BaseModel):
    """A rule as /alert-rules takes it."""

    kind: RuleKind
    name: str
    expr: str
    pending: str | None = Field(serialization_alias="for")
    labels: dict[str, str]
    annotations: dict[str, str]

    @classmethod
    def of(cls, rule: Rule) -> BuiltRule:
        """As it is shown."""
        return cls(
            kind=rule.kind,
            name=rule.name,
            expr=rule.expr,
            pending=rule.pending,
            labels=dict(rule.labels),
            annotations=dict(rule.annotations),
        )


class BuildFinding(BaseModel):
    """What a check says of the rule."""

    model_config = ConfigDict(from_attributes=True)

    level: Level
    field: str
    value: str | None
    message: str


class Build(BaseModel):
    """The rule, and what a check finds in it; nothing is stored."""

    rule: BuiltRule
    findings: list[BuildFinding]
