"""/heartbeats: those of many agents in one request, each answered by itself."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import admits, check_own
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.errors import DatabaseUnavailable, WriteRefused
from pulseguard_registry.heartbeats.bodies import FIELD, Item, read_items
from pulseguard_registry.heartbeats.group_commit import Answer
from pulseguard_registry.heartbeats.schemas import (
    AgentHeartbeat,
    HeartbeatBulk,
    HeartbeatBulkReceipt,
    HeartbeatResult,
)
from pulseguard_registry.heartbeats.service import (
    counts_of,
    oldest_of,
    status_after,
    tell_refused,
    why_not_found,
    write_of,
)
from pulseguard_registry.heartbeats.statement import Outcome, Write
from pulseguard_registry.openapi import direct_body
from pulseguard_registry.problems import Fault, Problem, unavailable
from pulseguard_registry.strict_json import DirectRoute
from pulseguard_registry.telemetry import SnapshotOutcome, Telemetry

router = APIRouter(prefix=API_PREFIX, tags=["heartbeats"], route_class=DirectRoute)

_SOME_REFUSED = {"model": HeartbeatBulkReceipt, "description": "Some were stored, some refused"}

Result = HeartbeatResult | Problem


@router.post(
    f"/{FIELD}",
    response_model=HeartbeatBulkReceipt,
    responses={207: _SOME_REFUSED},
    openapi_extra=direct_body(HeartbeatBulk, names_agent=False),
)
@admits("agent", "admin")
async def receive_heartbeats(request: Request, principal: Principal) -> Response:
    """Up to 500 heartbeats, stored in one transaction; one that is refused harms no other. 200: all
    are stored. 207: `results` says which. Where all are refused alike, that problem is the answer.
    """
    telemetry: Telemetry = request.app.state.telemetry
    read = read_items(await request.body(), telemetry.count_snapshots, request.app.state.clock)
    items = [_owned(index, item, principal) for index, item in enumerate(read)]
    beats = [item for item in items if isinstance(item, AgentHeartbeat)]
    oldest = oldest_of(request)
    writes = [write_of(beat.agent_id, beat, principal, oldest) for beat in beats]
    answers: Sequence[Answer] = ()
    if writes:
        answers = await request.app.state.group_commit.submit_all(writes)
    _count(telemetry, zip(beats, writes, answers, strict=True))
    reasons = await _reasons(request, principal, beats, answers)
    results = _results(items, iter(answers), reasons, oldest)
    refused = [result for result in results if isinstance(result, Problem)]
    if len(refused) == len(results) and len({problem.status_code for problem in refused}) == 1:
        raise _together(refused)
    receipt = HeartbeatBulkReceipt(results=[_as_result(result) for result in results])
    return Response(
        receipt.model_dump_json(exclude_defaults=True),
        status_code=207 if refused else 200,
        media_type="application/json",
    )


def _count(telemetry: Telemetry, stored: Iterable[tuple[AgentHeartbeat, Write, Answer]]) -> None:
    beats: Counter[str] = Counter()
    snapshots: Counter[SnapshotOutcome] = Counter()
    for beat, write, answer in stored:
        if isinstance(answer, Outcome) and answer.found:
            beats["goodbye" if beat.goodbye else "alive"] += 1
            sent = int(beat.snapshot is not None)
            snapshots.update(counts_of(answer, sent, len(write.snapshots)))
    telemetry.count_heartbeat("alive", beats["alive"])
    telemetry.count_heartbeat("goodbye", beats["goodbye"])
    telemetry.count_snapshots(snapshots)


async def _reasons(
    request: Request,
    principal: Principal,
    beats: Sequence[AgentHeartbeat],
    answers: Sequence[Answer],
) -> Mapping[uuid.UUID, Problem]:
    """By agent, why nothing was stored for it."""
    pairs = zip(beats, answers, strict=True)
    missing = {
        b.agent_id for b, answer in pairs if isinstance(answer, Outcome) and not answer.found
    }
    if not missing:
        return {}
    state = request.app.state
    asked = (state.database, state.still_running, principal, missing)
    return await run_in_threadpool(why_not_found, *asked)


def _results(
    items: Sequence[Item],
    answers: Iterator[Answer],
    reasons: Mapping[uuid.UUID, Problem],
    oldest: datetime,
) -> list[Result]:
    """What became of each item; `answers` are those of the heartbeats among them."""
    results: list[Result] = []
    for index, item in enumerate(items):
        if isinstance(item, Problem):
            results.append(item)
            continue
        answer = next(answers)
        if isinstance(answer, WriteRefused):
            results.append(_about(index, item, 422, str(answer)))
        elif isinstance(answer, DatabaseUnavailable):
            results.append(_about(index, item, 503, str(answer)))
        elif answer.found:
            too_old = item.snapshot is not None and item.snapshot.taken_at < oldest
            detail = tell_refused(int(too_old), oldest)
            results.append(
                HeartbeatResult(code=200, status=status_after(item, answer), detail=detail)
            )
        else:
            reason = reasons[item.agent_id]
            results.append(_about(index, item, reason.status_code, str(reason.detail)))
    return results


def _owned(index: int, item: Item, principal: Principal) -> Item:
    """The item, or the problem where the key is another agent's own."""
    if principal.agent_id is None or isinstance(item, Problem):
        return item
    try:
        check_own(principal, item.agent_id)
    except Problem as problem:
        return _about(index, item, problem.status_code, str(problem.detail))
    return item


def _about(index: int, beat: AgentHeartbeat, status: int, sentence: str) -> Problem:
    field = f"{FIELD}.{index}.agent_id"
    fault = Fault(field=field, value=str(beat.agent_id), message=sentence)
    return Problem(status, f"{field}: {sentence}", errors=[fault])


def _together(refused: Sequence[Problem]) -> Problem:
    """One problem of all of them, which have one status."""
    first, more = refused[0], len(refused) - 1
    detail = f"{first.detail} (and {more} more heartbeats)" if more else str(first.detail)
    faults = [fault for problem in refused for fault in problem.errors]
    if first.status_code == 503:
        return unavailable(detail, errors=faults)
    return Problem(first.status_code, detail, errors=faults)


def _as_result(result: Result) -> HeartbeatResult:
    if isinstance(result, HeartbeatResult):
        return result
    return HeartbeatResult(code=result.status_code, detail=str(result.detail), errors=result.errors)
