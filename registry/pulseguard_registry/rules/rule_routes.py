"""/alert-rules: single rules, each of a group."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.database.engine import ReadingSession
from pulseguard_registry.database.transactions import read_only
from pulseguard_registry.preconditions import (
    LOST_RACE,
    TAGGED,
    UNCONDITIONAL,
    DemandedTags,
    Tags,
    tagged,
)
from pulseguard_registry.problems import documented
from pulseguard_registry.rules import listing, members
from pulseguard_registry.rules.answers import (
    Findings,
    FindingShown,
    Removed,
    RulePage,
    RuleShown,
    WrittenRule,
    rule_fields,
    synced,
    target_of,
)
from pulseguard_registry.rules.asked_change import AskedChange, Change
from pulseguard_registry.rules.check_room import checked
from pulseguard_registry.rules.drafts import RulesRoute
from pulseguard_registry.rules.findings import find_alone, find_in_rule, refuse_errors, warnings_of
from pulseguard_registry.rules.kept import group_of_rule, read_group
from pulseguard_registry.rules.loading import read_reports
from pulseguard_registry.rules.members import Written
from pulseguard_registry.rules.replacements import RuleReplaced
from pulseguard_registry.rules.schemas import NewRule, RuleSent
from pulseguard_registry.rules.vocabulary import Finding, RuleGroup

router = APIRouter(prefix=f"{API_PREFIX}/alert-rules", tags=["rules"], route_class=RulesRoute)
Reader = Annotated[Principal, requires(*PEOPLE)]

Responses = dict[int | str, dict[str, Any]]
_TAGGED: Responses = {200: TAGGED}
_MADE: Responses = {201: TAGGED}


@router.post("", status_code=201, responses=_MADE | documented(409))
async def create_alert_rule(
    sent: NewRule,
    change: Change,
) -> WrittenRule:
    """Make a rule, the last of its group. Another one of the same kind, name and labels in the
    group is a 409."""
    rule = sent.rule()
    request = change.request
    kept = await read_only(request, lambda session: read_group(session, sent.group_id))
    findings = await _checked(request, *members.with_rule(kept, rule, None))
    written = await change.commit(lambda writer: members.create_rule(writer, sent.group_id, rule))
    return await _written(change, written, findings)


@router.get("", response_model=RulePage)
def list_alert_rules(
    filters: Annotated[listing.RuleFilters, Query()], reader: Reader, session: ReadingSession
) -> Response:
    """The rules of all groups, a page at a time, ordered by id."""
    # As it is: hundreds of rules are built as JSON at once here, not each value anew.
    page = listing.list_rules(session, filters)
    return Response(page.model_dump_json(by_alias=True), media_type="application/json")


@router.post("/check")
async def check_alert_rule(sent: RuleSent, reader: Reader, request: Request) -> Findings:
    """What is wrong with a rule, all of it at once, errors first; nothing is stored."""
    rule = sent.rule()
    alone = RuleGroup("checked", (rule,))
    found = await checked(request, [alone], "expr", partial(find_alone, rule))
    return Findings(findings=[FindingShown.model_validate(each) for each in found])


@router.get("/{rule_id}", responses=_TAGGED)
def read_alert_rule(
    rule_id: uuid.UUID, reader: Reader, session: ReadingSession, response: Response
) -> RuleShown:
    """One rule, and how far it is with each Prometheus."""
    kept = group_of_rule(session, rule_id)
    fields = rule_fields(kept.home, kept.find(rule_id), read_reports(session, kept.id))
    return tagged(response, RuleShown.model_validate(fields))


@router.put("/{rule_id}", responses=_TAGGED | UNCONDITIONAL | documented(409))
async def replace_alert_rule(
    rule_id: uuid.UUID,
    sent: RuleReplaced,
    tags: DemandedTags,
    change: Change,
) -> WrittenRule:
    """Have the rule be this one, if it still has the ETag in `If-Match`; a change of another rule
    of its group does not matter. Without `enabled` it stays enabled, or disabled, as it is.
    What GET has answered may be sent back as it is but for what is to change: fields that are only
    answered are not looked at."""
    request = change.request
    kept = await read_only(request, lambda session: group_of_rule(session, rule_id))
    findings = await _checked(request, *members.with_rule(kept, sent.rule(), rule_id))
    written = await change.commit(lambda writer: members.replace_rule(writer, rule_id, sent, tags))
    return await _written(change, written, findings)


@router.delete("/{rule_id}", responses=_TAGGED | LOST_RACE)
async def delete_alert_rule(
    rule_id: uuid.UUID,
    tags: Tags,
    change: Change,
) -> Removed:
    """Delete a rule. Rolling its group back brings it back under the same id."""
    written = await change.commit(lambda writer: members.delete_rule(writer, rule_id, tags))
    group, target = written.group, target_of(written.group)
    told = synced(target, await change.reports([target]))
    removed = {"id": rule_id, "name": written.rule.rule.name, "group_id": group.id}
    removed["revision"] = group.revision
    return tagged(change.response, Removed.model_validate(removed | told))


@router.post("/{rule_id}/enable", responses=_TAGGED | LOST_RACE)
async def enable_alert_rule(
    rule_id: uuid.UUID,
    tags: Tags,
    change: Change,
) -> WrittenRule:
    """Have Prometheus take the rule, where its group is enabled. Again changes nothing."""
    return await _switched(rule_id, tags, change, enabled=True)


@router.post("/{rule_id}/disable", responses=_TAGGED | LOST_RACE)
async def disable_alert_rule(
    rule_id: uuid.UUID,
    tags: Tags,
    change: Change,
) -> WrittenRule:
    """Have Prometheus leave the rule: its alerts end, and it stays here. Again changes nothing."""
    return await _switched(rule_id, tags, change, enabled=False)


async def _switched(
    rule_id: uuid.UUID, tags: list[str] | None, change: AskedChange, *, enabled: bool
) -> WrittenRule:
    written = await change.commit(
        lambda writer: members.enable_rule(writer, rule_id, tags, enabled=enabled)
    )
    return await _written(change, written)


async def _checked(request: Request, group: RuleGroup, place: int) -> list[Finding]:
    """Warnings about a rule of a group; a 422 problem with all errors. Ahead of the transaction
    that writes, and that others wait for."""
    alone = RuleGroup(group.name, (group.rules[place],))
    found = await checked(request, [alone], "expr", partial(find_in_rule, group, place))
    refuse_errors(found)
    return warnings_of(found)


async def _written(
    change: AskedChange, written: Written, findings: Sequence[Finding] = ()
) -> WrittenRule:
    reports = await change.reports([target_of(written.group)])
    warnings = [FindingShown.model_validate(each) for each in findings]
    fields = rule_fields(written.group.home, written.rule, reports) | {"warnings": warnings}
    return tagged(change.response, WrittenRule.model_validate(fields))
