"""Reads the bodies of the hot path: whole, or item by item where one of many does not hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from pulseguard_registry.database.clock import DatabaseClock
from pulseguard_registry.faults import NO_BODY, NO_JSON, validation_problem
from pulseguard_registry.heartbeats.schemas import AgentHeartbeat, HeartbeatBulk
from pulseguard_registry.problems import Problem, refusal
from pulseguard_registry.snapshots.schemas import AHEAD
from pulseguard_registry.strict_json import refuse_repeated_names
from pulseguard_registry.telemetry import SnapshotOutcome

FIELD = "heartbeats"

Body = TypeVar("Body", bound=BaseModel)
CountSnapshots = Callable[[Mapping[SnapshotOutcome, int]], None]
# A heartbeat, or the problem that it has.
Item = AgentHeartbeat | Problem


def read_body(model: type[Body], body: bytes, count: CountSnapshots, clock: DatabaseClock) -> Body:
    """The body as this model; a 422 problem where it does not hold.

    `count` is told of the snapshots that are refused because their time has not come by `clock`.
    """
    try:
        parsed = model.model_validate_json(_present(body), context=clock)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        count(_refused_ahead(faults))
        raise validation_problem(faults) from None
    _refuse_repeated_names(body)
    return parsed


def read_items(body: bytes, count: CountSnapshots, clock: DatabaseClock) -> list[Item]:
    """Each item as a heartbeat or as its own problem; a problem where the body as such is wrong."""
    try:
        items: list[Item] = [*_validated(_present(body), clock)]
    except ValidationError as error:
        faults = error.errors(include_url=False)
        count(_refused_ahead(faults))
        items = _read_apart(body, faults, clock)
    _refuse_repeated_names(body)
    return items


# Any: pydantic's ErrorDetails.
def _read_apart(body: bytes, faults: Sequence[Any], clock: DatabaseClock) -> list[Item]:
    faults_of: dict[int, list[Any]] = defaultdict(list)
    for fault in faults:
        match fault["loc"]:
            case (_, int(index), *_):
                faults_of[index].append(fault)
            case _:
                raise validation_problem(faults)
    sent = from_json(body)[FIELD]
    sound = {FIELD: [item for index, item in enumerate(sent) if index not in faults_of]}
    read = iter(_validated(to_json(sound), clock) if sound[FIELD] else ())
    return [
        validation_problem(faults_of[index]) if index in faults_of else next(read)
        for index in range(len(sent))
    ]


def _refused_ahead(faults: Sequence[Any]) -> dict[SnapshotOutcome, int]:
    return {"refused": sum(fault["type"] == AHEAD for fault in faults)}


def _validated(body: bytes, clock: DatabaseClock) -> list[AgentHeartbeat]:
    return HeartbeatBulk.model_validate_json(body, context=clock).heartbeats


def _present(body: bytes) -> bytes:
    if not body:
        raise refusal("body", None, NO_BODY)
    return body


def _refuse_repeated_names(body: bytes) -> None:
    try:
        refuse_repeated_names(body)
    except ValueError as error:
        raise refusal("body", None, NO_JSON.format(reason=error)) from None
