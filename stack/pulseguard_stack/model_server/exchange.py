"""One HTTP attempt from its arrival to its ledger entry, whatever the provider's dialect."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from random import Random
from typing import Generic
from uuid import uuid4

from starlette.types import Receive, Scope, Send

from pulseguard_stack.model_server.connection import Connection, Connections
from pulseguard_stack.model_server.dialect import Dialect, Piece, Reply, RequestT
from pulseguard_stack.model_server.errors import Departure, Refusal, ServerStopping
from pulseguard_stack.model_server.faults import (
    Fault,
    FaultRates,
    draw_fault,
    refusal_for,
    requested_fault,
    stalled_out,
)
from pulseguard_stack.model_server.ledger import Attempt, Ledger, Tokens
from pulseguard_stack.model_server.luck import luck_of_arrival, luck_of_call
from pulseguard_stack.model_server.outcomes import Outcome
from pulseguard_stack.model_server.timing import Timing, token_offsets

_TEXT_LIMIT = 120
_BODY_LIMIT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Behaviour:
    """How the simulated provider behaves, whichever endpoint is called."""

    seed: int
    timing: Timing
    rates: FaultRates
    stall_seconds: float
    retry_after_ms: int


@dataclass(frozen=True)
class _Visit:
    """One attempt and all that its handling needs; `started` is on the event loop's clock."""

    connection: Connection
    attempt: Attempt
    luck: Random
    simulate: str
    started: float


class Exchange(Generic[RequestT]):
    """The ASGI application behind one dialect's path."""

    def __init__(
        self,
        dialect: Dialect[RequestT],
        behaviour: Behaviour,
        ledger: Ledger,
        connections: Connections,
    ) -> None:
        self._dialect = dialect
        self._behaviour = behaviour
        self._ledger = ledger
        self._connections = connections

    @property
    def path(self) -> str:
        """Where the endpoint is served."""
        return self._dialect.path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one attempt and writes it down, however it ends."""
        visit = self._visit(dict(scope["headers"]), Connection(scope, receive, send))
        self._connections.add(visit.connection)
        try:
            await self._answer(visit)
        except Departure as departure:
            await _depart(visit, departure)
        finally:
            visit.connection.release()
            self._connections.remove(visit.connection)
            self._ledger.close(visit.attempt, time.time())

    def _visit(self, headers: dict[bytes, bytes], connection: Connection) -> _Visit:
        started = asyncio.get_running_loop().time()
        arrival = self._ledger.arrive()
        call = _text(headers, b"x-call-id")
        number = _retry_count(headers)
        attempt = Attempt(
            arrival=arrival,
            call=call or f"call-{uuid4().hex}",
            number=number,
            agent=_text(headers, b"x-agent") or _text(headers, b"user-agent"),
            endpoint=self.path,
            received_at=time.time(),
        )
        seed = self._behaviour.seed
        luck = luck_of_call(seed, call, number) if call else luck_of_arrival(seed, arrival)
        return _Visit(connection, attempt, luck, _text(headers, b"x-simulate"), started)

    async def _answer(self, visit: _Visit) -> None:
        try:
            request = self._dialect.read(await visit.connection.body(_BODY_LIMIT_BYTES))
            visit.attempt.model = request.model[:_TEXT_LIMIT]
            visit.attempt.stream = request.wants_stream
            fault = self._fault(visit)
            if fault is Fault.TIMEOUT:
                await self._stall(visit)
            refusal = refusal_for(fault)
            if refusal is not None:
                raise refusal
            reply = self._dialect.reply(request, visit.luck)
            await self._send_reply(visit, reply, cut=fault is Fault.CUT)
        except Refusal as refusal:
            await self._refuse(visit, refusal)

    def _fault(self, visit: _Visit) -> Fault:
        # Drawn also where it is overridden: what follows must not depend on the override.
        drawn = draw_fault(self._behaviour.rates, visit.luck)
        return requested_fault(visit.simulate, visit.attempt.number) if visit.simulate else drawn

    async def _stall(self, visit: _Visit) -> None:
        visit.attempt.outcome = Outcome.TIMEOUT
        stall_seconds = self._behaviour.stall_seconds
        await visit.connection.wait_until(visit.started + stall_seconds)
        raise stalled_out(stall_seconds)

    async def _refuse(self, visit: _Visit, refusal: Refusal) -> None:
        attempt = visit.attempt
        attempt.model = attempt.model or refusal.model[:_TEXT_LIMIT]
        attempt.stream = attempt.stream or refusal.stream
        body = self._dialect.error_body(refusal)
        headers = _headers(attempt, b"application/json", len(body))
        if refusal.may_be_retried:
            wait_ms = self._behaviour.retry_after_ms
            headers.append((b"retry-after-ms", b"%d" % wait_ms))
            headers.append((b"retry-after", b"%d" % math.ceil(wait_ms / 1000)))
        await visit.connection.start(refusal.status, headers)
        attempt.status = refusal.status
        await _send(visit, Piece(body, 0), more=False)
        attempt.outcome = refusal.outcome

    async def _send_reply(self, visit: _Visit, reply: Reply, cut: bool) -> None:
        tokens = reply.hidden_tokens + reply.output_tokens
        offsets = token_offsets(self._behaviour.timing, tokens, visit.luck)
        token = reply.hidden_tokens - 1
        last = reply.piece_count - 1
        for number, piece in enumerate(reply.pieces):
            token += piece.tokens
            await visit.connection.wait_until(visit.started + offsets[max(token, 0)])
            if number == 0:
                await _start(visit, reply, piece)
            if cut and number >= last // 2:
                await _cut(visit, piece, whole=number < last)
                return
            await _send(visit, piece, more=number < last)
        visit.attempt.outcome = Outcome.OK
        visit.attempt.tool_calls = reply.tool_calls
        visit.attempt.tokens = reply.usage or Tokens()


async def _depart(visit: _Visit, departure: Departure) -> None:
    visit.attempt.last_byte_at = time.time()
    if isinstance(departure, ServerStopping):
        await visit.connection.hang_up()
    elif visit.attempt.outcome is not Outcome.TIMEOUT:
        visit.attempt.outcome = Outcome.CLIENT_DROPPED


async def _start(visit: _Visit, reply: Reply, first: Piece) -> None:
    # A stream says no length; a whole answer does, also when it is going to be cut.
    length = len(first.data) if reply.piece_count == 1 else None
    headers = _headers(visit.attempt, reply.content_type, length)
    await visit.connection.start(200, headers)
    visit.attempt.status = 200


async def _send(visit: _Visit, piece: Piece, more: bool) -> None:
    attempt = visit.attempt
    if attempt.first_byte_at is None:
        attempt.first_byte_at = time.time()
    await visit.connection.send(piece.data, more)
    attempt.last_byte_at = time.time()
    attempt.output_tokens_sent += piece.tokens
    attempt.tokens = piece.told or attempt.tokens


async def _cut(visit: _Visit, piece: Piece, whole: bool) -> None:
    if not whole:
        piece = Piece(piece.data[: len(piece.data) // 2], piece.tokens // 2)
    await _send(visit, piece, more=True)
    visit.attempt.outcome = Outcome.CUT
    await visit.connection.hang_up()


def _headers(
    attempt: Attempt, content_type: bytes, length: int | None
) -> list[tuple[bytes, bytes]]:
    request = b"req_simulated_%d" % attempt.arrival
    # OpenAI's name for it and Anthropic's.
    headers = [
        (b"content-type", content_type),
        (b"x-request-id", request),
        (b"request-id", request),
    ]
    if length is not None:
        headers.append((b"content-length", b"%d" % length))
    return headers


def _text(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")[:_TEXT_LIMIT]


def _retry_count(headers: dict[bytes, bytes]) -> int:
    count = _text(headers, b"x-stainless-retry-count")
    return int(count) if count.isascii() and count.isdigit() else 0
