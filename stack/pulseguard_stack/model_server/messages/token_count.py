"""Anthropic's POST /v1/messages/count_tokens: no model is asked, so the ledger has no entry."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pulseguard_stack.model_server.errors import Refusal
from pulseguard_stack.model_server.messages import wire
from pulseguard_stack.model_server.messages.prompt import count_prompt, prompt_blocks
from pulseguard_stack.model_server.messages.request import read_count_request


async def count_tokens(request: Request) -> Response:
    """The number of tokens that a prompt would have."""
    try:
        prompt = prompt_blocks(read_count_request(await request.body()))
    except Refusal as refusal:
        body = wire.error_object(refusal)
        return Response(body, refusal.status, media_type="application/json")
    return JSONResponse({"input_tokens": count_prompt(prompt)})
