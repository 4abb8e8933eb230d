"""/rule-groups: groups of alerting and recording rules."""

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
from pulseguard_registry.rules import groups, listing
from pulseguard_registry.rules.answers import (
    Findings,
    FindingShown,
    Removed,
    RuleGroupPage,
    RuleGroupShown,
    WrittenRuleGroup,
    group_fields,
    synced,
    target_of,
)
from pulseguard_registry.rules.asked_change import AskedChange, Change, Operator
from pulseguard_registry.rules.check_room import checked
from pulseguard_registry.rules.deleted import DeletedFilters, DeletedRuleGroupPage, list_deleted
from pulseguard_registry.rules.drafts import RulesRoute
from pulseguard_registry.rules.findings import find, refuse_errors, warnings_of
from pulseguard_registry.rules.groups import Writer
from pulseguard_registry.rules.kept import KeptGroup, read_group
from pulseguard_registry.rules.loading import Target, read_reports
from pulseguard_registry.rules.replacements import RuleGroupReplaced
from pulseguard_registry.rules.schemas import RollbackSent, RuleGroupSent
from pulseguard_registry.rules.vocabulary import Finding
from pulseguard_registry.rules.waiting import Wait

router = APIRouter(prefix=f"{API_PREFIX}/rule-groups", tags=["rules"], route_class=RulesRoute)
Reader = Annotated[Principal, requires(*PEOPLE)]

Responses = dict[int | str, dict[str, Any]]
_TAGGED: Responses = {200: TAGGED}
_KNOWN: Responses = {
    201: TAGGED,
    200: TAGGED | {"model": WrittenRuleGroup, "description": "There already, and the same"},
}


@router.post("", status_code=201, responses=_KNOWN | documented(409))
async def create_rule_group(
    sent: RuleGroupSent,
    change: Change,
) -> WrittenRuleGroup:
    """Make a group. The same again changes nothing; another group of this name is a 409."""
    findings = await _checked(change.request, sent)

    def create(writer: Writer) -> KeptGroup:
        kept, is_new = groups.create_group(writer, sent)
        change.response.status_code = 201 if is_new else 200
        return kept

    return await _written(change, await change.commit(create), findings)


@router.get("", response_model=RuleGroupPage)
def list_rule_groups(
    filters: Annotated[listing.GroupFilters, Query()], reader: Reader, session: ReadingSession
) -> Response:
    """The groups with their rules, a page at a time, ordered by id."""
    # As it is: hundreds of rules are built as JSON at once here, not each value anew.
    page = listing.list_groups(session, filters)
    return Response(page.model_dump_json(by_alias=True), media_type="application/json")


@router.post("/check")
async def check_rule_group(sent: RuleGroupSent, reader: Reader, request: Request) -> Findings:
    """What is wrong with a group, all of it at once, errors first; nothing is stored. Whether its
    name is taken only storing tells."""
    found = await _found(request, sent)
    return Findings(findings=_shown(found))


@router.get("/deleted")
def list_deleted_rule_groups(
    filters: Annotated[DeletedFilters, Query()], reader: Reader, session: ReadingSession
) -> DeletedRuleGroupPage:
    """The groups that were deleted, a page at a time, ordered by id; each is found by the name that
    it had, and brought back by a rollback."""
    return list_deleted(session, filters)


@router.get("/{group_id}", responses=_TAGGED)
def read_rule_group(
    group_id: uuid.UUID, reader: Reader, session: ReadingSession, response: Response
) -> RuleGroupShown:
    """One group with its rules, and how far it is with each Prometheus."""
    kept = read_group(session, group_id)
    fields = group_fields(kept, read_reports(session, group_id))
    return tagged(response, RuleGroupShown.model_validate(fields))


@router.put("/{group_id}", responses=_TAGGED | UNCONDITIONAL | documented(409))
async def replace_rule_group(
    group_id: uuid.UUID,
    sent: RuleGroupReplaced,
    tags: DemandedTags,
    change: Change,
) -> WrittenRuleGroup:
    """Have the group be this one, if it still has the ETag in `If-Match`. A rule that is named by
    its id, or has the kind, name and labels that one had, is that rule still. Where `enabled` is
    left out, it stays as it is. What GET has answered may be sent back as it is but for what is to
    change: fields that are only answered are not looked at."""
    findings = await _checked(change.request, sent)
    kept = await change.commit(lambda writer: groups.replace_group(writer, group_id, sent, tags))
    return await _written(change, kept, findings)


@router.delete("/{group_id}", responses=_TAGGED | LOST_RACE)
async def delete_rule_group(
    group_id: uuid.UUID,
    tags: Tags,
    change: Change,
) -> Removed:
    """Delete a group with its rules. Its revisions stay, and rolling back to one brings it back
    under the same id."""

    def delete(writer: Writer) -> tuple[str, Target]:
        kept = groups.delete_group(writer, group_id, tags)
        return kept.group.name, groups.gone(writer.session, kept)

    name, target = await change.commit(delete)
    told = synced(target, await change.reports([target]))
    removed = {"id": group_id, "name": name, "group_id": group_id, "revision": target.revision}
    return tagged(change.response, Removed.model_validate(removed | told))


@router.post("/{group_id}/enable", responses=_TAGGED | LOST_RACE)
async def enable_rule_group(
    group_id: uuid.UUID,
    tags: Tags,
    change: Change,
) -> WrittenRuleGroup:
    """Have Prometheus take the group. Again changes nothing."""
    return await _switched(group_id, tags, change, enabled=True)


@router.post("/{group_id}/disable", responses=_TAGGED | LOST_RACE)
async def disable_rule_group(
    group_id: uuid.UUID,
    tags: Tags,
    change: Change,
) -> WrittenRuleGroup:
    """Have Prometheus leave the group: its alerts end, and it stays here. Again changes nothing."""
    return await _switched(group_id, tags, change, enabled=False)


@router.post("/{group_id}/rollback", responses=_TAGGED | LOST_RACE | documented(409))
async def roll_back_rule_group(
    group_id: uuid.UUID,
    sent: RollbackSent,
    tags: Tags,
    operator: Operator,
    request: Request,
    response: Response,
    wait: Wait = None,
) -> WrittenRuleGroup:
    """Have the group be what it was at a revision, enabled or not as it was then, which makes a new
    one; also where it was deleted since. It is checked as any other change."""
    past = await read_only(
        request, partial(groups.read_past, group_id=group_id, number=sent.revision)
    )
    # What Prometheus takes may be known better by now.
    findings = await _checked(request, past)
    change = AskedChange(request, response, operator, sent.message, wait)
    kept = await change.commit(lambda writer: groups.roll_back(writer, group_id, past, tags))
    return await _written(change, kept, findings)


async def _switched(
    group_id: uuid.UUID, tags: list[str] | None, change: AskedChange, *, enabled: bool
) -> WrittenRuleGroup:
    kept = await change.commit(
        lambda writer: groups.enable_group(writer, group_id, tags, enabled=enabled)
    )
    return await _written(change, kept)


async def _found(request: Request, sent: RuleGroupSent) -> list[Finding]:
    group = sent.group()
    return await checked(request, [group], "rules", partial(find, group))


async def _checked(request: Request, sent: RuleGroupSent) -> list[Finding]:
    """Warnings about a group; a 422 problem with all errors."""
    found = await _found(request, sent)
    refuse_errors(found)
    return warnings_of(found)


async def _written(
    change: AskedChange, kept: KeptGroup, findings: Sequence[Finding] = ()
) -> WrittenRuleGroup:
    reports = await change.reports([target_of(kept)])
    fields = group_fields(kept, reports) | {"warnings": _shown(findings)}
    return tagged(change.response, WrittenRuleGroup.model_validate(fields))


def _shown(findings: Sequence[Finding]) -> list[FindingShown]:
    return [FindingShown.model_validate(each) for each in findings]
