"""Groups and rules as they are sent back: read, changed and PUT, with all that was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ConfigDict, model_validator

from pulseguard_registry.rules.answers import RuleOfGroupShown, WrittenRule, WrittenRuleGroup
from pulseguard_registry.rules.schemas import (
    GROUP_EXAMPLE,
    RULE_EXAMPLE,
    RuleFields,
    RuleGroupSent,
    RuleOfGroup,
)

# What is only answered.
_OF_RULE: Final = frozenset(WrittenRule.model_fields) - frozenset(RuleFields.model_fields)
_OF_GROUP: Final = frozenset(WrittenRuleGroup.model_fields) - frozenset(RuleGroupSent.model_fields)
_OF_MEMBER: Final = frozenset(RuleOfGroupShown.model_fields) - frozenset(RuleOfGroup.model_fields)


class RuleReplaced(RuleFields):
    """A rule as it is to be. What else the answer to GET has, such as its revision and state, may
    be sent along and is not looked at."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [RULE_EXAMPLE]})

    @model_validator(mode="before")
    @classmethod
    def _without_answered(cls, sent: Any) -> Any:  # Any: whatever was sent
        return _without(sent, _OF_RULE)


class RuleGroupReplaced(RuleGroupSent):
    """A group as it is to be. What else the answer to GET has, such as its revision and state and
    those of its rules, may be sent along and is not looked at; the ids of rules are."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [GROUP_EXAMPLE]})

    @model_validator(mode="before")
    @classmethod
    def _without_answered(cls, sent: Any) -> Any:  # Any: whatever was sent
        group = _without(sent, _OF_GROUP)
        if isinstance(group, Mapping) and isinstance(rules := group.get("rules"), list):
            return {**group, "rules": [_without(each, _OF_MEMBER) for each in rules]}
        return group


def _without(sent: Any, names: frozenset[str]) -> Any:  # Any: whatever was sent
    if not isinstance(sent, Mapping):
        return sent
    return {name: value for name, value in sent.items() if name not in names}
