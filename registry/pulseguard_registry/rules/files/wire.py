"""A group of a file as the registry is sent it, and as it answers."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Final

from pydantic.fields import FieldInfo

from pulseguard_registry.rules.documents import Document, document_of
from pulseguard_registry.rules.schemas import RuleGroupSent, RuleOfGroup
from pulseguard_registry.rules.vocabulary import RuleGroup

_NO_ID: Final = uuid.UUID(int=0)
# A file has no word for these: what the registry has stays.
_NOT_SAID: Final = ("id", "enabled")


def sent_document(group: RuleGroup) -> Document:
    """A group of a file as it is sent."""
    document = document_of(group, [_NO_ID] * len(group.rules))
    rules = [_without(rule, _NOT_SAID) for rule in document["rules"]]
    return _without(document, (*_NOT_SAID, "owner")) | {"rules": rules}


def group_of(answered: Document) -> RuleGroup:
    """A group as the registry answers it, in Prometheus' own vocabulary."""
    rules = [_only(rule, RuleOfGroup.model_fields) for rule in answered["rules"]]
    fields = _only(answered, RuleGroupSent.model_fields) | {"rules": rules}
    return RuleGroupSent.model_validate(fields).group()


def _without(document: Document, names: Collection[str]) -> Document:
    return {name: value for name, value in document.items() if name not in names}


def _only(document: Document, fields: Mapping[str, FieldInfo]) -> Document:
    names = {info.alias or name for name, info in fields.items()}
    return {name: value for name, value in document.items() if name in names}
