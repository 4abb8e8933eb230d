"""Groups, rules, revisions and what is loaded of them, as they are answered."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pulseguard_registry.rules.fields import RunbookUrl, Severity
from pulseguard_registry.rules.kept import Home, KeptGroup, KeptRule
from pulseguard_registry.rules.loading import LoadState, Report, Target, shown
from pulseguard_registry.rules.planning import Action
from pulseguard_registry.rules.schemas import RuleGroupSent, RuleOfGroup
from pulseguard_registry.rules.vocabulary import (
    RUNBOOK_ANNOTATION,
    SEVERITY_LABEL,
    Level,
    Rule,
    RuleKind,
)


class FindingShown(BaseModel):
    """What is wrong with a rule or a group, and what mends it; an error keeps it from being
    stored."""

    model_config = ConfigDict(from_attributes=True)

    level: Level
    rule: str | None = Field(description="The name of the rule; null where it is the group.")
    field: str = Field(description="Such as rules.2.expr.")
    value: str | None
    message: str


class Findings(BaseModel):
    """All that is found, errors first."""

    findings: list[FindingShown]


class LoadShown(BaseModel):
    """How far a change is with one Prometheus, as what stands beside it told last."""

    model_config = ConfigDict(from_attributes=True)

    prometheus: str
    state: LoadState
    revision: int | None = Field(description="Of the group, as it is loaded there; null: not.")
    reason: str = Field(description="Why it was rejected, or cannot be told.")
    told_at: datetime


class Synced(BaseModel):
    """What has become of a change."""

    state: LoadState = Field(
        description="Over all Prometheuses that told within a minute: rejected by any, pending with"
        " any or where none tells, else loaded. Of what Prometheus is not to have: whether it is"
        " gone."
    )
    sync: list[LoadShown]


class RuleBody(BaseModel):
    """A rule as Prometheus has it."""

    kind: RuleKind
    name: str
    expr: str
    pending: str | None = Field(serialization_alias="for")
    keep_firing_for: str | None
    labels: dict[str, str]
    annotations: dict[str, str]
    enabled: bool
    severity: str | None = Field(description="labels.severity")
    runbook_url: str | None = Field(description="annotations.runbook_url")


class RuleOfGroupShown(RuleBody):
    """A rule of a group."""

    id: uuid.UUID
    revision: int = Field(description="Of the group, with which this rule changed last.")


class RuleShown(RuleOfGroupShown, Synced):
    """A rule by itself; the ETag holds its revision."""

    group_id: uuid.UUID
    group: str = Field(description="The name of its group.")
    owner: str = Field(description="Of its group.")
    created_at: datetime
    changed_at: datetime


class RulePage(BaseModel):
    """One page of the list, ordered by id."""

    items: list[RuleShown]
    next_cursor: uuid.UUID | None = Field(description="Null on the last page.")


class RuleGroupShown(Synced):
    """A group with its rules, in the order in which they are evaluated."""

    id: uuid.UUID
    revision: int = Field(description="Grows with each change of it or its rules; the ETag.")
    name: str
    interval: str | None
    limit: int
    labels: dict[str, str]
    owner: str
    enabled: bool
    rules: list[RuleOfGroupShown]
    created_at: datetime
    changed_at: datetime


class RuleGroupPage(BaseModel):
    """One page of the list, ordered by id."""

    items: list[RuleGroupShown]
    next_cursor: uuid.UUID | None = Field(description="Null on the last page.")


class WrittenRuleGroup(RuleGroupShown):
    """A group after a change of it."""

    warnings: list[FindingShown] = Field(description="What was found and is no error.")


class WrittenRule(RuleShown):
    """A rule after a change of it."""

    warnings: list[FindingShown] = Field(description="What was found and is no error.")


class Removed(Synced):
    """What is there no more: a group or a rule, with the last revision of the group."""

    id: uuid.UUID
    name: str
    group_id: uuid.UUID
    revision: int


class RevisionShown(BaseModel):
    """One change of a group."""

    model_config = ConfigDict(from_attributes=True)

    group_id: uuid.UUID
    number: int
    at: datetime
    author: str = Field(description="The name of the key.")
    author_id: uuid.UUID | None
    message: str
    action: Action
    changes: list[str] = Field(
        description="The fields that differ, such as interval or rules.Slow.expr; a rule that came"
        " or went, rules.Slow; rules where only their order is another."
    )
    rules: list[uuid.UUID] = Field(description="The rules that came, went or differ.")
    diff: str = Field(description="Unified, of what Prometheus reads.")


class RuleOfRevision(RuleOfGroup):
    """A rule as it was, its severity and runbook in one place each: whoever changes one and sends
    it has not to change two."""

    severity: Severity | None = Field(None, exclude=True)
    runbook_url: RunbookUrl | None = Field(None, exclude=True)


class GroupOfRevision(RuleGroupSent):
    """A group as it was."""

    rules: list[RuleOfRevision] = []  # type: ignore[assignment]  # each is one of a group


class Revision(RevisionShown):
    """One change of a group, and what the group was from then on."""

    document: GroupOfRevision | None = Field(
        description="The whole group, as it can be sent; null where it was deleted."
    )


class RevisionPage(BaseModel):
    """One page of the list, the newest first."""

    items: list[RevisionShown]
    next_cursor: int | None = Field(description="Null on the last page.")


class Applied(Synced):
    """What became of one group, or would become of it."""

    id: uuid.UUID | None = Field(description="Null where it would be created.")
    name: str
    outcome: Literal["created", "changed", "unchanged", "pruned"]
    revision: int | None = Field(description="As it is now; null where it would be created.")
    changes: list[str]
    removed: list[str] = Field(description="The names of the rules that are taken away.")
    diff: str = Field(description="Unified, of what Prometheus reads.")


class AppliedAll(BaseModel):
    """What became of each group, in the order sent and then those that were pruned."""

    dry_run: bool
    state: LoadState = Field(description="Over all groups.")
    groups: list[Applied]
    warnings: list[FindingShown] = Field(description="Of what was created or changed.")


def rule_body(rule: Rule) -> dict[str, object]:
    """The fields of RuleBody."""
    return {
        **vars(rule),
        "severity": rule.labels.get(SEVERITY_LABEL),
        "runbook_url": rule.annotations.get(RUNBOOK_ANNOTATION),
    }


def synced(target: Target, reports: Sequence[Report]) -> dict[str, object]:
    """The fields of Synced."""
    state, proofs = shown(target, reports)
    return {"state": state, "sync": [LoadShown.model_validate(proof) for proof in proofs]}


def target_of(kept: KeptGroup) -> Target:
    """What Prometheus is to have of a group."""
    return Target(kept.id, kept.revision, kept.version, kept.content is not None)


def target_of_rule(home: Home, rule: KeptRule) -> Target:
    """What Prometheus is to have of a rule: its group, as it is since the rule changed, or what it
    has of the group."""
    since = max(rule.revision, home.shared_revision)
    return Target(home.id, home.revision, home.version, home.has_file, since)


def group_fields(kept: KeptGroup, reports: Sequence[Report]) -> dict[str, object]:
    """The fields of RuleGroupShown."""
    rules = [
        RuleOfGroupShown(id=each.id, revision=each.revision, **rule_body(each.rule))
        for each in kept.rules
    ]
    return {
        **vars(kept.group),
        **synced(target_of(kept), reports),
        "rules": rules,
        **{name: getattr(kept, name) for name in ("id", "revision", "created_at", "changed_at")},
    }


def rule_fields(home: Home, rule: KeptRule, reports: Sequence[Report]) -> dict[str, object]:
    """The fields of RuleShown."""
    return {
        **rule_body(rule.rule),
        **synced(target_of_rule(home, rule), reports),
        **{name: getattr(rule, name) for name in ("id", "revision", "created_at", "changed_at")},
        "group_id": home.id,
        "group": home.name,
        "owner": home.owner,
    }
