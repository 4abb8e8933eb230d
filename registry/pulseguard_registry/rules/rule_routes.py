"""/alert-rules: single rules, each of a group."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.database.engine import DatabaseSession
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
from pulseguard_registry.rules.drafts import RulesRoute
from pulseguard_registry.rules.fields import Message
from pulseguard_registry.rules.findings import find_alone, warnings_of
from pulseguard_registry.rules.groups import Writer
from pulseguard_registry.rules.kept import group_of_rule
from pulseguard_registry.rules.loading import read_reports
from pulseguard_registry.rules.members import Written
from pulseguard_registry.rules.schemas import NewRule, RuleSent
from pulseguard_registry.rules.waiting import Wait, committed, reports_after

router = APIRouter(prefix=f"{API_PREFIX}/alert-rules", tags=["rules"], route_class=RulesRoute)
Reader = Annotated[Principal, requires(*PEOPLE)]
Operator = Annotated[Principal, requires("editor", "admin")]
Why = Annotated[Message, Query(description="Why, for the revision.")]

Responses = dict[int | str, dict[str, Any]]
_TAGGED: Responses = {200: TAGGED}
_MADE: Responses = {201: TAGGED}


@router.post("", status_code=201, responses=_MADE | documented(409))
async def create_alert_rule(
    sent: NewRule,
    operator: Operator,
    request: Request,
    response: Response,
    message: Why = "",
    wait: Wait = None,
) -> WrittenRule:
    """Make a rule, the last of its group. Another one of the same kind, name and labels in the
    group is a 409."""
    known = request.app.state.known_names()

    def create(session: Session) -> Written:
        writer = Writer(session, operator, message)
        return members.create_rule(writer, sent.group_id, sent.rule(), known)

    return await _written(request, response, await committed(request, response, create), wait)


@router.get("", response_model=RulePage)
def list_alert_rules(
    filters: Annotated[listing.RuleFilters, Query()], reader: Reader, session: DatabaseSession
) -> Response:
    """The rules of all groups, a page at a time, ordered by id."""
    # As it is: hundreds of rules are built as JSON at once here, not each value anew.
    page = listing.list_rules(session, filters)
    return Response(page.model_dump_json(by_alias=True), media_type="application/json")


@router.post("/check")
async def check_alert_rule(sent: RuleSent, reader: Reader, request: Request) -> Findings:
    """What is wrong with a rule, all of it at once, errors first; nothing is stored."""
    found = await run_in_threadpool(find_alone, sent.rule(), request.app.state.known_names())
    return Findings(findings=[FindingShown.model_validate(each) for each in found])


@router.get("/{rule_id}", responses=_TAGGED)
def read_alert_rule(
    rule_id: uuid.UUID, reader: Reader, session: DatabaseSession, response: Response
) -> RuleShown:
    """One rule, and how far it is with each Prometheus."""
    kept = group_of_rule(session, rule_id)
    fields = rule_fields(kept, kept.find(rule_id), read_reports(session, kept.id))
    return tagged(response, RuleShown.model_validate(fields))


@router.put("/{rule_id}", responses=_TAGGED | UNCONDITIONAL | documented(409))
async def replace_alert_rule(
    rule_id: uuid.UUID,
    sent: RuleSent,
    tags: DemandedTags,
    operator: Operator,
    request: Request,
    response: Response,
    message: Why = "",
    wait: Wait = None,
) -> WrittenRule:
    """Have the rule be this one, if it still has the ETag in `If-Match`; a change of another rule
    of its group does not matter."""
    known = request.app.state.known_names()

    def replace(session: Session) -> Written:
        writer = Writer(session, operator, message)
        return members.replace_rule(writer, rule_id, sent.rule(), tags, known)

    return await _written(request, response, await committed(request, response, replace), wait)


@router.delete("/{rule_id}", responses=_TAGGED | LOST_RACE)
async def delete_alert_rule(
    rule_id: uuid.UUID,
    tags: Tags,
    operator: Operator,
    request: Request,
    response: Response,
    message: Why = "",
    wait: Wait = None,
) -> Removed:
    """Delete a rule. Rolling its group back brings it back under the same id."""

    def delete(session: Session) -> Written:
        return members.delete_rule(Writer(session, operator, message), rule_id, tags)

    written = await committed(request, response, delete)
    group, target = written.group, target_of(written.group)
    told = synced(target, await reports_after(request, [target], wait))
    removed = {"id": rule_id, "name": written.rule.rule.name, "group_id": group.id}
    removed["revision"] = group.revision
    return tagged(response, Removed.model_validate(removed | told))


@router.post("/{rule_id}/enable", responses=_TAGGED | LOST_RACE)
async def enable_alert_rule(
    rule_id: uuid.UUID,
    tags: Tags,
    operator: Operator,
    request: Request,
    response: Response,
    message: Why = "",
    wait: Wait = None,
) -> WrittenRule:
    """Have Prometheus take the rule, where its group is enabled. Again changes nothing."""

    def enable(session: Session) -> Written:
        return members.enable_rule(Writer(session, operator, message), rule_id, tags, enabled=True)

    return await _written(request, response, await committed(request, response, enable), wait)


@router.post("/{rule_id}/disable", responses=_TAGGED | LOST_RACE)
async def disable_alert_rule(
    rule_id: uuid.UUID,
    tags: Tags,
    operator: Operator,
    request: Request,
    response: Response,
    message: Why = "",
    wait: Wait = None,
) -> WrittenRule:
    """Have Prometheus leave the rule: its alerts end, and it stays here. Again changes nothing."""

    def disable(session: Session) -> Written:
        return members.enable_rule(Writer(session, operator, message), rule_id, tags, enabled=False)

    return await _written(request, response, await committed(request, response, disable), wait)


async def _written(
    request: Request, response: Response, written: Written, wait: Wait
) -> WrittenRule:
    reports = await reports_after(request, [target_of(written.group)], wait)
    warnings = [FindingShown.model_validate(each) for each in warnings_of(written.findings)]
    fields = rule_fields(written.group, written.rule, reports) | {"warnings": warnings}
    return tagged(response, WrittenRule.model_validate(fields))
