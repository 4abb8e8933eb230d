"""/rule-groups/apply: many groups at once, as a folder of rule files has them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.database.transactions import committed, read_only
from pulseguard_registry.problems import documented
from pulseguard_registry.rules.answers import Applied, AppliedAll, FindingShown, synced
from pulseguard_registry.rules.applying import (
    Planned,
    apply_groups,
    check_new,
    plan,
    read_new,
    wanted_groups,
)
from pulseguard_registry.rules.check_room import checked
from pulseguard_registry.rules.drafts import RulesRoute
from pulseguard_registry.rules.groups import Writer
from pulseguard_registry.rules.kept import version_now
from pulseguard_registry.rules.loading import LoadState, Report
from pulseguard_registry.rules.schemas import ApplySent
from pulseguard_registry.rules.vocabulary import Finding
from pulseguard_registry.rules.waiting import Wait, reports_after

router = APIRouter(prefix=f"{API_PREFIX}/rule-groups", tags=["rules"], route_class=RulesRoute)
Operator = Annotated[Principal, requires("editor", "admin")]


@router.post("/apply", responses=documented(409))
async def apply_rule_groups(
    sent: ApplySent,
    operator: Operator,
    request: Request,
    response: Response,
    wait: Wait = None,
) -> AppliedAll:
    """Have these groups be as they are sent, all of them or, where one does not hold, none; each is
    known by its name. Where `enabled` is left out, it stays as it is. With `prune` the owner's
    other groups are deleted, with `dry_run` nothing is changed and all is told."""
    groups = wanted_groups(sent)
    # Ahead of the transaction that writes, and that others wait for.
    new = await read_only(request, lambda session: read_new(session, groups))
    findings = await checked(request, list(new.values()), "groups", partial(check_new, new))

    def look(session: Session) -> tuple[list[Planned], int]:
        return plan(session, sent, groups), version_now(session)

    def write(session: Session) -> tuple[list[Planned], int]:
        return apply_groups(Writer(session, operator, sent.message), sent, groups)

    if sent.dry_run:
        planned, version = await read_only(request, look)
    else:
        planned, version = await committed(request, response, write)
    targets = [target for each in planned if (target := each.target(version)) is not None]
    reports = await reports_after(request, targets, None if sent.dry_run else wait)
    return _answer(planned, version, reports, findings, dry_run=sent.dry_run)


def _answer(
    planned: Sequence[Planned],
    version: int,
    reports: Sequence[Report],
    findings: Sequence[Finding],
    *,
    dry_run: bool,
) -> AppliedAll:
    applied = [_applied(each, version, reports, dry_run=dry_run) for each in planned]
    warnings = [FindingShown.model_validate(each) for each in findings]
    state = _worst({each.state for each in applied})
    return AppliedAll(dry_run=dry_run, state=state, groups=applied, warnings=warnings)


def _applied(
    planned: Planned, version: int, reports: Sequence[Report], *, dry_run: bool
) -> Applied:
    """What became of a group; of a dry run, as it is now."""
    seen = Planned(planned.name, planned.kept, None) if dry_run else planned
    target = seen.target(version)
    nothing = {"state": "pending", "sync": []}
    change = planned.change
    told = {
        "id": None if target is None else target.group_id,
        "revision": None if target is None else target.revision,
        "name": planned.name,
        "outcome": planned.outcome,
        "changes": [] if change is None else change.fields,
        "removed": [] if change is None else change.removed,
        "diff": "" if change is None else change.diff,
    }
    return Applied.model_validate(told | (synced(target, reports) if target else nothing))


def _worst(states: set[LoadState]) -> LoadState:
    order: tuple[LoadState, ...] = ("rejected", "pending")
    return next((state for state in order if state in states), "loaded")
