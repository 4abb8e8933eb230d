"""Groups and rules as they are sent."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, field_validator
from pydantic_core.core_schema import ValidationInfo

from pulseguard_registry.rules.fields import (
    MOST_RULES,
    Annotations,
    Duration,
    Expr,
    GroupName,
    Interval,
    Labels,
    Message,
    Owner,
    PlainLabels,
    RuleName,
    RunbookUrl,
    Severity,
    check_metric_name,
    refuse_template,
)
from pulseguard_registry.rules.vocabulary import (
    RUNBOOK_ANNOTATION,
    SEVERITY_LABEL,
    Rule,
    RuleGroup,
    RuleKind,
)

MOST_GROUPS: Final = 1000
_NOT_RECORDED: Final = "is of alerting rules, and a recording rule has none; take it out"

RULE_EXAMPLE: Final[dict[str, Any]] = {  # Any: JSON
    "kind": "alert",
    "name": "InvoiceBotSlow",
    "expr": "agent:model_call:seconds_p95 > 5",
    "for": "5m",
    "labels": {"team": "finance"},
    "annotations": {"summary": "{{ $labels.agent }} is slow"},
    "severity": "warning",
    "runbook_url": "https://example.org/runbooks#slow",
}
GROUP_EXAMPLE: Final[dict[str, Any]] = {  # Any: JSON
    "name": "invoices",
    "interval": "30s",
    "owner": "finance",
    "rules": [RULE_EXAMPLE],
}


class RuleFields(BaseModel):
    """One rule as Prometheus has it; `severity` is another way to write labels.severity, and
    `runbook_url` one for annotations.runbook_url."""

    model_config = ConfigDict(extra="forbid")

    kind: RuleKind = Field(description="`alert` or `record`.")
    name: RuleName = Field(description="Of the alert, or of the series that is recorded.")
    expr: Expr = Field(description="PromQL.", examples=["up == 0"])
    pending: Duration | None = Field(
        None,
        alias="for",
        description="How long the expression has to hold before the alert fires.",
    )
    keep_firing_for: Duration | None = Field(
        None, description="How long the alert goes on after the expression holds no more."
    )
    labels: Labels = {}
    annotations: Annotations = {}
    enabled: StrictBool = Field(True, description="Whether Prometheus is to have it.")
    severity: Severity | None = Field(None, examples=["warning"])
    runbook_url: RunbookUrl | None = Field(None, examples=["https://example.org/runbooks#slow"])

    @field_validator("name")
    @classmethod
    def _of_a_metric(cls, name: str, info: ValidationInfo) -> str:
        return check_metric_name(name) if info.data.get("kind") == "record" else name

    @field_validator("pending", "keep_firing_for", "annotations", "runbook_url")
    @classmethod
    def _of_alerts_only(cls, value: Any, info: ValidationInfo) -> Any:  # Any: of these fields
        if value and info.data.get("kind") == "record":
            raise ValueError(_NOT_RECORDED)
        return value

    @field_validator("labels")
    @classmethod
    def _plain_where_not_expanded(
        cls, labels: dict[str, str], info: ValidationInfo
    ) -> dict[str, str]:
        is_record = info.data.get("kind") == "record"
        for name, value in labels.items():
            if is_record or name == SEVERITY_LABEL:
                _refuse_template_in(name, value)
        return labels

    @field_validator("annotations")
    @classmethod
    def _plain_runbook(cls, annotations: dict[str, str]) -> dict[str, str]:
        if (value := annotations.get(RUNBOOK_ANNOTATION)) is not None:
            _refuse_template_in(RUNBOOK_ANNOTATION, value)
        return annotations

    @field_validator("severity", "runbook_url")
    @classmethod
    def _same_as_in_full(cls, value: str | None, info: ValidationInfo) -> str | None:
        place, name = {
            "severity": ("labels", SEVERITY_LABEL),
            "runbook_url": ("annotations", RUNBOOK_ANNOTATION),
        }[str(info.field_name)]
        other = info.data.get(place, {}).get(name)
        if value is not None and other not in (None, value):
            raise ValueError(f"is another one than {place}.{name}; give one of the two")
        return value

    def rule(self) -> Rule:
        """The same in Prometheus' own vocabulary."""
        labels, annotations = dict(self.labels), dict(self.annotations)
        if self.severity:
            labels[SEVERITY_LABEL] = self.severity
        if self.runbook_url:
            annotations[RUNBOOK_ANNOTATION] = self.runbook_url
        return Rule(
            kind=self.kind,
            name=self.name,
            expr=self.expr,
            pending=self.pending,
            keep_firing_for=self.keep_firing_for,
            labels=labels,
            annotations=annotations,
            enabled=self.enabled,
        )


def _refuse_template_in(name: str, value: str) -> None:
    try:
        refuse_template(value)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


class RuleSent(RuleFields):
    """A rule."""

    model_config = ConfigDict(json_schema_extra={"examples": [RULE_EXAMPLE]})


class RuleOfGroup(RuleFields):
    """A rule of a group that is sent as a whole."""

    id: uuid.UUID | None = Field(
        None,
        description="Which of the group's rules it is, where it gets another name; without, it is"
        " known by kind, name and labels.",
    )


class NewRule(RuleFields):
    """A rule that joins a group, as its last."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"group_id": "0f8c4b0e-3f0e-5a52-8f5e-0a4a1f0f7a55", **RULE_EXAMPLE}]
        }
    )

    group_id: uuid.UUID


class RuleGroupSent(BaseModel):
    """A group with all its rules, in the order in which they are evaluated."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [GROUP_EXAMPLE]})

    name: GroupName = Field(description="No other group has it.", examples=["invoices"])
    interval: Interval | None = Field(
        None, description="How often it is evaluated; that of Prometheus where it is absent."
    )
    limit: StrictInt = Field(
        0,
        ge=0,
        le=1_000_000,
        description="With more series or alerts of a rule than this, all of them are dropped; 0 is"
        " none.",
    )
    labels: PlainLabels = Field({}, description="Of each rule that has not the same itself.")
    owner: Owner = Field("", description="Whose it is; not told to Prometheus.")
    enabled: StrictBool = Field(True, description="Whether Prometheus is to have it.")
    rules: Annotated[list[RuleOfGroup], Field(max_length=MOST_RULES)] = []

    @field_validator("rules")
    @classmethod
    def _each_once(cls, rules: list[RuleOfGroup], info: ValidationInfo) -> list[RuleOfGroup]:
        places: dict[object, int] = {}
        shared = info.data.get("labels", {})
        for place, sent in enumerate(rules):
            rule = sent.rule()
            for key in (
                sent.id or object(),
                (rule.kind, rule.name, frozenset({**shared, **rule.labels}.items())),
            ):
                first = places.setdefault(key, place)
                if first != place:
                    raise ValueError(
                        f"holds {rule.name!r} twice, as {first} and {place}: two rules of one group"
                        " differ in kind, name or labels, with those of the group; take one out, or"
                        " give it another label"
                    )
        return rules

    def group(self) -> RuleGroup:
        """The same in Prometheus' own vocabulary."""
        return RuleGroup(
            name=self.name,
            rules=tuple(sent.rule() for sent in self.rules),
            interval=self.interval,
            limit=self.limit,
            labels=dict(self.labels),
            owner=self.owner,
            enabled=self.enabled,
        )


class RollbackSent(BaseModel):
    """Back to what a group was."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"revision": 1, "message": "it fired at night"}]},
    )

    revision: StrictInt = Field(ge=1, le=2**53, description="Of the group, as it was then.")
    message: Message = Field("", description="Why.")


class ApplySent(BaseModel):
    """Groups as they are to be, all in one transaction."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"owner": "finance", "dry_run": True, "groups": [GROUP_EXAMPLE]}]
        },
    )

    owner: Owner = Field(
        "", description="Of each group that names none; a group of another owner is refused."
    )
    prune: StrictBool = Field(
        False, description="Whether the owner's other groups are deleted; then name the owner."
    )
    dry_run: StrictBool = Field(False, description="Only tell what would change.")
    message: Message = Field("", description="Why.")
    groups: Annotated[list[RuleGroupSent], Field(max_length=MOST_GROUPS)]

    @field_validator("prune")
    @classmethod
    def _of_somebody(cls, prune: bool, info: ValidationInfo) -> bool:
        if prune and not info.data.get("owner"):
            raise ValueError("needs an owner, whose other groups are deleted; name the owner")
        return prune

    @field_validator("groups")
    @classmethod
    def _each_once(cls, groups: list[RuleGroupSent], info: ValidationInfo) -> list[RuleGroupSent]:
        owner, places = info.data.get("owner"), dict[str, int]()
        for place, group in enumerate(groups):
            first = places.setdefault(group.name, place)
            if first != place:
                raise ValueError(
                    f"holds {group.name!r} twice, as {first} and {place}; take one out"
                )
            if owner and group.owner not in ("", owner):
                raise ValueError(
                    f"holds {group.name!r} of owner {group.owner!r}, and {owner!r} applies;"
                    " leave its owner out, or apply it by itself"
                )
        return groups
