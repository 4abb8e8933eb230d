"""OpenAI's JSON for responses: the object, its items and its usage.

After https://platform.openai.com/docs/api-reference/responses/object.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulseguard_stack.model_server.bodies import Wire
from pulseguard_stack.model_server.chat_completions.answer import Answer
from pulseguard_stack.model_server.ledger import Tokens
from pulseguard_stack.model_server.responses.request import ResponsesRequest
from pulseguard_stack.model_server.tool_calls import Call

Json = Mapping[str, Any]  # Any: JSON of many shapes


@dataclass(frozen=True)
class Head:
    """What every object of one answer begins with; `suffix` makes the ids of its items."""

    suffix: str
    created: int
    request: ResponsesRequest


def is_complete(answer: Answer) -> bool:
    """Whether nothing was cut off at the output limit."""
    return answer.finish_reason != "length"


def begun(head: Head) -> dict[str, Any]:
    """The response while it is being made."""
    request = head.request
    choice = request.tool_choice
    return {
        "id": f"resp_sim_{head.suffix}",
        "object": "response",
        "created_at": head.created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "model": request.model,
        "output": [],
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "reasoning": request.reasoning.model_dump() if request.reasoning else None,
        "tool_choice": choice.model_dump() if isinstance(choice, Wire) else choice or "auto",
        "tools": [tool.model_dump() for tool in request.tools or ()],
        "usage": None,
        "metadata": {},
    }


def ended(head: Head, answer: Answer, usage: Tokens) -> Json:
    """The whole response."""
    complete = is_complete(answer)
    output = ([reasoning(head)] if answer.reasoning_tokens else []) + (
        [called(head, number, call) for number, call in enumerate(answer.calls)]
        if answer.calls
        else [message(head, "".join(answer.text), complete)]
    )
    return begun(head) | {
        "status": "completed" if complete else "incomplete",
        "incomplete_details": None if complete else {"reason": "max_output_tokens"},
        "output": output,
        "usage": usage_object(usage),
    }


def reasoning(head: Head) -> Json:
    """The item that stands for the reasoning, of which nothing is shown."""
    return {"id": f"rs_{head.suffix}", "type": "reasoning", "summary": []}


def message(head: Head, text: str, complete: bool) -> Json:
    """The item with the text."""
    return {
        "id": f"msg_{head.suffix}",
        "type": "message",
        "role": "assistant",
        "status": "completed" if complete else "incomplete",
        "content": [text_part(text)],
    }


def text_part(text: str) -> Json:
    """The only part of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def called(head: Head, number: int, call: Call) -> Json:
    """The item of a function call."""
    return {
        "id": f"fc_{number}_{head.suffix}",
        "type": "function_call",
        "status": "completed",
        "call_id": call.id,
        "name": call.name,
        "arguments": "".join(call.arguments),
    }


def usage_object(usage: Tokens) -> Json:
    """OpenAI's usage: its totals include the cached and the reasoning tokens."""
    given = usage.input + usage.cache_read + usage.cache_write
    output = usage.output + usage.reasoning
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": usage.cache_read},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": given + output,
    }


def dump(value: Json) -> bytes:
    """As it is sent."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
