"""What pydantic finds in a request, as faults of a problem document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from pydantic import BaseModel

from pulseguard_registry.fields import NEEDED
from pulseguard_registry.problems import Fault, Problem, shown
from pulseguard_registry.wording import message_of, not_taken

NO_BODY: Final = "is missing; send a JSON object with Content-Type: application/json"
NOT_A_FIELD: Final = "is not a field of this request; take it out, or see /docs for its right name"
NO_JSON: Final = "is no valid JSON ({reason}); send a JSON object"
_SOURCES: Final = ("body", "query", "path", "header")
# Places of these hold names that the routes declare, none of the sender's own.
_DECLARED: Final = ("path", "header")
_NO_OBJECT: Final = frozenset({"json_type", "model_type", "model_attributes_type", "dict_type"})
# Of a name in an object that pydantic refuses, behind that name.
_KEY: Final = "[key]"
# For what the sender wrote, in the log.
_HIDDEN: Final = "…"


class FoundFault(Fault):
    """A fault that pydantic has found, with its kind, and its place as the log may have it."""

    kind: str
    place: str

    @property
    def logged(self) -> str:
        """Place and kind, without what the sender wrote: a name of his own is a value, too."""
        return f"{self.place} ({self.kind})"


# Any in this module: pydantic's ErrorDetails or FastAPI's.
def validation_problem(faults: Sequence[Any]) -> Problem:
    """A 422 that lists every fault pydantic found, each with field, value and mend."""
    errors: list[Fault] = [_found(fault) for fault in faults]
    first = errors[0] if errors else Fault(field="body", message="does not hold")
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem(422, f"{first.field}: {first.message}{more}", errors=errors)


def unknown_field(name: str, value: str) -> Problem:
    """A 422 about what was sent under a name that is the sender's own, and so in no log."""
    fault = FoundFault(
        field=name, value=shown(value), message=NOT_A_FIELD, kind="extra_forbidden", place=_HIDDEN
    )
    return Problem(422, f"{name}: {NOT_A_FIELD}", errors=[fault])


def _found(fault: Mapping[str, Any]) -> FoundFault:
    parts = _parts(fault["loc"])
    field, value, message = _told(fault, ".".join(parts) or "body")
    is_declared = fault["loc"][:1] and fault["loc"][0] in _DECLARED
    seen = (p if is_declared or p.isdigit() or p in _names() else _HIDDEN for p in parts)
    place = ".".join(seen) or "body"
    return FoundFault(field=field, value=value, message=message, kind=fault["type"], place=place)


def _parts(location: Sequence[str | int]) -> list[str]:
    """The names on the way to the fault, as the sender knows them."""
    if location[:1] and location[0] in _SOURCES:
        source, *location = location
        if source == "query":
            # One that may be there several times has no number there.
            location = [part for part in location if isinstance(part, str)]
    return [str(part) for part in location if part != _KEY]


def _told(fault: Mapping[str, Any], field: str) -> tuple[str, str | None, str]:
    """Field, value and message."""
    kind = fault["type"]
    if kind in _NO_OBJECT and field == "body":
        return field, None, "is no JSON object; send one, with Content-Type: application/json"
    if kind == "json_invalid":
        reason = fault.get("ctx", {}).get("error", fault["msg"])
        return "body", None, NO_JSON.format(reason=reason)
    if kind == "missing":
        return field, None, NO_BODY if field == "body" else "is missing; it is required"
    if kind == "extra_forbidden":
        return field, shown(fault["input"]), not_taken(field.rpartition(".")[2])
    return field, None if kind == NEEDED else shown(fault["input"]), message_of(fault)


@cache
def _names() -> frozenset[str]:
    """The names that the models of requests give to their fields, as the sender writes them."""
    models = _models_below(BaseModel)
    fields = (field for model in models for field in model.model_fields.items())
    return frozenset(str(info.alias or name) for name, info in fields)


def _models_below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in model.__subclasses__():
        yield one
        yield from _models_below(one)
