"""Bodies of requests, checked; what is wrong with one in OpenAI's words."""

from __future__ import annotations

import json
import re
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pulseguard_stack.model_server.errors import Refusal, bad_request


class Wire(BaseModel):
    """A part of a body; unknown parameters are accepted and ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


_NAME = re.compile("[a-z0-9_]+")
WireT = TypeVar("WireT", bound=Wire)


def read_body(kind: type[WireT], body: bytes) -> WireT:
    """The checked body; raises Refusal (400) naming the parameter at fault."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise with_model(_refusal(error), body) from None


def _refusal(error: ValidationError) -> Refusal:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return bad_request("We could not parse the JSON body of your request.")
    param = _param(first["loc"])
    code = "missing_required_parameter" if first["type"] == "missing" else "invalid_value"
    return bad_request(f"Invalid '{param}': {first['msg']}.", param, code)


def with_model(refusal: Refusal, body: bytes) -> Refusal:
    """Says which model was meant, as far as a faulty body tells."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return refusal
    if isinstance(fields, dict):
        model = fields.get("model")
        refusal.model = model if isinstance(model, str) else ""
        refusal.stream = fields.get("stream") is True
    return refusal


def _param(location: tuple[int | str, ...]) -> str:
    # Names of union members ("list[Part]", "constrained-str") are pydantic's, not the caller's.
    names = [part for part in location if isinstance(part, int) or _NAME.fullmatch(part)]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in names)
    return path.lstrip(".").removesuffix(".str") or "body"
