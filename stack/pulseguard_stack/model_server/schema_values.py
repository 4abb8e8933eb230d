"""Values that fit a JSON schema: for the arguments of tool calls and for structured answers.

Knows type, enum, const, properties, required, items, the bounds of numbers, strings and arrays,
the formats date, date-time, time, email, uri and uuid, anyOf, oneOf, allOf of objects, and $ref
within the document. `pattern` and conditions (if, not, dependent…) are not known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import Any

# Any in this module: schemas and values are JSON of any shape.
Schema = Mapping[str, Any]

_DEEPEST_OPTIONAL = 4
_MOST = 1000
_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_WORDS = ("river", "lantern", "garden", "harbour", "window", "orchard", "bridge", "meadow")


def value_for(schema: Schema, luck: Random) -> Any:
    """A value that fits; an empty schema gives an empty object.

    Raises ValueError for what is no JSON schema, or asks for more than 1,000 of anything.
    """
    try:
        return _value(schema, schema, luck, 0)
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError) as error:
        raise ValueError(f"not a usable JSON schema: {error}") from error


def _value(schema: Any, root: Schema, luck: Random, depth: int) -> Any:
    if not isinstance(schema, Mapping):
        return {}
    schema = _resolved(schema, root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return luck.choice(schema["enum"])
    for alternatives in ("anyOf", "oneOf"):
        if schema.get(alternatives):
            return _value(schema[alternatives][0], root, luck, depth + 1)
    match _type(schema):
        case "string":
            return _string(schema, luck)
        case "integer":
            return int(_number(schema, luck))
        case "number":
            return _number(schema, luck)
        case "boolean":
            return luck.random() < 0.5
        case "null":
            return None
        case "array":
            return _array(schema, root, luck, depth)
        case _:
            return _object(schema, root, luck, depth)


def _resolved(schema: Schema, root: Schema) -> Schema:
    seen = 0
    while isinstance(schema.get("$ref"), str) and seen < 10:
        target: Any = root
        for part in filter(None, schema["$ref"].lstrip("#").split("/")):
            target = target.get(part, {}) if isinstance(target, Mapping) else {}
        schema, seen = target, seen + 1
    merged = dict(schema)
    for part in schema.get("allOf", ()):
        resolved = _resolved(part, root)
        merged = {**merged, **resolved, "properties": _merged(merged, resolved)}
        merged["required"] = [*schema.get("required", ()), *resolved.get("required", ())]
    return merged


def _merged(left: Schema, right: Schema) -> dict[str, Any]:
    return {**left.get("properties", {}), **right.get("properties", {})}


def _type(schema: Schema) -> str:
    kind = schema.get("type", "object")
    return next((one for one in kind if one != "null"), "null") if isinstance(kind, list) else kind


def _string(schema: Schema, luck: Random) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    text = luck.choice(_WORDS).ljust(_least(schema, "minLength"), "a")
    return text[: schema.get("maxLength", len(text))]


def _number(schema: Schema, luck: Random) -> float:
    whole = _type(schema) == "integer"
    step = schema.get("multipleOf") or (1 if whole else 0.5)
    low, high = _bounds(schema, step)
    first, last = math.ceil(low / step), math.floor(high / step)
    value: float = luck.randint(first, max(first, last)) * step
    return value if low <= value <= high else (low + high) / 2


def _bounds(schema: Schema, step: float) -> tuple[float, float]:
    low, high = schema.get("minimum"), schema.get("maximum")
    margin = min(step, 1e-3) if step < 1 else 1
    if "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + margin
    if "exclusiveMaximum" in schema:
        high = schema["exclusiveMaximum"] - margin
    if low is None:
        low = 0 if high is None or high >= 0 else high - 100 * step
    return low, low + 100 * step if high is None else high


def _least(schema: Schema, name: str) -> int:
    least: int = schema.get(name, 0)
    if least > _MOST:
        raise ValueError(f"{name} is {least}: the simulation goes up to {_MOST}")
    return least


def _array(schema: Schema, root: Schema, luck: Random, depth: int) -> list[Any]:
    least = _least(schema, "minItems")
    usual = 0 if depth > _DEEPEST_OPTIONAL else 1
    count = min(max(least, usual), schema.get("maxItems", max(least, usual)))
    return [_value(schema.get("items", {}), root, luck, depth + 1) for _ in range(count)]


def _object(schema: Schema, root: Schema, luck: Random, depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    required = schema.get("required", ())
    names = required if depth > _DEEPEST_OPTIONAL else [*properties]
    value = {name: _value(properties.get(name, {}), root, luck, depth + 1) for name in names}
    for name in required:
        value.setdefault(name, {})
    return value
